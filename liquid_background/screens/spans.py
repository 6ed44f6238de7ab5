"""Spans of time that screens are about."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

_BY_THE_MINUTE: Final = 3  # hours of a span that is counted by the minute


def since_of(hours: int) -> datetime:
    """Return when a span of so many hours begins: a whole minute or hour, so that no more is read than is counted."""
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    if hours <= _BY_THE_MINUTE:
        return now - timedelta(minutes=60 * hours - 1)
    return now.replace(minute=0) - timedelta(hours=hours - 1)
