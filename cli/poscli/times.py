"""Times as people give them to options, and as tables show them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

import click

_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_CLOCK: Final = re.compile(r"\d{1,2}:\d\d", re.ASCII)
_AGO: Final = re.compile(r"(?:\d+(?:\.\d+)?[smhdw])+", re.ASCII)


def since(text: str) -> datetime:
    """Return the time that an option means: 10m, 2h30m, 1d ago, the last 14:00, or an ISO date and time.

    It is in UTC unless it says more.

    Raises:
        BadParameter: when it is none of these.
    """
    try:
        if _AGO.fullmatch(text):
            parts = re.findall(r"([\d.]+)([smhdw])", text)
            return datetime.now(UTC) - timedelta(seconds=sum(float(count) * _UNITS[unit] for count, unit in parts))
        if _CLOCK.fullmatch(text):
            return _last(*map(int, text.split(":")))
        time = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        message = f"'{text}' is not a time such as 10m, 2h30m, 1d, 14:00, 2024-01-15 or 2024-01-15T14:32"
        raise click.BadParameter(message) from None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def until(text: str) -> datetime:
    """Return the time to come that an option means: in 10m, 2h30m, 1d, or an ISO date and time, by default in UTC.

    Raises:
        BadParameter: when it is none of these, or past.
    """
    now = datetime.now(UTC)
    time = since(text)
    time = now + (now - time) if _AGO.fullmatch(text) else time
    if time <= now:
        raise click.BadParameter(f"'{text}' is past: give a time that is to come, such as 2h")
    return time


def _last(hour: int, minute: int) -> datetime:
    """Return the last time that it was that late, by UTC."""
    now = datetime.now(UTC)
    time = now.replace(hour=hour, minute=minute, second=0, microsecond=0)
    return time if time <= now else time - timedelta(days=1)


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
