"""When a template is compiled, and when not."""

from __future__ import annotations

import logging

import pytest
from liquid import Mode

from liquid_background import Engine, Environment
from liquid_background.language.compiled import deciding
from liquid_background.language.context import Context
from liquid_background.settings import Settings


@pytest.fixture(autouse=True)
def _compiled_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deciding, "patience", 1.0)  # as it is outside tests


def is_compiled(template: object) -> bool:
    return template.compiled._sync is not None  # type: ignore[attr-defined,no-any-return]


def test_a_template_is_compiled_once_walking_has_taken_longer() -> None:
    template = Environment().from_string("{% for i in (1..500) %}{{ i }}{% endfor %}")
    first = template.render()
    assert not is_compiled(template)  # a page that is rendered once never pays for it
    for _ in range(1000):
        if is_compiled(template):
            break
        assert template.render() == first
    assert is_compiled(template)
    assert template.render() == first


def test_a_short_template_that_is_rendered_twice_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deciding, "patience", 1_000.0)  # whatever the machine does meanwhile
    template = Environment().from_string("{{ a }}")
    assert (template.render(a=1), template.render(a=2)) == ("1", "2")
    assert not is_compiled(template)


@pytest.mark.parametrize("off", [{"compile": False}, {}], ids=["environment", "setting"])
def test_it_can_be_turned_off(off: dict[str, bool], settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deciding, "patience", 0.0)
    environment = Environment(**off)  # type: ignore[arg-type]
    Engine(environment=environment, settings=settings.model_copy(update={"compile": bool(off)}))
    template = environment.from_string("{{ 1 | plus: 1 }}")
    assert template.render() == "2"
    assert not is_compiled(template)
    assert template.compiled.why_walked == "compiling is off (COMPILE)"


def test_an_environment_says_more_than_the_setting(settings: Settings) -> None:
    environment = Environment(compile=True)
    Engine(environment=environment, settings=settings.model_copy(update={"compile": False}))
    assert environment.compile is True
    environment.detach()
    assert environment.compile is True


def test_another_python_liquid_is_walked_and_told_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(deciding, "patience", 0.0)
    monkeypatch.setattr(deciding, "TESTED", ("0.0.1",))
    monkeypatch.setattr(deciding, "_told", set())
    with caplog.at_level(logging.WARNING, "liquid_background"):
        for _ in range(3):
            assert Environment().from_string("{{ 'a' | upcase }}").render() == "A"
    (line,) = caplog.messages
    assert line.startswith("templates are not compiled: python-liquid ")
    assert line.endswith("is none of the tested versions (0.0.1)")


def test_what_is_too_much_is_walked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deciding, "patience", 0.0)
    template = Environment().from_string("{{ a }}" * 4_000)
    assert template.render(a="x") == "x" * 4_000
    assert template.compiled.why_walked.startswith("it would be over 20,000 lines")


def test_changes_of_the_environment_count_after_compiling(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deciding, "patience", 0.0)
    environment = Environment()
    template = environment.from_string("{{ a | upcase }}{{ a | nothing }}", name="x")
    environment.filters["nothing"] = lambda value: value
    assert template.render(a="<b>") == "<B><b>"
    environment.filters["upcase"] = lambda value: f"up {value}"
    assert template.render(a="<b>") == "up <b><b>"
    environment.autoescape = True
    assert template.render(a="<b>") == "up &lt;b&gt;&lt;b&gt;"
    del environment.filters["nothing"]
    environment.mode = Mode.LAX
    assert template.render(a="<b>") == "up &lt;b&gt;"


def test_a_context_with_ways_of_its_own_is_walked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deciding, "patience", 0.0)

    class Shouting(Context):
        def assign(self, key: str, val: object) -> None:
            super().assign(key, f"{val}!")

    template = Environment().from_string("{% assign a = 'x' %}{{ a }}")
    assert template.render() == "x"
    template.context_class = Shouting  # type: ignore[misc]
    assert template.render() == "x!"
