"""Filters of lists. None changes what it is given: each returns a new list, or what it found."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from decimal import Decimal
from itertools import islice
from typing import Any, Final

from liquid_background.jobs.sizes import text_size
from liquid_background.language.filters.result import refuse
from liquid_background.platformos.filters.plain import (
    MAX_ITEMS,
    Filter,
    as_list,
    as_text,
    as_whole_number,
    kind_of,
    pure,
    wrong,
)

_NUMBERS: Final = frozenset((int, float, Decimal))
_MOST_COMPARED: Final = 50_000_000
"""Characters that are compared, at most, where each item of a list is looked for in another one."""


@pure
def array_add(left: object, item: object = None) -> list[Any]:
    """Return a list with an item behind its last one."""
    return [*as_list("add_to_array", left), item]


@pure
def array_prepend(left: object, item: object = None) -> list[Any]:
    """Return a list with an item before its first one."""
    return [item, *as_list("prepend_to_array", left)]


@pure
def array_detect(left: object, **wanted: object) -> Any:
    """Return the first object that has all the values that are named; nil where there is none."""
    return next((item for item in as_list("array_detect", left) if _has(item, wanted)), None)


@pure
def array_select(left: object, **wanted: object) -> list[Any]:
    """Return the objects that have all the values that are named."""
    return [item for item in as_list("array_select", left) if _has(item, wanted)]


@pure
def array_reject(left: object, **wanted: object) -> list[Any]:
    """Return the objects that do not have all the values that are named."""
    return [item for item in as_list("array_reject", left) if not _has(item, wanted)]


def _has(item: object, wanted: Mapping[str, object]) -> bool:
    return isinstance(item, dict) and all(_is_same(item.get(key), value) for key, value in wanted.items())


def _is_same(one: object, other: object) -> bool:
    """Return whether two values are equal; true is no 1 and false no 0, as they are for Python."""
    return one == other and isinstance(one, bool) is isinstance(other, bool)


def _place(item: object, items: list[Any]) -> int | None:
    """Return the place of an item in a list; None where it is not there."""
    if _may_be_taken(item):
        return next((at for at, each in enumerate(items) if _is_same(each, item)), None)
    return items.index(item) if item in items else None  # by Python's own loop, which is far faster


def _may_be_taken(item: object) -> bool:
    """Return whether Python takes an item for another one: true is 1 to it, and false 0."""
    return isinstance(item, int | float | Decimal) and item in (0, 1)


class _Places:
    """Tells whether items are in a list, which stays as it is: of 0, 1, true and false it is looked at once each."""

    def __init__(self, items: list[Any]) -> None:
        self._items = items
        self._known: dict[tuple[bool, bool], bool] = {}

    def have(self, item: Any) -> bool:
        if not _may_be_taken(item):
            return item in self._items
        key = (isinstance(item, bool), item == 1)
        if key not in self._known:
            self._known[key] = _place(item, self._items) is not None
        return self._known[key]


@pure
def array_include(left: object, item: object = None) -> bool:
    """Return whether a list has an item."""
    return bool(_common([item], as_list("array_include", left)))


@pure
def array_any(left: object, wanted: object = True) -> bool:
    """Return whether a list has an item, or one of several."""
    items = as_list("array_any", left)
    return bool(_common(items, wanted if isinstance(wanted, list) else [wanted]))


@pure
def array_compact(left: object) -> list[Any]:
    """Return the items that are not nil, false or empty."""
    items = as_list("array_compact", left)
    return [item for item in items if item is not None and item is not False and item not in ("", [], {})]


@pure
def array_flatten(left: object) -> list[Any]:
    """Return the items of a list and of the lists in it, in one."""
    flat: list[Any] = []
    left_over = [iter(as_list("array_flatten", left))]
    while left_over:
        for item in left_over[-1]:
            if isinstance(item, list | tuple):
                left_over.append(iter(item))
                break
            flat.append(item)
            if len(flat) > MAX_ITEMS:
                refuse(f"array_flatten makes over {MAX_ITEMS:,} items")
        else:
            left_over.pop()
    return flat


@pure
def array_group_by(left: object, key: object) -> dict[Any, list[Any]]:
    """Return the objects of a list by what they have at a key."""
    groups: dict[Any, list[Any]] = {}
    for item in as_list("array_group_by", left):
        value = item.get(as_text("array_group_by", key)) if isinstance(item, dict) else None
        groups.setdefault(as_text("array_group_by", value), []).append(item)
    return groups


@pure
def array_in_groups_of(left: object, size: object) -> list[list[Any]]:
    """Return the items in lists of a size; the last one is filled with nil."""
    count = as_whole_number("array_in_groups_of", "the size", size, 1, MAX_ITEMS)
    items = as_list("array_in_groups_of", left)
    if len(items) + count > 2 * MAX_ITEMS:
        refuse(f"array_in_groups_of makes over {MAX_ITEMS:,} items")
    groups = [items[at : at + count] for at in range(0, len(items), count)]
    if groups:
        groups[-1] += [None] * (count - len(groups[-1]))
    return groups


@pure
def array_index_of(left: object, item: object = None) -> int | None:
    """Return the place of an item; nil where it is not in the list."""
    items = as_list("array_index_of", left)
    _check_compared([item], items)
    return _place(item, items)


@pure
def array_intersect(left: object, other: object) -> list[Any]:
    """Return the items that are in both lists, each once."""
    return _common(as_list("array_intersect", left), as_list("array_intersect", other))


def _common(items: list[Any], others: list[Any]) -> list[Any]:
    found: list[Any] = []
    few: list[Any] = []  # of those found, what Python takes for another one
    _check_compared(items, others)
    places = _Places(others)
    for item in items:
        before = few if _may_be_taken(item) else found
        if places.have(item) and _place(item, before) is None:
            found.append(item)
            few += [item] if before is few else []
    return found


def _check_compared(items: list[Any], others: list[Any]) -> None:
    size = text_size(items, _MOST_COMPARED) * max(len(others), 1) + text_size(others, _MOST_COMPARED) * len(items)
    if size > _MOST_COMPARED:
        refuse(f"{len(items):,} and {len(others):,} items are too much to be compared with each other")


@pure
def array_subtract(left: object, other: object) -> list[Any]:
    """Return the items that are not in another list."""
    items, gone = as_list("array_subtract", left), as_list("array_subtract", other)
    _check_compared(items, gone)
    places = _Places(gone)
    return [item for item in items if not places.have(item)]


@pure
def array_delete(left: object, item: object = None) -> list[Any]:
    """Return a list without an item."""
    items = as_list("array_delete", left)
    _check_compared([item], items)
    return [each for each in items if not _is_same(each, item)]


@pure
def array_limit(left: object, count: object) -> list[Any]:
    """Return the first items of a list."""
    most = as_whole_number("array_limit", "the number of items", count, 0, MAX_ITEMS)
    return [*islice(as_list("array_limit", left), most)]


@pure
def array_map(left: object, key: object) -> list[Any]:
    """Return what the objects of a list have at a key."""
    name = as_text("array_map", key)
    return [item.get(name) if isinstance(item, dict) else None for item in as_list("array_map", left)]


@pure
def array_rotate(left: object, count: object = 1) -> list[Any]:
    """Return a list that starts with a later item, with those before it at its end."""
    items = as_list("array_rotate", left)
    at = as_whole_number("array_rotate", "the number of items", count, -MAX_ITEMS, MAX_ITEMS) % max(len(items), 1)
    return [*items[at:], *items[:at]]


@pure
def array_shuffle(left: object) -> list[Any]:
    """Return a list in an order of chance."""
    items = as_list("array_shuffle", left)
    secrets.SystemRandom().shuffle(items)
    return items


@pure
def array_sort_by(left: object, key: object) -> list[Any]:
    """Return the objects of a list in the order of what they have at a key; those without it come first."""
    name = as_text("array_sort_by", key)
    items = as_list("array_sort_by", left)
    values = [item.get(name) if isinstance(item, dict) else None for item in items]
    kinds = {type(value) for value in values if value is not None}
    if len(kinds - _NUMBERS) > (0 if kinds & _NUMBERS else 1):
        wrong("array_sort_by", f"finds values of different kinds at {name}, which have no order")
    try:
        order = sorted(range(len(items)), key=lambda at: (values[at] is not None, values[at]))
    except TypeError:
        wrong("array_sort_by", f"finds values at {name} that have no order")
    return [items[at] for at in order]


@pure
def array_sum(left: object) -> int | float | Decimal:
    """Return the sum of a list's numbers."""
    total: Any = 0
    for item in as_list("array_sum", left):
        if isinstance(item, bool) or not isinstance(item, int | float | Decimal):
            wrong("array_sum", f"needs a list of numbers, in which there is {kind_of(item)}")
        if isinstance(item, Decimal) and isinstance(total, float):
            total = Decimal(str(total))
        total += Decimal(str(item)) if isinstance(total, Decimal) and isinstance(item, float) else item
    return total  # type: ignore[no-any-return]


FILTERS: Final[Mapping[str, Filter]] = {
    "add_to_array": array_add,
    "array_add": array_add,
    "prepend_to_array": array_prepend,
    "array_prepend": array_prepend,
    "array_detect": array_detect,
    "detect": array_detect,
    "array_select": array_select,
    "select": array_select,
    "array_reject": array_reject,
    "array_include": array_include,
    "is_included_in_array": array_include,
    "array_any": array_any,
    "any": array_any,
    "array_compact": array_compact,
    "array_flatten": array_flatten,
    "flatten": array_flatten,
    "array_group_by": array_group_by,
    "group_by": array_group_by,
    "array_in_groups_of": array_in_groups_of,
    "in_groups_of": array_in_groups_of,
    "array_index_of": array_index_of,
    "array_intersect": array_intersect,
    "intersection": array_intersect,
    "array_subtract": array_subtract,
    "subtract_array": array_subtract,
    "array_delete": array_delete,
    "array_limit": array_limit,
    "limit": array_limit,
    "array_map": array_map,
    "array_rotate": array_rotate,
    "rotate": array_rotate,
    "array_shuffle": array_shuffle,
    "shuffle_array": array_shuffle,
    "array_sort_by": array_sort_by,
    "sort_by": array_sort_by,
    "array_sum": array_sum,
    "sum_array": array_sum,
}
