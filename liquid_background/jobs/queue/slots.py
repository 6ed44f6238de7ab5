"""Who holds the slots of groups, and how many may. Reads only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from liquid_background.job import MAX_CONCURRENCY, MAX_SOURCE_NAME
from liquid_background.jobs.queue import keys
from liquid_background.jobs.queue.reading import text, whole
from liquid_background.jobs.queue.waiting import Group, groups
from liquid_background.jobs.site import own_name
from liquid_background.jobs.store import Store, read_replies

HOLDERS: Final = 20
"""Of a group that are told."""
_LEASED: Final = 500  # jobs that run or are about to, of which the groups are told
_LONGEST: Final = MAX_SOURCE_NAME  # bytes of a name


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """A job that has a slot of its group."""

    id: str
    source_name: str
    started_at: datetime | None  # None when it was given its slot and has not started


@dataclass(frozen=True, slots=True, kw_only=True)
class Slots:
    """The slots of one group."""

    limit: int | None  # jobs of it that may run at once, as one of its jobs says; None where none does
    holders: tuple[Holder, ...]  # at most 20


def groups_at_work(store: Store) -> list[Group]:
    """Return the groups with jobs that wait for a slot or run, those first of which most wait.

    Raises:
        StoreUnavailable: when the store cannot be reached.
    """
    found = {group.name: group for group in groups(store)}
    running = [name for name in _groups_of_leased(store) if name not in found]
    pipeline: Any = store.client.pipeline(transaction=False)
    for name in running:
        pipeline.scard(own_name(store.site, keys.slots(name)))
    for name, holding in zip(running, read_replies(pipeline, store.url) if running else (), strict=True):
        found[name] = Group(name=name, holding=holding or 0, waiting=0)
    return sorted(found.values(), key=lambda group: (-group.waiting, -group.holding, group.name))


def _groups_of_leased(store: Store) -> list[str]:
    pipeline: Any = store.client.pipeline(transaction=False)
    pipeline.zrange(own_name(store.site, keys.LEASES), 0, _LEASED - 1)
    [ids] = read_replies(pipeline, store.url)
    if not ids:
        return []
    for job_id in ids:
        pipeline.hget(_record(job_id), keys.GROUP)
    names = (text(name, _LONGEST) for name in read_replies(pipeline, store.url) if name)
    return [*dict.fromkeys(names)]


def slots(store: Store, names: Sequence[str]) -> dict[str, Slots]:
    """Return the slots of groups, by their names.

    Raises:
        StoreUnavailable: when the store cannot be reached.
    """
    if not names:
        return {}
    pipeline: Any = store.client.pipeline(transaction=False)
    for name in names:
        # Planted ones could be many more than there are slots.
        pipeline.srandmember(own_name(store.site, keys.slots(name)), HOLDERS)
        for queue in keys.QUEUES:
            pipeline.lindex(own_name(store.site, keys.parked(name, queue)), 0)
    replies = read_replies(pipeline, store.url)
    size = 1 + len(keys.QUEUES)
    rows = [replies[start : start + size] for start in range(0, len(replies), size)]
    holding = {name: sorted(ids or ()) for name, (ids, *_) in zip(names, rows, strict=True)}
    parked = {name: [job_id for job_id in first if job_id] for name, (_, *first) in zip(names, rows, strict=True)}
    told = _told(store, {job_id for name in names for job_id in (*holding[name], *parked[name])})
    return {
        name: Slots(
            limit=next((limit for each in (*parked[name], *holding[name]) if (limit := told[each][0])), None),
            holders=tuple(told[job_id][1] for job_id in holding[name]),
        )
        for name in names
    }


def _told(store: Store, ids: set[bytes]) -> dict[bytes, tuple[int | None, Holder]]:
    """Return what each job says of the limit of its group, and the job as one that holds a slot."""
    pipeline: Any = store.client.pipeline(transaction=False)
    for job_id in ids:
        pipeline.hmget(_record(job_id), keys.GROUP_LIMIT, "description", "status", "started_at")
    told = {}
    for job_id, fields in zip(ids, read_replies(pipeline, store.url) if ids else (), strict=True):
        limit, name, status, started = fields or [None] * 4
        holder = Holder(
            id=text(job_id, _LONGEST),
            source_name=text(name, _LONGEST),
            started_at=keys.parse_time(started) if status == b"started" else None,
        )
        told[job_id] = whole(limit, None, MAX_CONCURRENCY), holder
    return told


def _record(job_id: bytes) -> bytes:
    return keys.job("").encode("ascii") + job_id
