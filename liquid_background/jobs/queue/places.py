"""Where the ids of jobs stand, and which of these places may hold jobs that a filter means."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal, TypeAlias

from liquid_background.job import JobStatus
from liquid_background.jobs.contract import states_of
from liquid_background.jobs.filter import Filter
from liquid_background.jobs.queue import keys
from liquid_background.jobs.site import own_name, queue_name
from liquid_background.jobs.store import Store, read_replies

Kind: TypeAlias = Literal["list", "falling", "rising", "attempts", "batches"]
"""How it is read: a list from its end, a sorted set from its highest score or its lowest on, RQ's of attempts, or
that of claims, with the jobs of each."""

DELAYED: Final = "delayed"
"""What the names of the places begin with that are indexes of delayed jobs."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
CLOCK_LASTS: Final = 1.0
"""Seconds between two looks at the store's clock."""


@dataclass(frozen=True, slots=True)
class Place:
    """One key that holds ids of jobs, and what the records of those say that stand there."""

    name: str  # such as failed/high: what a cursor calls it
    kind: Kind
    key: str
    words: tuple[str, ...]  # RQ's, of the records of the jobs that stand there
    stamps: tuple[str, ...]  # fields, of which the latest says when a job came there
    takes_unknown: bool = False  # whether a record with a word of nobody's, or none, stands there, too
    expires: bool = False  # whether scores are times after which the record is gone
    lowest: str = "-inf"  # score of those that are meant
    highest: str = "+inf"
    registry: str = ""  # of an index, the sorted set in which what stands there has to stand, too

    @property
    def has_order(self) -> bool:
        """Whether it is read in the order in which jobs came there, the newest first."""
        return self.kind in ("list", "falling")


@dataclass(frozen=True, slots=True)
class _State:
    kind: Kind
    key: Callable[[str], str]
    words: tuple[str, ...]
    stamps: tuple[str, ...]
    takes_unknown: bool = False
    expires: bool = False


_STATES: Final = {  # in the order of a job's life: one that moves on meanwhile is met further on, and not missed
    "scheduled": _State("rising", keys.scheduled, ("scheduled",), ("created_at", "started_at"), takes_unknown=True),
    "deferred": _State("rising", keys.deferred, ("deferred",), ("enqueued_at",)),
    "queued": _State("list", keys.queue, ("queued",), ("enqueued_at",), takes_unknown=True),
    "started": _State("attempts", keys.started, ("started",), ("started_at",)),
    "finished": _State("falling", keys.finished, ("finished",), ("ended_at",), expires=True),
    "failed": _State("falling", keys.failed, ("failed",), ("ended_at",), expires=True),
    "canceled": _State("falling", keys.canceled, ("canceled", "stopped"), ("ended_at",)),
}
_LEASED: Final = {"claimed": "queued", "started": "started"}
"""By the state, the word of the records whose ids stand in the leases."""


def places_of(wanted: Filter, site: str, index: Place | None = None, *, by_coming: bool = False) -> list[Place]:
    """Return the places where jobs may stand that a filter means, in the order in which a job comes through them.

    Args:
        wanted: what is meant.
        site: whose places.
        index: that stands in for the failed jobs of every queue.
        by_coming: whether delayed jobs are read by their index, in the order in which they came there.
    """
    states = [state for status in _statuses(wanted) for state in states_of(status)]
    queues = queues_of(wanted)
    found = []
    for name, state in _STATES.items():
        if name == "started" and (words := tuple(word for leased, word in _LEASED.items() if leased in states)):
            stamps = ("enqueued_at", "started_at")
            found.append(Place("batches", "batches", own_name(site, keys.BATCHES), words, stamps))
            found.append(Place("leases", "rising", own_name(site, keys.LEASES), words, stamps))
        if name == "failed" and index and name in states:
            found.append(index)
        elif name == "scheduled" and by_coming and name in states:
            found += [_indexed(_place(name, state, queue, site), queue, wanted, site) for queue in queues]
        elif name in states:
            found += [_place(name, state, queue, site) for queue in queues]
    if not wanted.status:  # RQ puts what was stopped beside what failed, and calls it something else
        found = [
            replace(place, words=(*place.words, "stopped")) if place.words == ("failed",) else place for place in found
        ]
    return found


def expires(state: str) -> bool:
    """Return whether the registry of an RQ status says when the records of its jobs go."""
    return _STATES[state].expires


def queues_of(wanted: Filter) -> Sequence[str]:
    """Return the queues whose jobs may be meant."""
    return [wanted.queue] if wanted.queue else keys.QUEUES


def has_delayed(wanted: Filter) -> bool:
    """Return whether delayed jobs may be meant."""
    return any("scheduled" in states_of(status) for status in _statuses(wanted))


def microseconds(time: datetime) -> str:
    """Return a time as the index of delayed jobs is scored."""
    return str((time - _EPOCH) // timedelta(microseconds=1))


def below(place: Place, time: str) -> Place:
    """Return a place as it is read for jobs that came there at a time, as records have it, and before."""
    moment = keys.parse_time(time.encode("ascii", "replace")) if place.registry else None
    highest = int(microseconds(moment)) + 1 if moment else 0
    if not highest or (place.highest != "+inf" and int(place.highest[1:]) <= highest):
        return place
    return replace(place, highest=f"({highest}")


def _indexed(place: Place, queue: str, wanted: Filter, site: str) -> Place:
    return replace(
        place,
        name=f"{DELAYED}/{queue}",
        kind="falling",
        key=own_name(site, keys.delayed(queue)),
        registry=place.key,
        lowest=microseconds(wanted.since) if wanted.since else "-inf",
        highest=f"({microseconds(wanted.until)}" if wanted.until else "+inf",
    )


def _statuses(wanted: Filter) -> Sequence[JobStatus]:
    if wanted.status:
        return (wanted.status,)
    if wanted.failure:
        return (JobStatus.FAILED,)
    if wanted.error:
        return tuple(status for status in JobStatus if status is not JobStatus.COMPLETED)
    return tuple(JobStatus)


def _place(name: str, state: _State, queue: str, site: str) -> Place:
    key = state.key(queue_name(site, queue))
    return Place(f"{name}/{queue}", state.kind, key, state.words, state.stamps, state.takes_unknown, state.expires)


def sizes(store: Store, places: Sequence[Place]) -> list[int]:
    """Return how many ids stand in each place, of those that expire the ones that have not.

    Raises:
        StoreUnavailable: when the store cannot be reached.
    """
    now = store.time(CLOCK_LASTS) if any(place.expires for place in places) else 0.0
    pipeline: Any = store.client.pipeline(transaction=False)
    for place in places:
        if place.kind == "list":
            pipeline.llen(place.key)
        else:
            is_whole = place.lowest == "-inf" and place.highest == "+inf"
            key = place.registry if place.registry and is_whole else place.key
            pipeline.zcount(key, now if place.expires else place.lowest, place.highest)
    return [reply or 0 for reply in read_replies(pipeline, store.url)]
