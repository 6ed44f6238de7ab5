"""`uniq` in one pass, with the results of python-liquid's, which compares each item with each."""

from __future__ import annotations

from typing import Any, Final

from liquid import Undefined
from liquid.exceptions import FilterArgumentError
from liquid.filter import sequence_filter

from liquid_background.jobs.sizes import FLAT, MadeDict, MadeList
from liquid_background.language.filters.result import refuse
from liquid_background.wording import a

MAX_COMPARISONS: Final = 1_000_000
"""Comparisons of parts of items with those that tell no mark, such as sets, and with those of one hash: who sends
numbers can choose them so that all have one, and let long lists differ at their ends alone."""

_KINDS: Final[dict[type, type]] = {MadeList: list, MadeDict: dict}
_MISSING: Final = object()
_LONGEST_SHOWN: Final = 100  # characters
_AS_A_PART: Final = 1024  # characters of a text that are compared as fast as one part


@sequence_filter
def uniq(sequence: Any, key: object = None) -> list[object]:
    """Return the items of a list without those that equal an earlier one, or whose members of a name do."""
    marks: set[object] = set()
    values: list[object] = []
    odd: list[object] = []  # those that tell no mark: each is compared with them, and they with all
    found: list[object] = []
    alike: dict[int, int] = {}  # how many marks have a hash
    compared = 0
    for item in sequence:
        if compared > MAX_COMPARISONS:
            refuse(f"uniq is given items that take over {MAX_COMPARISONS:,} comparisons with each other")
        value = item if key is None else _member(item, key)
        if odd:
            compared += len(odd) * _parts(value)
        try:
            mark = _mark(value)
            hashed = hash(mark)
            others = alike.get(hashed, 0)
            if others > 1:  # one is compared with each item at most, as equal items are
                compared += others * _parts(mark)
            is_new = mark not in marks and value not in odd
            if is_new:
                marks.add(mark)
                alike[hashed] = alike.get(hashed, 0) + 1
        except TypeError:
            is_new = value not in odd and value not in values
            if is_new:
                odd.append(value)
        if is_new:
            values.append(value)
            found.append(item)
    return found


def _member(item: Any, key: object) -> object:
    try:
        return item[key]
    except KeyError:
        return _MISSING
    except TypeError as error:
        shown = str(item)[:_LONGEST_SHOWN] if type(item) in FLAT else a(type(item).__name__)
        raise FilterArgumentError(f"can't read property '{key}' of {shown}", token=None) from error


def _mark(value: object) -> object:
    """Return what is equal, and has one hash, for equal values.

    Raises:
        TypeError: for a value that tells none.
    """
    kind = _KINDS.get(type(value), type(value))
    if kind is dict:
        return dict, frozenset([(name, _mark(item)) for name, item in value.items()])  # type: ignore[attr-defined]
    if kind is list or kind is tuple:
        return kind, tuple([_mark(item) for item in value])  # type: ignore[attr-defined]
    if isinstance(value, Undefined):
        return None  # which it equals
    hash(value)
    return value


def _parts(value: object) -> int:
    """Return how many comparisons it takes to tell a value from one that differs at its end."""
    todo, count = [value], 0
    while todo:
        each = todo.pop()
        count += 1
        if isinstance(each, str):
            count += len(each) // _AS_A_PART
        elif isinstance(each, dict):
            todo += each.values()
        elif isinstance(each, list | tuple | set | frozenset):
            todo += each
    return count
