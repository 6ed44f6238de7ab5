"""Times as people write them: 10m ago, 14:00, an ISO date and time."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from liquid_background.errors import FilterError

_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_CLOCK: Final = re.compile(r"\d{1,2}:\d\d", re.ASCII)
_AGO: Final = re.compile(r"(?:\d+(?:\.\d+)?[smhdw])+", re.ASCII)
_SHOWN: Final = 80  # characters of what is no time


def moment(text: str) -> datetime:
    """Return the time that a text means: 10m, 2h30m, 1d ago, the last 14:00, or an ISO date and time.

    It is read as UTC unless it says more, and returned in UTC.

    Raises:
        FilterError: when it is none of these.
    """
    try:
        if _AGO.fullmatch(text):
            return datetime.now(UTC) - _span(text)
        if _CLOCK.fullmatch(text):
            return _last(*map(int, text.split(":")))
        time = datetime.fromisoformat(text)
        return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise FilterError(
            f"'{text[:_SHOWN]}' is not a time such as 10m, 2h30m, 1d, 14:00, 2024-01-15 or 2024-01-15T14:32"
        ) from None


def moment_to_come(text: str) -> datetime:
    """Return the time to come that a text means: in 10m, 2h30m, 1d, or an ISO date and time, by default in UTC.

    Raises:
        FilterError: when it is none of these, or past.
    """
    now = datetime.now(UTC)
    try:
        time = now + _span(text) if _AGO.fullmatch(text) else moment(text)
    except OverflowError:
        raise FilterError(f"'{text[:_SHOWN]}' is too far: give a time that is to come, such as 2h") from None
    if time <= now:
        raise FilterError(f"'{text[:_SHOWN]}' is past: give a time that is to come, such as 2h")
    return time


def _span(text: str) -> timedelta:
    parts = re.findall(r"([\d.]+)([smhdw])", text)
    return timedelta(seconds=sum(float(count) * _UNITS[unit] for count, unit in parts))


def _last(hour: int, minute: int) -> datetime:
    """Return the last time that it was that late, by UTC."""
    now = datetime.now(UTC)
    time = now.replace(hour=hour, minute=minute, second=0, microsecond=0)
    return time if time <= now else time - timedelta(days=1)
