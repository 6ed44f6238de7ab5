"""How large values are, as memory and as text, without writing them out."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from datetime import date, time, timedelta
from decimal import Decimal
from itertools import chain
from math import inf
from sys import getsizeof
from typing import Any, Final, TypeAlias

MAX_TEXT: Final = 10 * 1024 * 1024
"""Bytes that one value may take as text."""
ITEM: Final = 8  # bytes of a list's item that is not text: a reference
SHORT: Final = 100
"""Items of a list that needs no measuring if none of them holds others."""
_FEW: Final = 32  # items of a list that is short as a whole
_LONG: Final = 256  # characters of a text in it
_BITS_A_DIGIT: Final = 4  # rounded up
_HOLDING: Final = (str, int, Decimal, date, time, timedelta)  # what templates make many of, or data has many of
_WHOLE: Final = {int}
_TEXTS: Final = {str}
_LARGE_NUMBER: Final = 1 << 60  # from which on a number takes more than the least
_BESIDE: Final = 16  # bytes that Python keeps for each list or object beside what it tells
_OTHER: Final = 200  # bytes of what is neither plain nor a list or object, such as a `forloop`
_PART: Final = 32  # characters that a list or object counts as beside its items': there are more steps to it


FLAT: Final = frozenset((str, int, float, bool, type(None)))
"""Types of values that hold nothing else."""


def is_short(value: object) -> bool:
    """Return whether a value is a list of few texts and numbers, none of them long: it needs no measuring."""
    if type(value) is not list or len(value) > _FEW:
        return False
    kinds = set(map(type, value))
    if not kinds <= FLAT or int in kinds:
        return kinds == _WHOLE and min(value) > -_LARGE_NUMBER and max(value) < _LARGE_NUMBER
    return str not in kinds or (len(kinds) == 1 and max(map(len, value)) <= _LONG)


class MadeList(list[Any]):
    """A list of lists or objects that a template made: it tells what it holds, each part as often as it is there.

    Attributes:
        weight: bytes.
        levels: how many lists and objects are in each other.
    """

    __slots__ = ("levels", "weight")
    levels: int
    weight: int


class MadeDict(dict[Any, Any]):
    """An object of lists or objects that a template made: it tells what it holds, as a `MadeList` does."""

    __slots__ = ("levels", "weight")
    levels: int
    weight: int


MADE: Final = (MadeList, MadeDict)
_LISTS: Final = (list, tuple, MadeDict)
NESTING: Final = (list, tuple, dict, set, frozenset)
"""Types of values that hold others."""

_Own: TypeAlias = Callable[[Any, Collection[Any], set[type]], int]


def weigh(value: object) -> int:
    """Return about how many bytes a template's value holds, without looking into an application's objects."""
    kind = type(value)
    if kind is MadeList or kind is MadeDict:
        return value.weight  # type: ignore[attr-defined, no-any-return]
    if isinstance(value, (list, tuple, dict)):
        items = value.values() if isinstance(value, dict) else value
        kinds = set(map(type, items))
        if kind is list and kinds == _TEXTS:
            return ITEM * len(value) + sum(map(getsizeof, value))
        if not kinds <= FLAT and any(issubclass(each, _LISTS) for each in kinds):
            return _written_out(value, inf, _list_part, _LISTS)[0]
        return _list_part(value, items, kinds)
    if isinstance(value, range):
        return getsizeof(value) + 2 * (getsizeof(value.start) + getsizeof(value.stop))
    return getsizeof(value, ITEM)


def weigh_whole(value: object, most: float) -> tuple[int, int]:
    """Return about how many bytes a list or object holds with all that is in it, and how many levels it has.

    Each part counts as often as it is there, as it does when the whole is written out, compared or copied; yet each is
    looked at once. What is over the most is told as soon as it is known to be that.
    """
    size, levels, _ = _written_out(value, most, _whole_part, NESTING)
    return size, levels


def _list_part(value: Any, items: Collection[Any], kinds: set[type]) -> int:
    return ITEM * len(value) + _weigh_items(items, kinds)


def _whole_part(value: Any, items: Collection[Any], kinds: set[type]) -> int:
    size = _BESIDE + getsizeof(value, 0) + _weigh_items(items, kinds)
    if isinstance(value, dict):
        size += _text_items(value)
    others = tuple(kind for kind in kinds - FLAT if not issubclass(kind, (*_HOLDING, *NESTING)))
    return size + _OTHER * sum([type(item) in others for item in items]) if others else size


def _weigh_items(items: Collection[Any], kinds: set[type]) -> int:
    """Return the bytes of what items hold beside a reference: a small number has none worth to tell."""
    if kinds == _WHOLE and min(items) > -_LARGE_NUMBER and max(items) < _LARGE_NUMBER:
        return 0
    holding = [kind for kind in kinds if issubclass(kind, _HOLDING)]
    if not holding:
        return 0
    whole = [kind for kind in holding if issubclass(kind, int)]
    large = [
        item
        for item in items
        if type(item) in holding and (type(item) not in whole or not -_LARGE_NUMBER < item < _LARGE_NUMBER)
    ]
    return sum(map(getsizeof, large))


def range_size(numbers: range) -> int:
    """Return about how many bytes the numbers of a range take as a list, which its ends tell."""
    return len(numbers) * max(getsizeof(numbers.start), getsizeof(numbers.stop))


def text_size(value: object, most: float) -> int:
    """Return about how long a value's text is at least, or something over the most as soon as it is known to be that.

    Values may hold the same list or object many times, so their text is far larger than they are; each is looked at
    once, but in those that hold themselves.
    """
    if not isinstance(value, NESTING):
        return _text_items((value,))
    items: Collection[Any] = value.values() if isinstance(value, dict) else value
    if FLAT.issuperset(map(type, items)):  # most are: what all below comes to then
        return len(value) + _text_items(items) + (_text_items(value) if items is not value else 0)
    outermost = _PART + (ITEM - 1) * len(value)  # has no quotes or commas where a page prints it
    size, _, circular = _written_out(value, most + outermost, _text_part, NESTING)
    size -= outermost
    return _circular_size(value, most) if circular and size <= most else size


def _text_part(value: Any, items: Collection[Any], kinds: set[type]) -> int:
    return _PART + ITEM * len(value) + _text_items(items) + (_text_items(value) if isinstance(value, dict) else 0)


def _text_items(items: Collection[Any]) -> int:
    size = 0
    for item in items:
        kind = type(item)  # strict undefined values, which may be among them, raise when isinstance asks them
        if kind is str or issubclass(kind, str):
            size += len(item)
        elif kind is int or issubclass(kind, int):
            size += item.bit_length() // _BITS_A_DIGIT
    return size


class _Part:
    """A list or object that is looked into, with what is known of those in it."""

    __slots__ = ("inside", "is_open", "levels", "size")

    def __init__(self, value: Any, own: _Own, into: tuple[type, ...]) -> None:
        self.levels = 1
        self.is_open = False
        if own is not _text_part and isinstance(value, MADE):
            self.size, self.levels = value.weight, value.levels
            return
        items: Collection[Any] = value.values() if isinstance(value, dict) else value
        kinds = set(map(type, items))
        self.size = own(value, items, kinds)
        if not kinds <= FLAT:
            nested = [kind for kind in kinds if issubclass(kind, into)]
            self.inside: Iterator[Any] = iter([item for item in items if type(item) in nested])
            self.is_open = bool(nested)

    def take(self, part: _Part) -> None:
        """Count one that is in it."""
        self.size += part.size
        self.levels = max(self.levels, part.levels + 1)


def _written_out(value: object, most: float, own: _Own, into: tuple[type, ...]) -> tuple[int, int, bool]:
    """Return the size and levels of a value with each part as often as it is there, and whether one holds itself.

    Args:
        value: a list or object.
        most: the size from which on it needs no more looking.
        own: returns the size of one list or object without those in it.
        into: the types that are looked into.
    """
    whole = _Part(value, own, into)
    known = {id(value): whole}
    path = [whole] if whole.is_open else []
    once = whole.size  # of each part once: the whole is no smaller
    circular = False
    while path:
        part = path[-1]
        for item in part.inside:
            inner = known.get(id(item))
            if inner is None:
                inner = known[id(item)] = _Part(item, own, into)
                once += inner.size
                if inner.is_open:
                    path.append(inner)
                    break
            if inner.is_open:
                circular = True
            else:
                part.take(inner)
            if once > most:
                return once, part.levels, circular
        else:
            path.pop().is_open = False
            if part.size > most:
                return part.size, part.levels, circular
            if path:
                path[-1].take(part)
    return whole.size, whole.levels, circular


def _circular_size(value: object, most: float) -> int:
    """Return what `text_size` does for what holds itself: Python writes that as ..., on each way to it anew."""
    size = 0
    path: list[int] = []
    walks: list[Iterator[Any]] = [iter((value,))]
    while walks and size <= most:
        for part in walks[-1]:
            if issubclass(type(part), NESTING) and id(part) not in path:
                size += _PART * (1 + len(part))
                path.append(id(part))
                walks.append(chain.from_iterable(part.items()) if isinstance(part, dict) else iter(part))
                break
            size += _text_items((part,))
            if size > most:
                break
        else:
            walks.pop()
            del path[-1:]
    return size


def flat_length(items: list[Any] | tuple[Any, ...], most: int) -> int:
    """Return how many items a list has with those of the lists in it, or something over the most."""
    length = 0
    left: list[list[Any] | tuple[Any, ...]] = [items]
    while left and length <= most:
        part = left.pop()
        length += len(part)
        left.extend([item for item in part if isinstance(item, (list, tuple))])
    return length


def megabytes(count: float) -> str:
    """Return a number of bytes as people read it."""
    return f"{count / 1024**2:g} MB" if count >= 1024**2 else f"{count:,.0f} bytes"
