"""Filters of times: what is read is of a limited length and one of few forms, and no form is guessed from the day."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from email.utils import parsedate_to_datetime
from typing import Final
from zoneinfo import ZoneInfo

from liquid_background.language.syntax import show
from liquid_background.platformos.filters.plain import Filter, as_text, kind_of, pure, wrong

_LONGEST: Final = 100  # characters of a time or a format
_MOST: Final = 10_000_000_000  # of units that are added
_UNITS: Final = {
    "ms": 0.001,
    "s": 1.0,
    "m": 60.0,
    "h": 3_600.0,
    "d": 86_400.0,
    "w": 604_800.0,
}
_MONTHS: Final = {"mo": 1, "y": 12}
_WORDS: Final = {"second": "s", "minute": "m", "hour": "h", "day": "d", "week": "w", "month": "mo", "year": "y"}
_RELATIVE: Final = re.compile(
    r"(?:in )?(?P<count>\d{1,6}) (?P<unit>second|minute|hour|day|week|month|year)s?(?P<ago> ago| from now)?"
)
_DAYS: Final = {"today": 0, "yesterday": -1, "tomorrow": 1}
_EPOCH: Final = re.compile(r"-?\d{1,11}(?:\.\d{1,6})?")


@pure
def to_time(left: object, zone: object = None, form: object = None) -> datetime:
    """Return a time: of `now`, a day's name, `3 days ago`, ISO 8601, an e-mail's date, or seconds since 1970.

    Args:
        left: what says it.
        zone: its zone where it has none of its own, by a name such as Europe/Warsaw; UTC unless given.
        form: how it is written, where it is in none of these forms: `%d.%m.%Y`.
    """
    return _time("to_time", left, _zone("to_time", zone), form)


@pure
def to_date(left: object) -> date:
    """Return the day of a time."""
    return left if type(left) is date else _time("to_date", left).date()


@pure
def add_to_time(left: object, count: object, unit: object = "s") -> datetime:
    """Return a time so many units later: y, mo, w, d, h, m, s."""
    name = "add_to_time"
    number = _number(name, count)
    return _later(name, _time(name, left), number, as_text(name, unit))


@pure
def time_diff(left: object, other: object, unit: object = "ms", digits: object = 3) -> float:
    """Return how long it is from one time to another, in ms, s, m, h, d or w."""
    name, word = "time_diff", as_text("time_diff", unit)
    if word not in _UNITS:
        wrong(name, f"knows the units {', '.join(_UNITS)}, and is given {show(word)}")
    seconds = (_time(name, other) - _time(name, left)).total_seconds()
    return round(seconds / _UNITS[word], digits if isinstance(digits, int) and 0 <= digits <= 9 else 3)


@pure
def is_date_before(left: object, other: object) -> bool:
    """Return whether a time is before another one."""
    return _time("is_date_before", left) < _time("is_date_before", other)


@pure
def is_date_in_past(left: object, zone: object = None) -> bool:
    """Return whether a time has gone by."""
    return _time("is_date_in_past", left, _zone("is_date_in_past", zone)) < datetime.now(UTC)


@pure
def strftime(left: object, form: object, zone: object = None) -> str:
    """Return a time in a form such as `%Y-%m-%d`, in a zone if one is given."""
    name, written = "strftime", as_text("strftime", form)
    if len(written) > _LONGEST:
        wrong(name, f"takes a form of {_LONGEST} characters, and is given {len(written)}")
    moment = _time(name, left)
    return (moment.astimezone(_zone(name, zone)) if zone is not None else moment).strftime(written)


def _time(name: str, value: object, zone: tzinfo = UTC, form: object = None) -> datetime:
    try:
        found = _read(name, value, zone, form)
        return found if found.tzinfo is not None else found.replace(tzinfo=zone)
    except (ValueError, OverflowError, OSError):
        wrong(name, f"reads no time in {kind_of(value)}: write it as 2026-11-26 18:30, or give its form")


def _read(name: str, value: object, zone: tzinfo, form: object) -> datetime:
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime.combine(value, time())
    if isinstance(value, int | float) and not isinstance(value, bool):
        return datetime.fromtimestamp(value, zone)
    if not isinstance(value, str) or len(value) > _LONGEST:
        raise ValueError
    text = value.strip()
    if form is not None:
        return datetime.strptime(text, as_text(name, form)[:_LONGEST])
    if _EPOCH.fullmatch(text):
        return datetime.fromtimestamp(float(text), zone)
    return _said(name, text.lower(), zone) or _written(text)


def _said(name: str, text: str, zone: tzinfo) -> datetime | None:
    """Return a time that is told by words."""
    now = datetime.now(zone)
    if text == "now":
        return now
    if text in _DAYS:
        return datetime.combine(now.date() + timedelta(days=_DAYS[text]), time(), zone)
    match = _RELATIVE.fullmatch(text)
    if match is None or not (text.startswith("in ") or match["ago"]):
        return None
    count = int(match["count"])
    return _later(name, now, -count if match["ago"] == " ago" else count, _WORDS[match["unit"]])


def _written(text: str) -> datetime:
    """Return a time that is written out."""
    plain = re.sub(r" UTC$", "Z", text)
    plain = re.sub(r" ([+-]\d{2}:?\d{2})$", r"\1", plain).replace("/", "-")
    try:
        return datetime.fromisoformat(plain)
    except ValueError:
        return parsedate_to_datetime(text)


def _later(name: str, moment: datetime, count: float, unit: str) -> datetime:
    try:
        if unit in _MONTHS:
            months = moment.year * 12 + moment.month - 1 + int(count) * _MONTHS[unit]
            year, month = divmod(months, 12)
            return moment.replace(year=year, month=month + 1, day=min(moment.day, monthrange(year, month + 1)[1]))
        if unit in _UNITS:
            return moment + timedelta(seconds=count * _UNITS[unit])
    except (ValueError, OverflowError):
        wrong(name, f"gets beyond the years 1 to 9999 with {count:g} {unit}")
    wrong(name, f"knows the units {', '.join((*_MONTHS, *_UNITS))}, and is given {show(unit)}")


def _number(name: str, value: object) -> float:
    try:
        number = float(value) if isinstance(value, int | float | str) and len(str(value)) < _LONGEST else None
    except (ValueError, OverflowError):
        number = None
    if number is None or not -_MOST <= number <= _MOST:
        wrong(name, f"needs a number of units, and is given {kind_of(value)}")
    return number


def _zone(name: str, given: object) -> tzinfo:
    if given is None:
        return UTC
    word = as_text(name, given)
    try:
        return UTC if word == "UTC" else ZoneInfo(word if len(word) <= _LONGEST else "")
    except (ValueError, OSError, KeyError):  # a ZoneInfoNotFoundError is a KeyError
        wrong(name, f"knows no time zone {show(word)}: give it as Europe/Warsaw")


FILTERS: Final[Mapping[str, Filter]] = {
    "to_time": to_time,
    "to_date": to_date,
    "add_to_time": add_to_time,
    "add_to_date": add_to_time,
    "time_diff": time_diff,
    "is_date_before": is_date_before,
    "date_before": is_date_before,
    "is_date_in_past": is_date_in_past,
    "strftime": strftime,
}
