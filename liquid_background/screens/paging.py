"""A part of a list, fifty at a time, and the links to the parts beside it; the ids at which parts of a stream begin."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final, TypeVar

from liquid_background.screens.rendering import Exact
from liquid_background.screens.screen import Screen

PAGE: Final = 50
_START: Final = "from"  # the field of a query that says where a part begins
_LONGEST: Final = 6  # digits of a number in a URL

_ENTRY_ID: Final = re.compile(r"\d{1,20}-\d{1,20}", re.ASCII)
_LARGEST: Final = 2**64 - 1  # of both numbers of an entry's id

_Item = TypeVar("_Item")


def is_entry_id(text: str) -> bool:
    """Return whether an entry of a stream, as the log's and the audit's are, may have such an id."""
    return _ENTRY_ID.fullmatch(text) is not None and max(order_of(text)) <= _LARGEST


def order_of(entry_id: str) -> tuple[int, ...]:
    """Return by what the ids of entries are ordered."""
    return tuple(map(int, entry_id.split("-")))


def start_of(screen: Screen) -> int:
    """Return how many items stand before the part that the query asks for."""
    given = screen.request.query.one(_START)
    return int(given) if given.isascii() and given.isdigit() and len(given) <= _LONGEST else 0


def part(items: Sequence[_Item], start: int) -> Sequence[_Item]:
    """Return the items of a part."""
    return items[start : start + PAGE]


def links(screen: Screen, start: int, total: int) -> dict[str, Any]:
    """Return what the template `paging` shows below a part: where it stands, and the URLs of those beside it."""
    last = min(start + PAGE, total)
    return {
        "first": start + 1,
        "last": last,
        "total": total,
        "before": _url(screen, max(0, start - PAGE)) if start else None,
        "after": _url(screen, last) if last < total else None,
    }


def _url(screen: Screen, start: int) -> Exact:
    request = screen.request
    query = request.query.but("done", "about", **{_START: str(start) if start else ""})
    return Exact(screen.url(*request.segments, query=query))
