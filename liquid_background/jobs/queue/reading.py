"""What a record's fields say, within bounds: whoever can write to the store can write anything there."""

from __future__ import annotations

import math
import re
from typing import Final, TypeVar

_Default = TypeVar("_Default")

MAX_DIGITS: Final = 15
"""Digits of a whole number: more than anything counts, and exact as a float, too."""
_NUMBER: Final = re.compile(rb"[+-]?[0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?")
_LONGEST_NUMBER: Final = 40  # bytes; Python writes a float in 24 at most


def whole(value: bytes | None, default: _Default, most: int) -> int | _Default:
    """Return a whole number from 0, at most `most`.

    Args:
        value: of a field; None when there is none.
        default: for all that is not 1 to 15 ASCII digits.
        most: what a larger number is taken for.
    """
    if value is None or len(value) > MAX_DIGITS or not value.isdigit():
        return default
    return min(int(value), most)


def number(value: bytes | None, default: _Default, most: float, least: float = 0.0) -> float | _Default:
    """Return a finite number, brought between `least` and `most`.

    Args:
        value: of a field; None when there is none.
        default: for all that is not a decimal number: an infinity, NaN, 1e999, spaces, underscores.
        most: what a larger number is taken for.
        least: what a smaller number is taken for.
    """
    if value is None or len(value) > _LONGEST_NUMBER or not _NUMBER.fullmatch(value):
        return default
    found = float(value)
    return min(max(found, least), most) if math.isfinite(found) else default


def without_behind(length: int, behind: int) -> int:
    """Return how many ids of a list are those of jobs that wait there, where so many stay behind: see keys.behind."""
    return max(0, length - behind)


def text(value: bytes | None, most: int) -> str:
    """Return at most `most` bytes as text, with … where it was longer, and bytes that are no UTF-8 as `\\xff`."""
    if value is None:
        return ""
    if len(value) <= most:
        return value.decode("utf-8", "backslashreplace")
    end = most
    while end > most - 3 and value[end] & 0xC0 == 0x80:  # no character is cut in two; the longest has three such bytes
        end -= 1
    return value[:end].decode("utf-8", "backslashreplace") + "…"
