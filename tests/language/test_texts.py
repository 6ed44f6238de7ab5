"""Values as text: lists and mappings of libraries print as plain ones, and what has no text for people says so."""

from __future__ import annotations

import types
import typing
from collections import ChainMap, Counter, OrderedDict, UserDict, UserList, UserString, deque
from typing import Any

import pytest
from django.utils.functional import SimpleLazyObject
from liquid import Markup

from liquid_background import Environment, NotExposed, expose


class Point(typing.NamedTuple):
    x: int
    y: int


class Fields(dict[str, Any]):
    def __repr__(self) -> str:
        return f"<Fields {super().__repr__()}>"


class Titled(list[int]):
    def __str__(self) -> str:
        return "a title"


LISTS: dict[str, Any] = {
    "deque": deque([1, 2]),
    "frozenset": frozenset([1, 2]),
    "set": {1, 2},
    "named tuple": Point(1, 2),
    "tuple": (1, 2),
    "own list": UserList([1, 2]),
}
MAPPINGS: dict[str, Any] = {
    "ordered": OrderedDict(a=1),
    "counter": Counter("a"),
    "own mapping": UserDict(a=1),
    "chain": ChainMap({"a": 1}),
    "proxy": types.MappingProxyType({"a": 1}),
    "own text for developers": Fields(a=1),
}


@pytest.mark.parametrize("source", ["{{ v }}", "{{ l }}", "{{ d }}", "{{ v | append: '!' }}", "{{ 'a' | append: v }}"])
@pytest.mark.parametrize(
    ("value", "plain"),
    [*((each, [1, 2]) for each in LISTS.values()), *((each, {"a": 1}) for each in MAPPINGS.values())],
)
def test_a_list_or_mapping_prints_as_a_plain_one(source: str, value: Any, plain: Any) -> None:
    for autoescape in (False, True):
        template = Environment(autoescape=autoescape).from_string(source)

        def printed(it: Any, template: Any = template) -> str:
            text: str = template.render(v=it, l=[it], d={"a": [it]})
            return text

        assert printed(value) == printed(plain)
        assert printed(SimpleLazyObject(lambda: value)) == printed(plain)


def test_texts_for_people_stay() -> None:
    render = Environment().from_string("{{ v }} {{ d }}").render
    assert render(v=Titled([1]), d={"a": Titled([1])}) == "1 {'a': [1]}"
    assert render(v=UserString("a"), d=[UserString("a")]) == "a a"
    assert render(v=Markup("<b>"), d={1: 1.5}) == "<b> {1: 1.5}"


def test_what_holds_itself_prints_as_python_has_it() -> None:
    circle: deque[Any] = deque([1])
    circle.append(circle)
    assert Environment().from_string("{{ c | append: '' }}").render(c=circle) == "[1, [...]]"


@pytest.mark.parametrize("value", [b"caf\xc3\xa9", bytearray(b"x"), memoryview(b"x")])
@pytest.mark.parametrize("source", ["{{ v }}", "{{ v | upcase }}", "{{ 'a' | append: v }}", "{{ l | join }}"])
def test_bytes_have_no_text(value: object, source: str) -> None:
    with pytest.raises(NotExposed, match=r"has no text for people: have the application decode it"):
        Environment().from_string(source).render(v=value, l=[value])
    with pytest.raises(NotExposed, match=r"holds a (bytes|bytearray|memoryview), which is not shown inside others"):
        Environment().from_string("{{ d }}").render(d={"a": value})


class Html:
    """An object that has HTML and no text."""

    def __html__(self) -> str:
        return "<b>x</b>"


@pytest.mark.parametrize("source", ["{{ v }}", "{% echo v %}"])
def test_the_html_of_an_object_is_printed_where_html_is_escaped(source: str) -> None:
    assert Environment(autoescape=True).from_string(source).render(v=Html()) == "<b>x</b>"
    with pytest.raises(NotExposed, match="v is a Html"):
        Environment().from_string(source).render(v=Html())


@pytest.mark.parametrize("exposed", [False, True])
@pytest.mark.parametrize("autoescape", [False, True])
@pytest.mark.parametrize(
    "source",
    [
        *("{{ v | upcase }}", "{{ v | append: 'x' }}", "{{ 'x' | append: v }}", "{{ l | join }}", "{{ l }}", "{{ d }}"),
        *("{{ l | sort_natural }}", "{% cycle v, 1 %}", "{% log v %}", "{{ 'x %(v)s' | t: v: v }}", "{{ v | size }}"),
    ],
)
def test_no_address_is_printed_of_what_has_no_text(site: Any, source: str, autoescape: bool, exposed: bool) -> None:
    class Bare:
        pass

    environment = Environment(autoescape=autoescape)
    if exposed:
        environment.expose(Html, "__str__")
    for value in (Html(), Bare()):
        with pytest.raises(NotExposed):
            environment.from_string(source).render(v=value, l=[value], d={"a": value})


def test_a_text_that_no_class_gives_is_none_though_it_is_listed() -> None:
    class Base:
        pass

    class Child(Base):
        def __str__(self) -> str:
            return "child"

    expose(Base, "__str__")
    assert Environment().from_string("{{ v }}").render(v=Child()) == "child"
    with pytest.raises(NotExposed, match=r"is a Base, which has no text for people: .*give the class a __str__"):
        Environment().from_string("{{ v }}").render(v=Base())
