"""Tracebacks through compiled templates."""

from __future__ import annotations

import asyncio
import linecache
import traceback

import pytest
from liquid import CachingDictLoader

from liquid_background import Environment
from liquid_background.errors import CodeError
from liquid_background.language.compiled import tracebacks
from liquid_background.language.syntax import explain, trace

PAGE = "first\n{% for i in (1..2) %}\n  {% include 'part', n: i %}\n{% endfor %}\n"
PART = "a part\n\n{{ n | boom }}"


def failing() -> Environment:
    environment = Environment(loader=CachingDictLoader({"part": PART}))

    def boom(value: object) -> object:
        raise ZeroDivisionError(f"no {value}")

    environment.filters["boom"] = boom
    return environment


def test_it_names_and_shows_the_lines_of_each_template() -> None:
    with pytest.raises(ZeroDivisionError) as raised:
        failing().from_string(PAGE, name="pages/x").render()
    told = traceback.format_exception(raised.value)
    frames = [line for line in "".join(told).splitlines() if line.startswith(('  File "pages/x"', '  File "part"'))]
    assert '  File "pages/x", line 3, in render' in frames
    assert '  File "part", line 3, in render' in frames
    assert "    {% include 'part', n: i %}\n" in "".join(told)
    assert "    {{ n | boom }}\n" in "".join(told)


def test_the_places_are_those_of_a_template_that_is_walked() -> None:
    found = []
    for compiled in (True, False):
        environment = failing()
        environment.compile = compiled
        with pytest.raises(ZeroDivisionError) as raised:
            environment.from_string(PAGE, name="pages/x").render()
        found.append((explain(raised.value), trace(raised.value)))
    assert found[0] == found[1]
    assert [str(place) for place in found[0][1]] == ["pages/x:3", "part:3"]


def test_the_lines_of_a_hundred_templates_are_kept() -> None:
    for number in range(tracebacks._KEPT + 5):
        with pytest.raises(ZeroDivisionError):
            failing().from_string("{{ 1 | boom }}", name=f"many/{number}").render()
    kept = [name for name in linecache.cache if name.startswith("many/")]
    assert 0 < len(kept) <= tracebacks._KEPT
    assert f"many/{tracebacks._KEPT + 4}" in kept


def test_a_file_of_that_name_is_shown_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(linecache.cache, "taken", (3, None, ["its own\n"], "taken"))
    with pytest.raises(ZeroDivisionError):
        failing().from_string("{{ 1 | boom }}", name="taken").render()
    assert linecache.getline("taken", 1) == "its own\n"


def test_what_no_coroutine_lets_pass_is_of_its_own_template() -> None:
    environment = Environment(loader=CachingDictLoader({"part": "\n{{ n | stop }}"}))

    def stop(value: object) -> object:
        raise StopIteration("a filter's own")

    environment.filters["stop"] = stop
    for awaits in (False, True):
        template = environment.from_string("{% render 'part', n: 1 %}", name="pages/x")
        with pytest.raises(CodeError) as raised:
            asyncio.run(template.render_async()) if awaits else template.render()
        assert explain(raised.value).startswith("StopIteration: a filter's own (part:2")


def test_the_way_in_is_told_of_what_a_generator_did_not_let_pass() -> None:
    block = "{% if true %}x{{ 1 | stop }}{% endif %}"  # whose nodes a generator walks
    environment = Environment(
        loader=CachingDictLoader({"outer": "\n{% include 'inner' %}", "inner": block}), compile=False
    )

    def stop(value: object) -> object:
        raise StopIteration("a filter's own")

    environment.filters["stop"] = stop
    with pytest.raises(CodeError) as raised:
        environment.from_string("{% include 'outer' %}", name="pages/x").render()
    assert explain(raised.value) == (
        "StopIteration: a filter's own (inner:1, included from outer:2, included from pages/x:1)"
    )
