"""What the text of a value is made of: what is in it, and whether its class has one for people."""

from __future__ import annotations

from collections import UserList, defaultdict, deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Set, ValuesView
from dataclasses import is_dataclass
from datetime import date, time, timedelta
from decimal import Decimal
from enum import Enum, EnumMeta
from numbers import Number
from pathlib import PurePath
from typing import Any, Final
from uuid import UUID

from liquid import Undefined
from liquid.builtin.tags.for_tag import ForLoop
from liquid.builtin.tags.tablerow_tag import TableRow

from liquid_background.jobs.sizes import FLAT, MadeDict, MadeList
from liquid_background.proxies import stood_for

_PLAIN_LISTS: Final = frozenset((list, tuple, set, frozenset, MadeList))
TURNING: Final = (ForLoop, TableRow)
"""What templates know of a loop that goes on: who goes through it takes the turns that the loop has left."""
_NOT_GONE_THROUGH: Final = (Undefined, *TURNING)  # a strict undefined value refuses each question
_LISTS: Final = (list, tuple, Set, ValuesView, deque, UserList)  # whose text is made of what is in them


def inside(found: Iterable[object]) -> Iterator[object]:
    """Yield what is in the lists and mappings among some values, at every level."""
    seen: dict[int, object] = {}  # by identity, and kept: what a mapping makes as it is asked would share one
    left = [each for each in found if not isinstance(type(each), EnumMeta)]  # whose name is shown, not in lists
    while left:
        part = left.pop()
        if id(part) in seen:
            continue
        items = _items(part)
        if not FLAT.issuperset(map(type, items)):
            seen[id(part)] = part
            inner = [item for item in items if type(item) not in FLAT]
            yield from inner
            left += inner


def _items(found: Any) -> Collection[object]:
    found = stood_for(found)
    kind = type(found)
    if issubclass(kind, _NOT_GONE_THROUGH):
        return ()
    if kind is not dict and kind not in _PLAIN_LISTS:
        kind = found.__class__  # of what a proxy stands for
    if issubclass(kind, Mapping):
        return [*found, *found.values()]
    if issubclass(kind, Enum):
        return [found.value]
    if issubclass(kind, BaseException):
        return list(found.args)
    return found if kind in _PLAIN_LISTS else [*found] if issubclass(kind, _LISTS) else ()


_SAID_AS_IT_IS: Final = frozenset((list, tuple, dict, set, frozenset, range, MadeDict, MadeList))  # when all in it is
_SAID: Final = (
    str,
    Number,
    Decimal,
    bytes,
    type(None),
    date,
    time,
    timedelta,
    UUID,
    Enum,
    PurePath,
    type,
    BaseException,
)
_MADE_OF_ARGUMENTS: Final = (BaseException.__str__, KeyError.__str__)


def words_of(error: BaseException) -> str:
    """Return what an error says: nothing when Python would make that of an object, and show all that is in it."""
    if type(error).__str__ in _MADE_OF_ARGUMENTS:
        kinds = {*map(type, error.args), *map(type, inside(error.args))} - _SAID_AS_IT_IS
        if not all(issubclass(kind, _SAID) for kind in kinds):
            return ""
    return str(error)


def has_text(kind: Any, *, is_data: bool) -> bool:
    """Return whether objects of a class that needs no rule have a text for people, without an address in it."""
    if kind.__str__ is not object.__str__:
        return True
    if kind.__repr__ is defaultdict.__repr__ or is_dataclass(kind):
        return False  # the one shows the function that makes what is missing, the other all fields
    return (is_data or issubclass(kind, _LISTS)) and kind.__repr__ is not object.__repr__
