"""Lazy texts and proxies of frameworks: pages, filters, JSON and jobs read each as what it stands for."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.utils.functional import SimpleLazyObject, lazy
from liquid.exceptions import LiquidError
from markupsafe import Markup
from werkzeug.local import LocalProxy

from liquid_background import Environment
from liquid_background.jobs.handover import decode, encode
from liquid_background.proxies import stood_for

VALUES: tuple[Any, ...] = (
    *("Name", 7, 1.5, True, False, None, [3, 1, 2], {"a": [1]}, Decimal("1.50"), datetime.date(2024, 1, 2)),
    Markup("<b>"),
)


class Wrapped:
    """A proxy as those of other libraries are."""

    def __init__(self, found: object) -> None:
        self.__wrapped__ = found

    @property
    def __class__(self) -> type:  # type: ignore[override]
        return type(self.__wrapped__)

    def __eq__(self, other: object) -> bool:
        return self.__wrapped__ == other

    def __hash__(self) -> int:
        return hash(self.__wrapped__)

    def __len__(self) -> int:
        return len(self.__wrapped__)  # type: ignore[arg-type]

    def __iter__(self) -> Iterator[Any]:
        return iter(self.__wrapped__)  # type: ignore[call-overload,no-any-return]


PROXIES: dict[str, Callable[[Any], object]] = {
    "lazy": lambda value: lazy(lambda: value, type(value))(),
    "lazy object": lambda value: SimpleLazyObject(lambda: value),
    "local proxy": lambda value: LocalProxy(lambda: value),
    "wrapped": Wrapped,
    "each other": lambda value: SimpleLazyObject(lambda: LocalProxy(lambda: value)),
}
SOURCES = [
    *("{{ v }}", "{{ l }}", "{{ d }}", "{{ v.size }}", "{{ v.first }}", "{{ v[0] }}", "{{ d.v.size }}"),
    *("{% if v %}x{% endif %}", "{% if v == nil %}x{% endif %}", "{% for x in v %}{{ x }},{% endfor %}"),
    *("{% for x in l %}{{ x | json }}{% endfor %}", "{% if 'My Name' contains v %}x{% endif %}"),
    *("{% case v %}{% when 'Name' %}x{% when 7 %}y{% endcase %}", "{% cycle v, 1 %}", "{% if l contains 7 %}x{% endif %}"),
    *("{{ l | first | json }}", "{{ l | map: 'size' | json }}", "{{ l | sum }}"),
    *("{{ ds | where: 'v', 'Name' | size }}", "{{ ds | sort: 'v' | size }}", "{{ ds | map: 'v' | json }}"),
    *("{{ 1 | plus: v }}", "{{ 'a' | append: v }}", "{{ 'x' | default: v }}", "{{ l | concat: l | json }}"),
    *("{{ 'x %(v)s' | t: v: v }}", "{{ v | slice: 0, 2 }}", "{{ l | compact | json }}", "{{ d | json }}", "{{ l | json }}"),
    *(f"{{{{ v | {name} }}}}" for name in ("json", "upcase", "size", "join", "plus: 1", "date: '%Y'", "append: 'x'")),
    *(f"{{{{ v | {name} }}}}" for name in ("sort", "first", "last", "reverse | join", "default: 'x'", "times: 2")),
    *(f"{{{{ v | {name} }}}}" for name in ("escape", "uniq | json", "abs", "at_least: 3", "round", "truncate: 2")),
]  # fmt: skip


def _said(environment: Environment, source: str, value: object) -> str:
    data = {"v": value, "l": [value], "d": {"v": value}, "ds": [{"v": value}]}
    try:
        return environment.from_string(source).render(**data)
    except LiquidError as error:
        return type(error).__name__


@pytest.mark.parametrize("autoescape", [False, True])
@pytest.mark.parametrize("kind", PROXIES)
def test_a_page_reads_a_proxy_as_what_it_stands_for(kind: str, autoescape: bool) -> None:
    environment = Environment(autoescape=autoescape)
    for value in VALUES:
        for source in SOURCES:
            read = _said(environment, source, PROXIES[kind](value))
            assert (source, value, read) == (source, value, _said(environment, source, value))


@pytest.mark.parametrize("kind", PROXIES)
def test_a_proxy_travels_as_what_it_stands_for(kind: str) -> None:
    for value in VALUES:
        for held in (lambda it: it, lambda it: [it], lambda it: {"a": [{"b": it}]}):
            encoded = encode(held(PROXIES[kind](value)))
            assert encoded == encode(held(value))
            assert decode(encoded) == held(value)


def test_a_proxy_that_fails_says_so_on_the_page(site: Any) -> None:
    broken = SimpleLazyObject(lambda: {}["x3"])
    with pytest.raises(LiquidError, match="KeyError: 'x3'"):
        site.engine.environment.from_string("{{ b }}").render(b=broken)


def test_a_proxy_of_nothing_is_left_as_it_is() -> None:
    unbound: Any = LocalProxy(_raise)
    assert type(stood_for(unbound)) is LocalProxy
    assert type(stood_for(3)) is int


def _raise() -> object:
    raise RuntimeError("outside of a request")
