"""Values that need no rule, since pages print them and filters take them; nothing that they have is read by name."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from enum import Enum
from numbers import Number
from pathlib import PurePath
from typing import Final
from uuid import UUID

from liquid_background.errors import NotExposed
from liquid_background.language.exposed.unread import has
from liquid_background.wording import a

_PLAIN: Final = (str, int, float, Decimal)
_WHOLE: Final = (Number, date, time, timedelta, tzinfo, UUID, Enum, PurePath, bytes, bytearray)
_FORMATS: Final = {
    "year": "%Y",
    "month": "%m",
    "day": "%d",
    "hour": "%H",
    "minute": "%M",
    "second": "%S",
    "microsecond": "%f",
    "date": "%Y-%m-%d",
    "time": "%H:%M",
    "weekday": "%A",
    "isoweekday": "%u",
    "timestamp": "%s",
    "tzname": "%Z",
}
"""What the filter `date` shows of a date, by the names that Python has for that."""


def check_read(found: object, name: object) -> None:
    """Accept that a value has nothing of a name: what it has for Python is told, and not blank.

    Raises:
        NotExposed: when Python would find something there. A page may ask plain values for anything.
    """
    if not isinstance(found, (*_WHOLE, Decimal)) or isinstance(found, str | int | float) or not has(found, name):
        return
    kind = type(found).__name__
    if isinstance(found, date):
        default = "%H:%M" if isinstance(found, datetime) else "%Y-%m-%d"
        instead = f"write `| date: '{_FORMATS.get(str(name), default)}'`, or have the application pass it by itself"
    else:
        instead = "print it, or have the application pass that by itself"
    raise NotExposed(f"is {a(kind)}, of which pages read no '{name}': {instead}")


def is_no_list(found: object) -> bool:
    """Return whether a value is one that nothing can be looped over in, and that is no number or text either."""
    return isinstance(found, _WHOLE) and not isinstance(found, _PLAIN)
