"""Which known name a wrong one is likely a slip of, found in a time that nobody's names can stretch.

Python's own search compares two names in a time that grows with the cube of their length, and with each known name.
Names come from authors and visitors, and so may be long, many, and made to be alike.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from heapq import nlargest
from itertools import pairwise
from typing import Final

_LONGEST: Final = 60  # characters of a name: nobody finds a slip in a longer one by this
_MOST_KNOWN: Final = 1_000  # that are looked at; of more, those with the name's first letter
_COMPARED: Final = 10  # that are compared letter by letter: those which share the most pairs of letters
_SURE: Final = 0.8  # how alike two names are of which one surely is a slip
_MOST_NAMES: Final = 100  # wrong names that one run says a near one of


def nearest(name: str, known: Iterable[str], cutoff: float = 0.6) -> str:
    """Return the known name that is nearest to another, "" when none is near.

    Args:
        name: what was given.
        known: what it could have been.
        cutoff: how alike the two must be, from 0 to 1.
    """
    if not name or len(name) > _LONGEST:
        return ""
    most = len(name) * (2 - cutoff) / cutoff  # a longer one, or one as much shorter, cannot be alike enough
    least = len(name) * cutoff / (2 - cutoff)
    alike = [other for other in known if least <= len(other) <= most]
    if len(alike) > _MOST_KNOWN:
        alike = [other for other in alike if other[0] == name[0]][:_MOST_KNOWN]
    if len(alike) > _COMPARED:
        pairs = _pairs(name)
        alike = nlargest(_COMPARED, alike, key=lambda other: len(pairs & _pairs(other)))
    return next(iter(get_close_matches(name, alike, n=1, cutoff=cutoff)), "")


def is_slip(name: str, of: str) -> bool:
    """Return whether a name surely is another one with a letter too many, too few, or wrong."""
    return bool(nearest(name, (of,), cutoff=_SURE))


def _pairs(name: str) -> set[str]:
    """Return the letters of a name, and each with the next; its first and last letter count as pairs, too."""
    return {*name, *map("".join, pairwise(f"\0{name}\0"))}


class Suggestions:
    """What one run says of wrong names, such as a check of many files: a near one of each, for no more than so many."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], str] = {}

    def of(self, kind: str, name: str, known: Iterable[str], cutoff: float = 0.6) -> str:
        """Return the known name that is nearest to another, "" when none is near or many were asked for before.

        Args:
            kind: of what it is a name.
            name: what was given.
            known: what it could have been.
            cutoff: how alike the two must be, from 0 to 1.
        """
        key = (kind, name)
        if key not in self._found:
            if len(self._found) >= _MOST_NAMES:
                return ""
            self._found[key] = nearest(name, known, cutoff)
        return self._found[key]
