"""Values as text is made of them: lists and mappings of all classes as plain ones, without the names of these."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence, Set
from types import MappingProxyType
from typing import Any, Final

from liquid_background.jobs.sizes import FLAT

_LISTS: Final = (Sequence, Set, deque)
_NO_LISTS: Final = (str, bytes, bytearray, memoryview, range)

Form = Callable[[Any], Any]


def as_plain(found: object, stood_for: Form, has_own_text: Callable[[object], bool]) -> Any:
    """Return a value with the lists and mappings in it as plain ones, which may hold each other.

    Args:
        found: a value whose text is to be made.
        stood_for: returns what a proxy stands for.
        has_own_text: tells whether an object's text is its class's own.
    """
    known: dict[int, tuple[object, Any]] = {}  # by identity; what is in more than one place is made once
    left: list[tuple[Any, Any]] = []

    def plain(part: Any) -> Any:
        if type(part) in FLAT:
            return part
        part = stood_for(part)
        kind = type(part)
        if id(part) in known:
            return known[id(part)][1]
        made: Any = None if issubclass(kind, _NO_LISTS) or has_own_text(part) else _empty(kind)
        if made is None:
            return part
        known[id(part)] = part, made
        left.append((part, made))
        return made

    whole = plain(found)
    while left:
        part, made = left.pop()
        if isinstance(made, dict):
            made.update((_key(stood_for(key)), plain(part[key])) for key in part)
        else:
            made.extend(map(plain, part))
    return whole


def _empty(kind: Any) -> dict[Any, Any] | list[Any] | None:
    """Return what is to be filled with what is in an object; None for what is no list or mapping of Python's ways."""
    if kind.__str__ is not object.__str__ and kind is not MappingProxyType:
        return None  # text for people
    return {} if issubclass(kind, Mapping) else [] if issubclass(kind, _LISTS) else None


def _key(key: Any) -> Any:
    """Return a key without a name of its own."""
    return tuple(key) if isinstance(key, tuple) else key
