"""How large values are, as memory and as text, without writing them out."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import date, time, timedelta
from decimal import Decimal
from itertools import chain
from sys import getsizeof
from typing import Any, Final

MAX_TEXT: Final = 10 * 1024 * 1024
"""Bytes that one value may take as text."""
ITEM: Final = 8  # bytes of a list's item that is not text: a reference
SHORT: Final = 100
"""Items of a list that needs no measuring: none of them holds one thing many times, since no template makes such."""
_BITS_A_DIGIT: Final = 4  # rounded up
_HOLDING: Final = (str, int, Decimal, date, time, timedelta)  # what templates make many of, or data has many of
_WHOLE: Final = {int}
_LARGE_NUMBER: Final = 1 << 60  # from which on a number takes more than the least


FLAT: Final = frozenset((str, int, float, bool, type(None)))
"""Types of values that hold nothing else."""


def weigh(value: object) -> int:
    """Return about how many bytes a template's value holds, without looking deep into it; see `text_size`."""
    if isinstance(value, (list, tuple)):
        return ITEM * len(value) + _weigh_items(value)
    if isinstance(value, dict):
        return ITEM * len(value) + _weigh_items(value.values())
    if isinstance(value, range):
        return getsizeof(value) + 2 * (getsizeof(value.start) + getsizeof(value.stop))
    return getsizeof(value, ITEM)


def _weigh_items(items: Collection[Any]) -> int:
    """Return the bytes of what items hold beside a reference: a small number has none worth to tell."""
    if set(map(type, items)) == _WHOLE and min(items) > -_LARGE_NUMBER and max(items) < _LARGE_NUMBER:
        return 0
    large = [
        item
        for item in items
        if isinstance(item, _HOLDING) and (not isinstance(item, int) or not -_LARGE_NUMBER < item < _LARGE_NUMBER)
    ]
    return sum(map(getsizeof, large))


def range_size(numbers: range) -> int:
    """Return about how many bytes the numbers of a range take as a list, which its ends tell."""
    return len(numbers) * max(getsizeof(numbers.start), getsizeof(numbers.stop))


def text_size(value: object, most: float) -> int:
    """Return about how long a value's text is at least, or something over the most as soon as it is known to be that.

    Values may hold the same list or object many times, so their text is far larger than they are.
    """
    size = 0
    path: list[int] = []  # of what is being looked into: Python writes what holds itself as ...
    walks: list[Iterator[object]] = [iter((value,))]
    while walks and size <= most:
        for part in walks[-1]:
            if isinstance(part, str):
                size += len(part)
            elif isinstance(part, int):
                size += part.bit_length() // _BITS_A_DIGIT
            elif isinstance(part, (list, tuple, set, frozenset, dict)) and id(part) not in path:
                size += ITEM * len(part) if path else len(part)  # each has quotes or a comma, but for the outermost
                path.append(id(part))
                walks.append(chain.from_iterable(part.items()) if isinstance(part, dict) else iter(part))
                break
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
