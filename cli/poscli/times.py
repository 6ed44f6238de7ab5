"""Times as people give them to options, and as tables show them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

import click

from liquid_background.errors import FilterError
from liquid_background.moments import moment, moment_to_come

_UNITS: Final = {"m": 60, "h": 3600, "d": 86_400}


def since(text: str) -> datetime:
    """Return the time that an option means: 10m, 2h30m, 1d ago, the last 14:00, or an ISO date and time.

    Raises:
        BadParameter: when it is none of these.
    """
    return _given(moment, text)


def until(text: str) -> datetime:
    """Return the time to come that an option means: in 10m, 2h30m, 1d, or an ISO date and time, by default in UTC.

    Raises:
        BadParameter: when it is none of these, or past.
    """
    return _given(moment_to_come, text)


def _given(parse: Callable[[str], datetime], text: str) -> datetime:
    try:
        return parse(text)
    except FilterError as error:
        raise click.BadParameter(str(error)) from None


def age(time: datetime | None, now: datetime | None = None) -> str:
    """Return how long ago a time was, in its largest unit: 4s, 12m, 3h, 2d."""
    if time is None:
        return "-"
    return span(((now or datetime.now(UTC)) - time).total_seconds())


def span(seconds: float) -> str:
    """Return a time span in its largest unit: 4s, 12m, 3h, 2d."""
    whole = max(0, int(seconds))
    for unit in ("d", "h", "m"):
        if whole >= _UNITS[unit]:
            return f"{whole // _UNITS[unit]}{unit}"
    return f"{whole}s"


def clock(time: datetime | None) -> str:
    """Return a time as the log lines write it."""
    return time.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S") if time else "-"
