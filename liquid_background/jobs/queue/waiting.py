"""What jobs wait for: their time, or a slot of their group. Reads only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from liquid_background.job import MAX_CONCURRENCY, JobRecord
from liquid_background.jobs.queue import keys
from liquid_background.jobs.queue.reading import text, whole, without_behind
from liquid_background.jobs.site import own_name, queue_name
from liquid_background.jobs.store import Store, read_replies

_LONGEST: Final = 255  # bytes of a group's name


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """When a job is due, and its group."""

    due_at: datetime | None  # None when it is due already, or has started
    group: str | None
    max_concurrency: int | None  # of its group
    parked: bool  # whether it waits for a slot of its group


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A group with jobs that wait for a slot."""

    name: str
    holding: int  # jobs that run, or were given a slot and are next
    waiting: int


def waiting(store: Store, jobs: Sequence[JobRecord]) -> list[Waiting]:
    """Return for each job what it waits for.

    Raises:
        StoreUnavailable: when the store cannot be reached.
    """
    pipeline = store.client.pipeline(transaction=False)
    for job in jobs:
        pipeline.hmget(keys.job(job.id), "status", keys.GROUP, keys.GROUP_LIMIT)
        pipeline.zscore(keys.scheduled(queue_name(store.site, job.priority)), job.id)
    replies = read_replies(pipeline, store.url)
    return [
        _waiting(fields or (None, None, None), due) for fields, due in zip(replies[::2], replies[1::2], strict=True)
    ]


def _waiting(fields: Sequence[bytes | None], due: float | None) -> Waiting:
    status, group, limit = fields
    return Waiting(
        due_at=_time(due) if status == b"scheduled" and due is not None else None,
        group=text(group, _LONGEST) or None,
        max_concurrency=whole(limit, None, MAX_CONCURRENCY),
        parked=bool(group) and status == b"deferred",
    )


def _time(seconds: float) -> datetime | None:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None  # written by another tool


def groups(store: Store) -> list[Group]:
    """Return the groups with jobs that wait for a slot, by name.

    Raises:
        StoreUnavailable: when the store cannot be reached.
    """
    pipeline = store.client.pipeline(transaction=False)
    pipeline.smembers(own_name(store.site, keys.GROUPS))
    [members] = read_replies(pipeline, store.url)
    names = sorted(members or ())
    for name in names:
        known = name.decode("utf-8", "surrogateescape")  # and back again: a name need not be text
        pipeline.scard(_encoded(own_name(store.site, keys.slots(known))))
        for queue in keys.QUEUES:
            pipeline.llen(_encoded(own_name(store.site, keys.parked(known, queue))))
            pipeline.zcard(_encoded(own_name(store.site, keys.behind(f"{known}:{queue}"))))
    replies = [reply or 0 for reply in read_replies(pipeline, store.url)]
    size = 1 + 2 * len(keys.QUEUES)
    rows = [replies[start : start + size] for start in range(0, len(replies), size)]
    return [
        Group(name=text(name, _LONGEST), holding=row[0], waiting=sum(map(without_behind, row[1::2], row[2::2])))
        for name, row in zip(names, rows, strict=True)
    ]


def _encoded(key: str) -> bytes:
    return key.encode("utf-8", "surrogateescape")
