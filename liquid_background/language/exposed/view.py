"""Objects as python-liquid's filters see them."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from liquid_background.errors import NotExposed
from liquid_background.language.exposed.listing import has_address
from liquid_background.language.exposed.rules import Rule


class View:
    """An object as python-liquid's filters see it: its fields as items, and its text only where that is exposed."""

    __slots__ = ("found", "rule")

    @staticmethod
    def of(found: object, rule: Rule) -> View:
        """Return an object as filters see it, by a class of its own class's name: Python's errors have the name."""
        return _named(rule.kind)(found, rule)

    def __init__(self, found: object, rule: Rule) -> None:
        self.found = found
        self.rule = rule

    def __getitem__(self, name: object) -> object:
        return self.rule.member(self.found, name)

    def __str__(self) -> str:
        if not self.rule.text or has_address(type(self.found)):
            raise NotExposed(self.rule.why_no_text(self.found))
        return str(self.found)

    def __eq__(self, other: object) -> bool:
        return bool(self.found == (other.found if isinstance(other, View) else other))

    def __hash__(self) -> int:
        return hash(self.found)

    def __lt__(self, other: Any) -> bool:
        return bool(self.found < (other.found if isinstance(other, View) else other))  # type: ignore[operator]


@lru_cache(maxsize=1_000)
def _named(kind: str) -> type[View]:
    return type(kind, (View,), {"__slots__": ()})


def unviewed(result: Any) -> Any:
    """Return what a filter returned with the objects themselves in it."""
    if isinstance(result, View):
        return result.found
    if type(result) is list:
        return [item.found if isinstance(item, View) else item for item in result]
    return result
