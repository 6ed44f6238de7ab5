"""Values that are never shipped, recognised by themselves: whatever a page has assigned, captured or joined them to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from liquid import RenderContext
from markupsafe import escape

from liquid_background.withheld import Found, NeverShip

SHORTEST: Final = 8
"""Characters, or digits, of a value that is recognised: a shorter one may stand elsewhere by chance."""
_KEY: Final = "liquid_background_never_shipped"
_MOST_LOOKED: Final = 5_000  # values of a page that are looked at
_MOST_SOUGHT: Final = 500  # texts that are looked for inside of others; beyond, whole values are compared
_MOST_BITS: Final = 1_000  # of a number that is looked for: Python takes long to write a longer one, or refuses to
_DEEPEST: Final = 8  # levels of a page's values
_PLAIN: Final = (dict, list, tuple)
_LEAVES: Final = (str, int, float, Decimal, date, UUID, type)
_LAST: Final = ("params", "session", "cookies", "headers", "context")
"""What a visitor may fill with names is looked at last: the values of the page do not go unknown for it."""


class Recognised:
    """What a page was given under names that are never shipped.

    Objects are asked nothing, which could run a query: of each, only what Python keeps in its `__dict__` is looked at.

    Args:
        never_ship: the patterns.
        values: what the page was given, by name.
    """

    def __init__(self, never_ship: NeverShip, values: Mapping[str, Any]) -> None:
        self._texts: dict[str, Found] = {}
        values = {name: values[name] for name in sorted(values, key=_LAST.__contains__)}
        for found, value in never_ship.held_by(values, _inside, most=_MOST_LOOKED, deepest=_DEEPEST):
            text = _text(value)
            if len(text) >= SHORTEST:
                for written in (text, str(escape(text))):
                    self._texts.setdefault(written, found)

    def find(self, value: Any) -> Found | None:
        """Return what is never shipped of a value, wherever it stands in its texts."""
        for leaf in _leaves(value) if self._texts else ():
            text = _text(leaf)
            found = self._texts.get(text) or (self._joined(text) if isinstance(leaf, str) else None)
            if found:
                return found
        return None

    def _joined(self, text: str) -> Found | None:
        if len(self._texts) > _MOST_SOUGHT or len(text) <= SHORTEST:
            return None
        return next((found for secret, found in self._texts.items() if secret in text), None)


def recognised_in(context: RenderContext, never_ship: NeverShip) -> Recognised:
    """Return what the page around a tag was given; it is looked at once in a render."""
    root = context
    while root.parent_context is not None:
        root = root.parent_context
    found: Recognised | None = root.tag_namespace.get(_KEY)
    if found is None:
        found = root.tag_namespace[_KEY] = Recognised(never_ship, root.globals)
    return found


def _inside(value: Any) -> Any:
    """Return the list or mapping that a value is, or what is loaded of an object; None for a plain value."""
    if isinstance(value, _PLAIN):
        return value
    try:
        loaded = None if isinstance(value, _LEAVES) else object.__getattribute__(value, "__dict__")
    except AttributeError:
        return None
    return loaded and {name: item for name, item in loaded.items() if not name.startswith("_")}


def _leaves(value: Any) -> Iterator[Any]:
    left, seen = [value], set[int]()
    while left:
        current = left.pop()
        if not isinstance(current, _PLAIN):
            yield current
        elif id(current) not in seen:
            seen.add(id(current))  # it may be in there many times, or in itself
            left.extend(current.values() if isinstance(current, dict) else current)


def _text(value: Any) -> str:
    """Return the text that a value is recognised by; "" for one of a kind that is not."""
    if isinstance(value, int):
        return "" if isinstance(value, bool) or value.bit_length() > _MOST_BITS else str(int(value))
    if isinstance(value, Decimal):
        text = str(value)
        return text if sum(map(str.isdigit, text)) >= SHORTEST else ""
    return str(value) if isinstance(value, str | UUID | date) else ""
