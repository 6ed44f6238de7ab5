"""The clock is looked at in what a template writes out at length, without a variable, a filter or a turn."""

from __future__ import annotations

import asyncio
import time
from decimal import Decimal
from typing import Any

import pytest
from liquid import BoundTemplate, DictLoader, Mode
from liquid.exceptions import LiquidError

from liquid_background import Environment
from liquid_background.errors import LimitReached, PageTimeout

TURNS = "{{% for i in (1..100000) %}}{}{{% endfor %}}"
LONG = {
    "conditions": TURNS.format("{% if 'a' == 'b' or 'c' == 'd' %}{% endif %}" * 2500),
    "unless": TURNS.format("{% unless 'a' == 'b' %}{% endunless %}" * 3000),
    "one when": TURNS.format("{% case 1 %}{% when " + ",".join("2" * 30_000) + " %}{% endcase %}"),
    "whens": TURNS.format("{% case 1 %}" + "{% when 2 %}" * 9_000 + "{% endcase %}"),
    "cycle": TURNS.format("{% cycle " + ",".join(["'a'"] * 20_000) + " %}"),
    "nested": TURNS.format(("{% if 1 %}" * 20 + "{% if 1 %}{% endif %}" * 50 + "{% endif %}" * 20) * 75),
    "assign": TURNS.format("{% assign b = 1 %}" * 7_000),
    "liquid": TURNS.format("{% liquid\n" + "echo ''\n" * 12_000 + "%}"),
    "tablerow": "{% tablerow i in (1..100000) %}" + "{% if 1 == 2 %}{% endif %}" * 4500 + "{% endtablerow %}",
    "include": TURNS.format("{% include 'long' %}"),
    "ranges": "{% for i in (1..100000) reversed offset: 100000 %}{% endfor %}" * 2000,
}


def parsed(source: str, timeout: float = 0.3) -> BoundTemplate:
    partials = {"long": "{% if 1 %}{% endif %}" * 6_000}
    return Environment(page_timeout=timeout, loader=DictLoader(partials)).from_string(source)


def render(source: str, *, asynchronous: bool = False, **values: Any) -> str:
    template = parsed(source)
    return asyncio.run(template.render_async(**values)) if asynchronous else template.render(**values)


@pytest.mark.slow  # all of them together
@pytest.mark.parametrize("name", LONG)
def test_what_is_written_out_at_length_ends_at_its_time(name: str) -> None:
    started = time.process_time()
    template = parsed(LONG[name], timeout=0.03)
    with pytest.raises(PageTimeout):
        template.render()
    assert time.process_time() - started < 2  # with parsing
    started = time.process_time()
    with pytest.raises(PageTimeout):
        asyncio.run(template.render_async())
    assert time.process_time() - started < 0.5


@pytest.mark.parametrize("mode", list(Mode))
def test_looks_print_nothing_and_are_in_no_tags_way(mode: Mode) -> None:
    body = "{% if 1 %}a{% endif %}{% break %}" + "{% if 1 %}b{% endif %}" * 1000
    environment = Environment(loader=DictLoader({"p": "{% if 1 %}c{% endif %}" * 1000}), tolerance=mode)
    template = environment.from_string(f"{{% for i in (1..2) %}}{body}{{% endfor %}}{{% render 'p' %}}")
    assert template.render() == "a" + "c" * 1000
    assert str(template).startswith("{% for i in (1..2) %}{% if ")


@pytest.mark.parametrize("asynchronous", [False, True])
def test_what_is_contained_is_evaluated_once(asynchronous: bool) -> None:
    assert render("{% if 'a'" + " contains 'b'" * 40 + " %}x{% endif %}", asynchronous=asynchronous) == ""


@pytest.mark.parametrize(
    ("value", "contained"),
    [
        (2, True),
        (4, False),
        (0, False),
        (2.0, True),
        (2.5, False),
        (True, True),
        (False, False),
        (None, False),
        ("2", False),
        ("", False),
        ([2], False),
        (Decimal(2), True),
        (Decimal("1e999999999"), False),
        (float("nan"), False),
        (float("inf"), False),
        (type("Two", (), {"__eq__": lambda self, other: other == 2, "__hash__": None})(), True),
    ],
)
def test_a_range_contains_what_it_did(value: object, contained: bool) -> None:
    shown = render("{% assign r = (1..3) %}{% if r contains v %}yes{% else %}no{% endif %}", v=value)
    assert shown == ("yes" if contained else "no")
    assert render("{% if (1..3) contains v %}yes{% else %}no{% endif %}", v=value) == shown


def test_a_range_is_not_gone_through() -> None:
    source = "{% if (1..100000) contains 'x' %}{% elsif (1..100000) contains 0.5 %}{% endif %}" * 2500
    template = Environment().from_string(source)
    started = time.process_time()
    assert template.render() == ""
    assert time.process_time() - started < 2  # it took 20


NINES = "{% assign a = '9' %}{% for i in (1..4190) %}{% assign a = a | append: '9' %}{% endfor %}"


@pytest.mark.parametrize(
    "use",
    [
        "{% assign r = (a..b) | reverse %}",
        "{% assign r = (a..b) %}",
        "{{ (a..b) | join | size }}",
        "{{ (a..b) | slice: 0, 99999 | size }}",
        "{% for i in (a..b) reversed %}{% endfor %}",
    ],
)
def test_a_range_of_huge_numbers_is_refused(use: str) -> None:
    with pytest.raises(LimitReached, match="the range's numbers take over 10 MB together"):
        Environment().from_string(f"{NINES}{{% assign b = a | plus: 99998 %}}{use}").render()


def test_huge_numbers_in_variables_count_what_they_take() -> None:
    lists = "".join(f"{{% assign r{n} = (a..b) | reverse %}}" for n in range(5))
    with pytest.raises(LimitReached, match="variables hold over 32 MB"):
        Environment().from_string(f"{NINES}{{% assign b = a | plus: 5000 %}}{lists}").render()
    small = "".join(f"{{% assign r{n} = (1..100000) | reverse %}}" for n in range(20))
    assert Environment().from_string(small).render() == ""


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("\n", "newline_to_br"),
        ("\n", "strip_newlines"),
        ("<", "escapejs"),
        ('"', "escape"),
        ("'", "stylesheet_tag"),
        (" a", "squish"),
    ],
)
def test_a_filter_that_writes_out_each_character_is_asked_first(text: str, name: str) -> None:
    value = text * (9_000_000 // len(text))
    started = time.process_time()
    with pytest.raises(LimitReached, match=name):
        Environment().from_string(f"{{{{ s | {name} | size }}}}").render(s=value)
    assert time.process_time() - started < 0.5
    assert Environment().from_string(f"{{{{ s | {name} | size }}}}").render(s=value[:100_000]) > ""


def test_text_counts_by_what_it_takes_in_memory() -> None:
    template = Environment().from_string("{{ s | append: t | size }}")
    assert template.render(s="x" * 9_000_000, t="y") == "9000001"
    with pytest.raises(LimitReached, match="the result of append takes over 10 MB"):
        template.render(s="x" * 9_000_000, t="😀")


def test_concat_names_what_it_was_given() -> None:
    with pytest.raises(LiquidError, match="concat expected an array, found range"):
        Environment().from_string("{{ (1..2) | concat: (3..4) | size }}").render()
