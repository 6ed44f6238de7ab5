"""Forms of tags that people write: log with a type and an environment, include with a value, capture in quotes, try_rc."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from liquid import DictLoader, Mode
from liquid.exceptions import LiquidError

from liquid_background import Engine, Environment

PARTIALS = {"p": "[{{ p }}|{{ x }}]", "card": "<{{ card }}{{ kind }}>"}
ENVIRONMENT = Environment(loader=DictLoader(PARTIALS))


def shown(source: str, **data: Any) -> str:
    """Return what a template prints, sync and async alike."""
    template = ENVIRONMENT.from_string(source)
    text = template.render(**data)
    assert asyncio.run(template.render_async(**data)) == text
    return text


@pytest.mark.parametrize(
    ("source", "logged"),
    [
        ("{% log x, 'label' %}", [("hi", "label")]),
        ("{% log x | upcase, 'label' | append: '!' %}", [("HI", "label!")]),
        ("{% log x | append: '-' | append: x, type: 'info' %}", [("hi-hi", "info")]),
        ("{% log x, 'label', type: 'type' %}", [("hi", "type")]),
        ("{% log [1, x], 'list' %}{% log {'a': x} %}", [('[1, "hi"]', "list"), ('{"a": "hi"}', "info")]),
        ("{% log x, env: 'staging' %}{% log x, env: 'production' %}", [("hi", "info")]),
        ("{% log x, 'l', env: 'STAGING' %}{% log x, env: ['dev', 'staging'] %}", [("hi", "l"), ("hi", "info")]),
        ("{% log x, env: nobody %}{% log x, env: nil %}", [("hi", "info"), ("hi", "info")]),
        ("{% log x, env: 'dev' %}{% log x, env: '' %}", []),
    ],
)
def test_log_takes_a_type_and_the_environment_that_it_is_for(site: Any, source: str, logged: list[Any]) -> None:
    engine = Engine(settings=site.engine.settings.model_copy(update={"environment_name": "staging"}))
    engine.render_string(source, {"x": "hi"})
    assert [(entry.message, entry.type) for entry in engine.log.entries()] == logged


def test_a_job_logs_in_its_environment_only(make_site: Any) -> None:
    site = make_site()
    source = "{% background source_name: 's' %}{% log 'a', env: 'staging' %}{% log 'b' %}{% endbackground %}"
    site.run(source)
    assert [entry.message for entry in site.outcomes[-1].entries] == ["b"]
    site.engine.environment.environment_name = "staging"
    site.run(source)
    assert [entry.message for entry in site.outcomes[-1].entries] == ["a", "b"]


def test_a_third_value_of_log_is_an_error() -> None:
    with pytest.raises(LiquidError, match="log takes a value and a type"):
        ENVIRONMENT.from_string("{% log a, 'b', 'c' %}")


@pytest.mark.parametrize(
    ("source", "printed"),
    [
        ("{% include 'p' with 'text' %}", "[text|X]"),
        ("{% include 'p' with 'text' as q, x: 1 %}", "[|1]"),
        ("{% include 'p' with x: 3 %}", "[|3]"),
        ("{% include name with x: name %}", "[|p]"),
        ("{% include 'p' with [1, 2] %}{% include 'p' with 3 %}", "[1|X][2|X][3|X]"),
        ("{% render 'p' with 'text', x: 1 %}{% render 'p' with x: 2 %}", "[text|1][|2]"),
        ("{% render 'p' for ['a', 'b'] %}", "[a|X][b|X]"),
        ("{% include 'card' with {'a': 1} %}", "<{'a': 1}>"),
        ("{% include 'card' with rows.first.title, kind: 'k' %}", "<Tk>"),
    ],
)
def test_a_partial_is_rendered_with_what_is_written_out(source: str, printed: str) -> None:
    assert shown(source, x="X", name="p", rows=[{"title": "T"}]) == printed


def test_a_with_without_anything_is_an_error() -> None:
    with pytest.raises(LiquidError, match="say what the partial is rendered with"):
        ENVIRONMENT.from_string("{% include 'p' with %}")


def test_capture_takes_its_name_in_quotes() -> None:
    assert shown("{% capture 'x' %}a{% endcapture %}{% capture \"y\" -%} b {%- endcapture %}{{ x }}{{ y }}") == "ab"
    assert shown("{% liquid\n capture 'x'\n echo 'a'\n endcapture\n echo x\n%}") == "a"


def test_try_rc_is_try() -> None:
    source = (
        "{% try_rc %}{{ 1 | divided_by: 0 }}{% catch err %}{{ err.name }}{% endtry_rc %}{% try_rc %}b{% endtry_rc %}"
    )
    assert shown(source) == "FilterArgumentErrorb"
    with pytest.raises(LiquidError, match="this 'try_rc' is never closed"):
        ENVIRONMENT.from_string("{% try_rc %}a")


@pytest.mark.parametrize("tag", ["background _", "function r"])
def test_a_filter_is_of_the_last_argument_and_never_of_the_name(site: Any, tag: str) -> None:
    site.write({"partials/p": "{{ x }}{% return x %}"})
    printed = site.render(f"{{% {tag} = 'p', y: 1, x: 'a' | upcase %}}{{{{ r }}}}")
    assert "A" in [printed, *(site.perform(job).result for job in site.jobs)]
    for wrong in ("'p' | upcase", "'p' | upcase, x: 1", "name | append: 'x'"):
        with pytest.raises(LiquidError, match=r"the filter '(upcase|append)' does not apply to a partial's name"):
            site.render(f"{{% {tag} = {wrong} %}}")
    tolerant = Environment(loader=DictLoader({"p": "{% return 'b' %}"}), tolerance=Mode.LAX)
    assert tolerant.from_string("{% function r = 'p' | upcase %}{{ r }}").render() == "b"
