"""Every tag and every filter under the same few attacks: a new one is among them as soon as it is registered."""

from __future__ import annotations

import inspect
import time
import tracemalloc
from contextlib import suppress
from typing import Any

import pytest
from liquid import DictLoader, Mode
from liquid.exceptions import LiquidError

from liquid_background import Environment
from liquid_background.errors import LimitReached
from tests.campaigns import fuzz, pairs

LARGE = "{% assign s = (1..60000) | join: '<a> %41&#3; ' %}"  # about 1 MB
DATA = {
    "s": "<a> %41&#3; ".join(map(str, range(1, 60_001))),
    "l": [str(number) for number in range(1, 100_001)],
    "p": [{"a": number, "b": [number]} for number in range(5_000)],
}
MOST_BYTES = 150 * 1024 * 1024
FILTERS = sorted(Environment().filters)
PARTIALS = {
    "f": "{{ a0 | size }}",
    "include": "{% include 'include', a0: s | append: '0', a1: s | append: '1', a2: s | append: '2', a3: s | append: '3' %}",
    "render": "{% render 'render', s: s, a0: s | append: '0', a1: s | append: '1', a2: s | append: '2', a3: s | append: '3' %}",
    "function": "{% function x = 'function', s: s, a0: s | append: '0', a1: s | append: '1', a2: s | append: '2', a3: s | append: '3' %}",
    "back": "{% return s | append: '1' %}",
    "long": "{% for i in (1..100000) %}" + "0123456789" * 20 + "{% endfor %}",
}
_ARGS = ", ".join(f"a{n}: s | append: '{n}'" for n in range(400))
_NEW = "{{ s }}{{ i }}"
TAGS = {
    "assign": "".join(f"{{% assign a{n} = s | append: '{n}' %}}" for n in range(400)),
    "try_rc": "{% try_rc %}{% assign w = [] %}"
    + "".join(f"{{% assign w << {{'a': s | append: '{n}'}} %}}" for n in range(400)) + "{% endtry_rc %}",
    "capture": "".join(f"{{% capture a{n} %}}{_NEW}{{% endcapture %}}" for n in range(400)),
    "cycle": "{% for i in (1..400) %}{% capture g %}" + _NEW + "{% endcapture %}{% cycle g: 1, 2 %}{% endfor %}",
    "echo": "{% for i in (1..400) %}{% echo s | append: i %}{% endfor %}",
    "output": "{% for i in (1..400) %}{{ s | append: i }}{% endfor %}",
    "ifchanged": "{% for i in (1..400) %}{% ifchanged %}" + _NEW + "{% endifchanged %}{% endfor %}",
    "include": f"{{% include 'f', {_ARGS} %}}",
    "render": f"{{% render 'f', {_ARGS} %}}",
    "function": f"{{% function x = 'f', {_ARGS} %}}",
    "return": "".join(f"{{% function r{n} = 'back', s: s %}}" for n in range(400)),
    "background": "{% for i in (1..200) %}{% background a: s | append: i %}x{% endbackground %}{% endfor %}{{ l }}",
    "log": f"{{% log s, {_ARGS} %}}",
    "action": f"{{% action x = 'same', {', '.join(f'a{n}: s | append: 1' for n in range(20))} %}}" * 20,
    "trigger_event": f"{{% trigger_event 'e', {', '.join(f'a{n}: s | append: 1' for n in range(20))} %}}" * 20,
    "tablerow": "{% tablerow i in (1..400) %}" + _NEW + "{% endtablerow %}",
    "for": "{% for i in (1..400) %}" + _NEW + "{% endfor %}",
    "try": "{% try %}{% capture a %}" * 10 + _NEW + "{% endcapture %}{{ a }}{{ s }}{% catch e %}{% endtry %}" * 10
    + "{{ s }}" * 20,
    "translate": "{% translate a: s %}" + "{{ a }}" * 2000 + "{% endtranslate %}",
    "macro": "{% macro m, a %}{{ a }}{{ a }}{% endmacro %}" + "{% call m, s %}" * 400,
    "with": "{% for i in (1..400) %}{% with a: s %}{{ a }}{{ i }}{% endwith %}{% endfor %}",
    "snippet": "{% snippet f %}{{ a }}{% endsnippet %}" + "{% render f, a: s %}" * 400,
    "block": "{% block b %}" + "{{ s }}" * 400 + "{% endblock %}",
}  # fmt: skip
"""What each tag could store, print or pass on without end."""
STORES_NOTHING = frozenset(
    {
        "#",
        "break",
        "case",
        "comment",
        "content",
        "continue",
        "decrement",
        "doc",
        "extends",
        "if",
        "illegal",
        "increment",
    }
    | {"liquid", "raw", "unless", "call", "endbackground", "inline_comment"}
)
"""Tags that hold what their blocks do, or a number for each name in the template."""

HARMLESS = frozenset(("action", "background", "block", "snippet", "trigger_event"))
"""Tags that a tolerant environment makes nothing large of, so that no limit has to be told of."""


class Nowhere:
    """Takes what renders make."""

    def send(self, jobs: object, entries: object) -> None: ...

    async def send_async(self, jobs: object, entries: object) -> None: ...


def environment(timeout: float = 20) -> Environment:
    made = Environment(loader=DictLoader(PARTIALS), page_timeout=timeout, tolerance=Mode.LAX)
    made.sink = Nowhere()
    made.actions["same"] = lambda **values: values
    return made


def test_every_tag_is_attacked_or_known_to_store_nothing() -> None:
    registered = {name for name, tag in Environment().tags.items() if not inspect.isabstract(tag)}
    assert registered - TAGS.keys() - STORES_NOTHING == set()


def outcome(source: str, timeout: float = 20, **data: Any) -> tuple[object, int]:
    """Return what a page came to, and the most bytes that it held on its way there."""
    template = environment(timeout).from_string(source)
    tracemalloc.start()
    try:
        result: object = template.render(**data)
    except Exception as error:  # noqa: BLE001  which of the filters refuses what is not asked here
        result = error
    finally:
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    return result, most


@pytest.mark.slow
@pytest.mark.parametrize("tag", [*TAGS])
def test_no_tag_holds_more_than_the_limits(tag: str) -> None:
    result, most = outcome(TAGS[tag], **DATA)
    assert isinstance(result, LimitReached) or tag in HARMLESS, result
    assert most < MOST_BYTES


@pytest.mark.parametrize("name", ["include", "render", "function"])
def test_arguments_of_partials_in_partials_count_together(name: str) -> None:
    result, most = outcome(LARGE + PARTIALS[name])
    assert isinstance(result, LimitReached)
    assert "variables hold over 32 MB" in str(result)
    assert most < MOST_BYTES


def test_arguments_count_only_while_their_tag_is_rendered() -> None:
    source = LARGE + "{% for i in (1..100) %}{% include 'f', a0: s | append: i %},{% endfor %}"
    assert environment().from_string(source).render().count(",") == 100


def test_what_a_function_prints_is_not_kept() -> None:
    result, most = outcome("{% function x = 'long' %}ok")
    assert result == "ok"
    assert most < 10 * 1024 * 1024


@pytest.mark.parametrize("values", ["s | append: '{}'", "s"])
def test_parameters_that_cannot_travel_are_not_made_json_together(values: str) -> None:
    parameters = ", ".join(f"a{n}: {values.format(n)}" for n in range(20))
    for tag in ("{{% background {} %}}x{{% endbackground %}}", "{{% trigger_event 'e', {} %}}"):
        assert outcome(LARGE + tag.format(parameters))[1] < MOST_BYTES


@pytest.mark.slow  # all of them together
@fuzz
@pytest.mark.parametrize(
    ("name", "given"), pairs(FILTERS, [("s", ""), ("p", ": s, l"), ("s", ": s, l"), ("p", "")], few=2)
)
def test_every_filter_ends_soon_and_holds_little(name: str, given: tuple[str, str]) -> None:
    value, arguments = given
    started = time.process_time()
    template = environment(timeout=0.1).from_string(f"{{{{ {value}{f' | {name}{arguments}' * 3} | size }}}}")
    # What a filter makes of a wrong value is its own affair.
    with suppress(LiquidError, ArithmeticError, ValueError, TypeError, AttributeError):
        template.render(**DATA)
    assert time.process_time() - started < 3


def test_formats_and_messages_of_any_size_are_refused() -> None:
    for source in (
        "{% assign datetime_format = s %}{{ 'now' | datetime }}",
        "{{ 'now' | datetime: format: s }}",
        "{% assign currency_format = s %}{{ 5 | currency }}",
        "{{ s | decimal }}",
        "{{ '%(a)s%(a)s%(a)s%(a)s%(a)s%(a)s%(a)s%(a)s%(a)s%(a)s%(a)s%(a)s' | t: a: s }}",
        "{{ '%1999999999s' | t }}",
        "{{ '%(a)s %(a)1999999999d' | gettext: a: 1 }}",
        "{{ '%*s' | t }}",
    ):
        with pytest.raises(LimitReached):
            environment().from_string(LARGE + source).render()
    assert environment().from_string("{{ 'Hi %(name)s, 100%%' | t: name: 'Ada' }}").render() == "Hi Ada, 100%"
    assert environment().from_string("{% translate n: 'Ada' %}Hi {{ n }}{% endtranslate %}").render() == "Hi Ada"


class _Told:
    def __str__(self) -> str:
        return "told"

    def __html__(self) -> str:
        return "<b>told</b>"


@pytest.mark.parametrize(
    "source",
    [
        "{% translate context: s %}a{% endtranslate %}",
        "{% translate context: s, count: 2 %}a{% plural %}b{% endtranslate %}",
        "{% translate x: s %}a {{ x }}{% endtranslate %}",
        "{% translate %}a {{ s }}{% endtranslate %}",
        *("{{ s | t }}", "{{ 'a' | t: s }}", "{{ 'a' | t: plural: s, count: 2 }}", "{{ 'a %(s)s' | t }}"),
        *("{{ 'a %(x)s' | gettext: x: s }}", "{{ 'a' | ngettext: s, 2 }}", "{{ 'a' | pgettext: s }}"),
        *("{{ 'a' | npgettext: s, 'b', 2 }}", "{{ 'a' | npgettext: 'c', s, 2 }}"),
    ],
)
def test_what_a_translation_makes_text_of_is_measured(source: str) -> None:
    shared: Any = ["x"] * 100
    for _ in range(6):
        shared = [shared] * 100
    started = time.process_time()
    for autoescape in (False, True):
        with pytest.raises(LimitReached, match="takes over 10 MB"):
            Environment(autoescape=autoescape).from_string(source).render(s=shared)
    assert time.process_time() - started < 0.5


def test_a_translation_has_the_text_that_a_page_prints() -> None:
    env = Environment()
    env.expose(_Told, "__str__")
    data = {"l": [1, True, None, "<"], "o": _Told(), "d": {"a": [1]}, "inf": float("inf")}
    for name in ("l", "o", "d", "missing"):
        printed = env.from_string(f"{{{{ {name} }}}}").render(**data)
        assert env.from_string(f"{{{{ '%(x)s' | t: x: {name} }}}}").render(**data) == printed
        assert env.from_string(f"{{% translate x: {name} %}}{{{{ x }}}}{{% endtranslate %}}").render(**data) == printed
    for count in ("l", "inf", "missing", "'x'"):
        source = f"{{% translate count: {count} %}}one{{% plural %}}many{{% endtranslate %}}"
        assert env.from_string(source).render(**data) == "one"


def test_translations_that_a_template_makes_are_an_error_of_its_own() -> None:
    for source in ("{{ 'a' | t }}", "{% translate %}a{% endtranslate %}"):
        with pytest.raises(LiquidError, match="the variable translations is a str"):
            Environment().from_string("{% assign translations = 'x' %}" + source).render()


@pytest.mark.slow
def test_a_render_looks_at_its_clock_between_large_values() -> None:
    data = {"p": [{"a": n, "b": {"c": [n]}} for n in range(9_900)]}
    many = "{% assign m = (1..100000) | join: ',' | split: ',' %}{% assign n = m | reverse | reverse %}"
    for source in (
        "{{ p" + " | uniq" * 200 + " | size }}",
        "{{ p" + " | sort: 'a'" * 400 + " | size }}",
        many + "{% if m == n %}{% endif %}" * 5_000,
        many + "{% for x in m reversed %}{% break %}{% endfor %}" * 3_000,
        many + "{% capture a %}{{ m }}{% endcapture %}" * 3_000,
        many + "{{ m | sum }}" * 1_000,
    ):
        started = time.process_time()
        with pytest.raises(LimitReached, match="PAGE_TIMEOUT"):
            environment(timeout=0.05).from_string(source).render(**data)
        assert time.process_time() - started < 1.5


def test_captures_that_are_left_early_are_forgotten() -> None:
    for tag in ("capture a", "try", "ifchanged"):
        block = f"{{% {tag} %}}x{{% continue %}}{{% end{tag.split()[0]} %}}"
        source = f"{{% for i in (1..3000) %}}{{% if true %}}{block}{{% endif %}}{{% endfor %}}ok"
        result, most = outcome(source)
        assert result == "ok"
        assert most < 300 * 1024
