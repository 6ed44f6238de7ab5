"""Which index of failed jobs stands in for their registries, as a place that is read like any other."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import ceil, floor
from typing import Final

from liquid_background.job import JobStatus
from liquid_background.jobs.filter import Filter
from liquid_background.jobs.queue.indexes import index_of, key_of
from liquid_background.jobs.queue.places import Place
from liquid_background.jobs.store import Store
from liquid_background.settings import Settings

INDEXED: Final = "indexed"
"""The name of the place."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def index_place(store: Store, settings: Settings, wanted: Filter, *, trusting: bool = False) -> Place | None:
    """Return the index in which all failed jobs stand that a filter means, newest first, with few others or none.

    Args:
        store: where it is.
        settings: with the site.
        wanted: what is meant.
        trusting: whether it has been looked at already, as for the page before: a list goes on where it began.

    Raises:
        StoreUnavailable: when the store cannot be reached.
    """
    asked = _asked(wanted)
    if asked is None:
        return None
    key = key_of(settings, asked) if trusting else index_of(store, settings, asked)
    if key is None:
        return None
    # Of times within a millisecond, the records say which are meant.
    lowest = "-inf" if wanted.since is None else str(floor(_milliseconds(wanted.since)))
    highest = "+inf" if wanted.until is None else f"({ceil(_milliseconds(wanted.until))}"
    return Place(INDEXED, "falling", key, ("failed",), ("ended_at",), lowest=lowest, highest=highest)


def is_counted(wanted: Filter, place: Place) -> bool:
    """Return whether an index has just the jobs that a filter means: of a time within a millisecond, it may have more."""
    asked = _asked(wanted)
    times = [time for time in (wanted.since, wanted.until) if time is not None]
    is_whole = not any(time.microsecond % 1000 for time in times)
    return place.name == INDEXED and is_whole and asked == replace(wanted, status=JobStatus.FAILED)


def _asked(wanted: Filter) -> Filter | None:
    """Return what an index is asked that has all jobs that a filter means; None when none has."""
    has_failed = wanted.status is JobStatus.FAILED or (wanted.status is None and wanted.failure)
    if not has_failed or wanted.queue:
        return None
    own = Filter(status=JobStatus.FAILED, since=wanted.since, until=wanted.until)
    if wanted.failure:
        return replace(own, failure=wanted.failure)
    if wanted.source_name and not wanted.is_prefix:
        return replace(own, source_name=wanted.source_name)
    return own if wanted.since or wanted.until else None


def _milliseconds(time: datetime) -> float:
    return (time - _EPOCH) / timedelta(milliseconds=1)
