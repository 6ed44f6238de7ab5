"""When a template is compiled, and when not."""

from __future__ import annotations

import asyncio
import gc
import logging
import sys
import weakref
from concurrent.futures import ThreadPoolExecutor
from typing import TextIO

import pytest
from liquid import Mode, Node, RenderContext, Tag, TokenStream
from liquid.filter import with_context

from liquid_background import Engine, Environment
from liquid_background.language.compiled import deciding
from liquid_background.language.compiled.room import Room
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
    assert template.compiled.explain(template) == ("compiling is off (COMPILE)", {})


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
    template = Environment().from_string("{{ a }}" * 2_000)
    assert template.render(a="x") == "x" * 2_000
    assert template.compiled.why_walked.startswith("it would be over 5,000 lines")


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


def test_a_compiled_template_goes_as_soon_as_nobody_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deciding, "patience", 0.0)
    environment = Environment()
    gc.disable()
    try:
        template = environment.from_string("{% for i in (1..2) %}{{ i | plus: 1 }}{% endfor %}")
        assert template.render() == "23"
        gone = weakref.ref(template)
        del template
        assert gone() is None
    finally:
        gc.enable()


@pytest.mark.parametrize(
    "source", ["{{ a }}{% escaping %}{{ a }}x{{ a }}", "{{ a }}{{ '' | escaping }}{{ a }}x{{ a }}"]
)
def test_text_is_escaped_from_where_it_is_switched_on(source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deciding, "patience", 0.0)

    class Escaping(Node):
        def render_to_output(self, context: RenderContext, _: TextIO) -> int:
            context.autoescape = True
            return 0

    class EscapingTag(Tag):
        name, block = "escaping", False

        def parse(self, stream: TokenStream) -> Node:
            return Escaping(stream.expect("tag"))

    @with_context
    def escaping(value: str, *, context: RenderContext) -> str:
        context.autoescape = True
        return value

    environment = Environment()
    environment.add_tag(EscapingTag)
    environment.filters["escaping"] = escaping
    template = environment.from_string(source)
    assert template.render(a="<b>") == "<b>&lt;b&gt;x&lt;b&gt;"
    assert asyncio.run(template.render_async(a="<b>")) == "<b>&lt;b&gt;x&lt;b&gt;"
    assert is_compiled(template)


def test_an_environment_stops_compiling_when_it_is_told_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deciding, "patience", 0.0)
    environment = Environment()
    template = environment.from_string("{{ a }}")
    assert template.render(a=1) == "1"
    environment.compile = False
    walked: list[object] = []
    monkeypatch.setattr(deciding, "walk", lambda *given, **_: walked.append(given))
    template.render(a=1)
    assert walked


def test_compiled_templates_have_room_for_so_many_lines_and_the_first_goes_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(deciding, "patience", 0.0)
    env, room = Environment(), Room()
    monkeypatch.setattr(deciding, "_room", room)
    one, two, three = (env.from_string("{{ a | upcase }}") for _ in range(3))
    one.render()
    room.most = 2 * one.compiled._sync.lines  # type: ignore[attr-defined]
    two.render()
    three.render()
    assert [is_compiled(each) for each in (one, two, three)] == [False, True, True]
    del two
    gc.collect()
    assert one.render(a="x") == "X"  # a template that is gone leaves its room
    assert is_compiled(one)
    assert is_compiled(three)


def test_threads_take_room_at_a_time() -> None:
    class Owner:
        def forget(self) -> None:
            forgotten.add(self)

    forgotten: set[Owner] = set()
    room = Room(most=1)
    owned = [[Owner() for _ in range(10_000)] for _ in range(4)]
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(4) as threads:
            done = threads.map(lambda owners: [room.take(owner, 1) for owner in owners], owned)
            assert len([*done]) == 4
    finally:
        sys.setswitchinterval(before)
    assert len(forgotten) >= 4 * 10_000 - 1


def test_a_template_that_made_room_is_compiled_when_walking_took_as_long_as_compiling_did(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(deciding, "patience", 0.0)
    template = Environment().from_string("{{ a }}")
    template.render()
    template.compiled.forget()  # type: ignore[attr-defined]
    monkeypatch.setattr(deciding, "patience", 1.0)
    template.compiled._took, template.compiled._spent = 60.0, 30.0  # type: ignore[attr-defined]
    template.render()
    assert not is_compiled(template)
