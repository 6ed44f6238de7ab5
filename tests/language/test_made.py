"""Lists and objects that hold each other many times: what templates make of others is measured when it is made."""

from __future__ import annotations

import asyncio
import time
import tracemalloc
from contextlib import suppress
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from liquid import DictLoader, Mode, StrictUndefined
from liquid.builtin.filters import string
from liquid.exceptions import LiquidError, UndefinedError
from markupsafe import Markup

from liquid_background import Environment
from liquid_background.errors import ArgumentError, LimitReached, NotPlain
from liquid_background.jobs.handover import encode
from liquid_background.jobs.sizes import MadeDict, MadeList, text_size, weigh, weigh_whole
from liquid_background.language.filters.last import remove_last, replace_last
from liquid_background.language.filters.uniq import uniq
from liquid_background.language.tags import Consumer
from tests.campaigns import fuzz

PARTIALS = {
    "list": "{% macro m %}{% return args %}{% endmacro %}{% call m a, b %}",
    "object": "{% macro m %}{% return kwargs %}{% endmacro %}{% call m a: a, b: b %}",
    "one": "{% macro m %}{% return args %}{% endmacro %}{% call m a %}",
}
DOORS = {
    **{name: f"{{% function x = '{name}', a: x, b: x %}}" for name in ("list", "object")},
    "filter": "{% assign x = x | pair: x %}",
    "filter of objects": "{% assign x = x | object: x %}",
}


class Nowhere:
    """Takes what renders make."""

    def send(self, jobs: object, entries: object) -> None: ...

    async def send_async(self, jobs: object, entries: object) -> None: ...


def environment(**options: Any) -> Environment:
    made = Environment(loader=DictLoader(PARTIALS), **{"page_timeout": 100, **options})
    made.sink = Nowhere()
    made.actions["nest"] = lambda value: {"a": [value]}
    made.filters["pair"] = lambda left, other: [left, other]
    made.filters["object"] = lambda left, other: {"a": left, "b": other}
    return made


def doubled(name: str, times: int, door: str = "list") -> str:
    return f"{{% assign x = 1 %}}{{% for i in (1..{times}) %}}{DOORS[door]}{{% endfor %}}{{% assign {name} = x %}}"


def render(source: str, *, asynchronous: bool = False, env: Environment | None = None, **values: Any) -> str:
    template = (env or environment()).from_string(source)
    return asyncio.run(template.render_async(**values)) if asynchronous else template.render(**values)


@pytest.mark.parametrize("asynchronous", [False, True])
@pytest.mark.parametrize("door", DOORS)
def test_what_holds_one_thing_twice_and_so_on_is_refused_with_its_line(door: str, asynchronous: bool) -> None:
    for mode in (Mode.STRICT, Mode.LAX):
        source = f"\n{{% try %}}{doubled('y', 60, door)}{{% catch e %}}caught{{% endtry %}}"
        started = time.process_time()
        with pytest.raises(LimitReached, match=r"hold over 32 MB \(Environment\.local_namespace_limit\)") as raised:
            render(source, asynchronous=asynchronous, env=environment(tolerance=mode))
        assert time.process_time() - started < 5
        assert raised.value.context()[0] in (1, 2)  # of the partial, or of the page


def test_what_lists_in_lists_hold_is_counted() -> None:
    source = (
        "{% assign s = 'x' %}{% for i in (1..20) %}{% assign s = s | append: s %}{% endfor %}{% assign x = 1 %}"
        "{% for i in (1..300) %}{% assign t = s | append: i %}{% function x = 'list', a: x, b: t %}{% endfor %}"
    )
    several = "".join(
        f"{{% assign t = s | append: {n} %}}{{% function a = 'one', a: t %}}{{% function x{n} = 'one', a: a %}}"
        for n in range(60)
    )
    actions = "".join(
        f"{{% assign t = s | append: {n} %}}{{% action a = 'nest', value: t %}}{{% assign x{n} = a %}}"
        for n in range(60)
    )
    for made in (
        source,
        source.split("{% assign x", maxsplit=1)[0] + several,
        source.split("{% assign x", maxsplit=1)[0] + actions,
    ):
        tracemalloc.start()
        try:
            with pytest.raises(LimitReached, match="variables hold over 32 MB"):
                render(made)
            assert tracemalloc.get_traced_memory()[1] < 80 * 1024 * 1024
        finally:
            tracemalloc.stop()


def test_lists_go_so_deep_in_each_other() -> None:
    wrap = "{% for i in (1..COUNT) %}{% function x = 'one', a: x %}{% endfor %}{{ x | size }}"
    assert render("{% assign x = 1 %}" + wrap.replace("COUNT", "50")) == "1"
    with pytest.raises(LimitReached, match="lists and objects are over 50 deep in each other"):
        render("{% assign x = 1 %}" + wrap.replace("COUNT", "51"))


def test_a_macro_sees_what_it_did() -> None:
    macro = "{% macro m, p, q: 'Q' %}{{ p }},{{ q }},{{ args | json }},{{ kwargs | json }}{% endmacro %}"
    call = "{% call m 1, 2, x, 'c', d: x, e: 5 %};{% call m %};{% call m q: 2 %};{% call none %}"
    expected = '1,2,[[3], "c"],{"d": [3], "e": 5};,Q,[],{};,2,[],{};'
    for asynchronous in (False, True):
        assert render(macro + call, asynchronous=asynchronous, x=[3]) == expected


def test_strict_undefined_values_pass_until_they_are_used() -> None:
    env = environment(undefined=StrictUndefined)
    call = "{% macro m %}{{ args | size }}{{ args[0] | size }}USE{% endmacro %}{% call m x, nothing, k: nothing %}"
    assert render(call.replace("USE", ""), env=env, x=[[1]]) == "21"
    with pytest.raises(UndefinedError, match="'nothing' is undefined"):
        render(call.replace("USE", "{{ args[1] }}"), env=env, x=[[1]])


def test_an_applications_circles_pass_a_macro() -> None:
    everyone: list[Any] = [[] for _ in range(14)]
    for one in everyone:
        one.extend(everyone)
    macro = "{% macro m %}{{ args | size }}SHOWN{% endmacro %}{% call m x, k: x %}"
    assert render(macro.replace("SHOWN", ""), x=everyone) == "1"
    started = time.process_time()
    with pytest.raises(LimitReached, match="takes over 10 MB"):
        render(macro.replace("SHOWN", "{{ args }}"), x=everyone)  # there are 14! ways through it
    assert time.process_time() - started < 5


FILTERS = sorted(Environment().filters)
SHAPES = ("list", "object")
USES = ("l | NAME", "l | NAME: x", "l | NAME: 'a', y", "x | NAME: y", "'abc' | NAME: x")


def shared(kind: str, times: int) -> str:
    """Return what makes x, y and l, which holds both."""
    both = "{% function l = 'KIND', a: x, b: y %}{% function l = 'one', a: l %}".replace("KIND", kind)
    return doubled("x", times, kind) + "{% assign z = x %}" + doubled("y", times, kind) + "{% assign x = z %}" + both


TAGS = (
    "{{ [x] }}{{ [x].a }}{{ l[y] }}",
    "{% if x == y or l contains y or x <= y %}{% endif %}{% case x %}{% when y, y, y %}{% endcase %}",
    "{% for i in (1..100000) %}{% if x == y %}{% endif %}{% endfor %}",
    "{% function z = x %}",
    "{% include x %}",
    "{% action x %}",
    "{% action z = 'nest', value: l %}{% action z = 'nest', value: x %}",
    "{% log l, type: x %}",
    "{% cycle x, y %}{% cycle x: y %}",
    "{% ifchanged %}{{ x }}{% endifchanged %}{% capture z %}{{ y }}{% endcapture %}",
    "{% translate a: x %}{{ a }}{% endtranslate %}",
    "{% background x %}{% endbackground %}{% background a: x %}{% endbackground %}",
    "{% trigger_event x %}{% trigger_event 'e', a: x %}",
    "{% for i in (1..100000) %}{% function z = 'list', a: l, b: x %}{% endfor %}",
)


@cache
def hurried() -> Environment:
    return environment(tolerance=Mode.LAX, page_timeout=0.1)


def attack(source: str, **values: Any) -> None:
    started = time.process_time()
    # What becomes of a wrong value is not asked here.
    with suppress(LiquidError, ArithmeticError, ValueError, TypeError, AttributeError):
        render(source, env=hurried(), **values)
    assert time.process_time() - started < 3


@cache
def made(kind: str) -> dict[str, Any]:
    """Return x, y and l as a template makes them: as much as its variables may hold, or nearly."""
    env = environment()
    taken: dict[str, Any] = {}
    env.filters["take"] = lambda value, name: taken.update({name: value})
    render(shared(kind, 12) + "{{ x | take: 'x' }}{{ y | take: 'y' }}{{ l | take: 'l' }}", env=env)
    assert type(taken["x"]) in (MadeList, MadeDict)
    return taken


@pytest.mark.parametrize("kind", SHAPES)
def test_what_would_hold_too_much_ends_soon(kind: str) -> None:
    attack(shared(kind, 28))


@pytest.mark.slow  # all of them together
@pytest.mark.parametrize("name", FILTERS)
def test_every_filter_ends_soon_with_what_holds_things_many_times(name: str) -> None:
    for kind in SHAPES:
        for use in USES:
            attack(f"{{{{ {use.replace('NAME', name)} | size }}}}", **made(kind))


@pytest.mark.slow
@pytest.mark.parametrize("kind", SHAPES)
@pytest.mark.parametrize("tag", TAGS)
def test_every_tag_ends_soon_with_what_holds_things_many_times(tag: str, kind: str) -> None:
    attack(shared(kind, 12) + tag)


def test_values_of_an_application_that_hold_one_thing_many_times_are_looked_at_once() -> None:
    value: Any = ["a"]
    for _ in range(60):
        value = [value, value]
    started = time.process_time()
    assert text_size(value, 1000) > 1000
    assert weigh_whole(value, 10**30)[1] == 61
    assert weigh(value) > 2**60
    with pytest.raises(NotPlain, match="takes over 10 MB as text"):
        encode(value)
    for source in ("{{ x }}", "{{ x | uniq }}", "{{ [x] }}", "{% function y = x %}", "{% assign y = x %}"):
        with pytest.raises(LimitReached):
            render(source + "{% include x %}", x=value)
    assert time.process_time() - started < 5


def test_made_values_are_what_they_are_made_of() -> None:
    env = environment()
    source = "{% function x = 'list', a: l, b: 2 %}{% function y = 'object', a: l, b: 2 %}{{ x | take }}{{ y | take }}"
    taken: list[Any] = []
    env.filters["take"] = taken.append
    render(source, env=env, l=[1])
    assert [type(value) for value in taken] == [MadeList, MadeDict]
    assert taken == [[[1], 2], {"a": [1], "b": 2}]
    assert [encode(value) for value in taken] == taken
    assert render("{% function x = 'list', a: l, b: l %}{% assign x = x | concat: x | uniq %}{{ x }}", l=[1]) == "1"


@pytest.mark.parametrize("asynchronous", [False, True])
def test_a_name_that_nothing_has_is_told_in_short(asynchronous: bool) -> None:
    env = environment(undefined=StrictUndefined)
    for source, message in (
        ("{{ [x] }}", "a list is undefined"),
        ("{{ a[x].b }}", "a[a list]['b'] is undefined"),
        ("{{ [s] }}", "x…' is undefined"),
        ("{{ x[s] }}", "x…'] is undefined"),
        ("{{ [n] }}", "3 is undefined"),
        ("{{ nothing.b }}", "'nothing' is undefined"),
    ):
        with pytest.raises(UndefinedError) as raised:
            render(source, asynchronous=asynchronous, env=env, x=[[1]], s="x" * 10_000, n=3)
        assert str(raised.value.message).endswith(message)
        assert len(str(raised.value.message)) < 200


def test_names_that_nothing_has_hold_little() -> None:
    source = "{% assign s = (1..100000) | join: 'xxx' %}" + "".join(f"{{% assign u{n} = [s].x %}}" for n in range(200))
    tracemalloc.start()
    try:
        render(source)
        assert tracemalloc.get_traced_memory()[1] < 30 * 1024 * 1024
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("loop", ["for", "tablerow"])
def test_a_loop_that_was_left_keeps_nothing(loop: str) -> None:
    source = (
        "{% assign s = (1..100000) | join: 'xxx' %}{% assign l = 'a' | split: ',' %}{% for i in (1..100) %}"
        "{% assign q = s | append: i | split: ',' %}{% for v in q %}{% function o = 'one', a: forloop %}"
        "{% assign l = l | concat: o %}{% break %}{% endfor %}{% endfor %}{{ l | size }}"
    ).replace("for v in", f"{loop} v in")
    source = source.replace("{% break %}{% endfor %}", "{% break %}{% end" + loop + " %}", 1)
    source = source.replace("forloop", "forloop" if loop == "for" else "tablerowloop")
    tracemalloc.start()
    try:
        assert render(source).endswith("101")
        assert tracemalloc.get_traced_memory()[1] < 30 * 1024 * 1024
    finally:
        tracemalloc.stop()


def test_an_event_takes_no_request_of_any_size() -> None:
    env = environment()
    env.consumers = lambda event, look=None: [Consumer("one", {"source_name": "one"})]  # type: ignore[method-assign]
    started = time.process_time()
    for door in ("list", "object"):
        with pytest.raises(ArgumentError, match="the event's values and the request take over 100 KB: pass ids"):
            render(doubled("params", 15, door) + "{% trigger_event 'e' %}", env=env)
    assert time.process_time() - started < 3


def test_an_actions_name_may_be_long() -> None:
    source = "{% assign s = (1..100000) | join: 'pair ' %}{% action s %}"
    started = time.process_time()
    with pytest.raises(ArgumentError, match="is registered: register it with"):
        render(source)
    assert time.process_time() - started < 2


def test_uniq_compares_so_many_with_each_other() -> None:
    started = time.process_time()
    with pytest.raises(LimitReached, match="take over 1,000,000 comparisons with each other"):
        uniq([{number} for number in range(9_000)])
    assert len(uniq([{number % 500} for number in range(1_000)])) == 500
    assert time.process_time() - started < 2


TEXTS = st.text("ab<", max_size=12) | st.text("ab<", max_size=4).map(Markup)


@fuzz
@given(TEXTS, TEXTS, TEXTS)
def test_the_last_place_of_a_text_is_what_it_was(text: str, found: str, put: str) -> None:
    for ours, theirs in (
        (remove_last(text, found), string.remove_last(text, found)),
        (replace_last(text, found, put), string.replace_last(text, found, put)),
    ):
        assert (ours, type(ours)) == (theirs, type(theirs))


@pytest.mark.parametrize(
    "use", ["remove_last: k", "replace_last: k, 'x'", "remove: k", "replace: k, 'x'", "split: k", "remove_first: k"]
)
def test_a_long_text_is_looked_for_once(use: str) -> None:
    text, started = "a" * 4_000_000, time.process_time()
    for found in ("ab" + "a" * 1_000_000, "a" * 1_000_000 + "ba", "a" * 500_000 + "b" + "a" * 500_000):
        assert render(f"{{{{ s | {use} | size }}}}", s=text, k=found) in ("4000000", "1")
    assert render("{{ s | remove_last: k }}", s=f"{'a' * 9_000}bcd", k="a" * 8_000) == f"{'a' * 1_000}bcd"
    assert time.process_time() - started < 3
