"""What a page may loop over: lists, mappings, queries, and collections in no order; all else says that it is none."""

from __future__ import annotations

from collections.abc import Mapping, MappingView, Sequence, Set
from typing import Any, Final

from liquid import Undefined

from liquid_background.errors import NotExposed
from liquid_background.language.exposed.rules import NoRule, Rule
from liquid_background.language.exposed.values import is_no_list
from liquid_background.wording import a

UNORDERED: Final = (Set, MappingView)
"""Collections that Liquid knows nothing of, and that are read as lists."""
_TAKEN_AS_THEY_ARE: Final = (list, tuple, str, bytes, bytearray, range)
_GONE_THROUGH: Final = (Sequence, Mapping, Undefined)
_OWN_WAYS: Final = ("__iter__", "__aiter__", "__getitem__", "__getitem_async__", "__liquid__")


def check_list(found: object, rule: Rule | None) -> None:
    """Accept what is to be taken for a list.

    Raises:
        NotExposed: for an object that is none.
    """
    if isinstance(rule, NoRule) and not isinstance(found, UNORDERED):
        listed = "have the application pass a list"
        raise NotExposed(f"is {a(rule.kind)}, which no rule exposes, and no list to loop over: {listed}")
    is_sequence = isinstance(found, (Sequence, *UNORDERED)) and not isinstance(found, tuple)
    if rule is not None and not rule.is_list and not is_sequence:
        raise NotExposed(f"is {a(rule.kind)}, which is no list to loop over: name one of its fields")


def as_list(found: Any) -> Any:
    """Return a collection in no order as a list; anything else as it is."""
    items: Any = found
    return [*items] if isinstance(found, UNORDERED) else found


def as_items(found: Any) -> Any:
    """Return what python-liquid takes for no list, where it is one, as a list; anything else as it is."""
    is_list = isinstance(found, Sequence | Set | MappingView) and not isinstance(found, _TAKEN_AS_THEY_ARE)
    return [*found] if is_list else found


def check_gone_through(found: object) -> None:
    """Accept what Liquid goes through, or takes for nothing: a list, a mapping, or a plain value such as a number.

    Raises:
        NotExposed: for another value, such as a date, and for an object that needs no rule, since it has a way of its
            own to be read, and is no list.
    """
    if isinstance(found, _GONE_THROUGH):
        return
    if is_no_list(found) or any(hasattr(type(found), name) for name in _OWN_WAYS):
        raise NotExposed(f"is {a(type(found).__name__)}, which is no list to loop over: have the application pass one")
