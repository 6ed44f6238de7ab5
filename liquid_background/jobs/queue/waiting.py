"""What jobs wait for: their time, a slot of their group, or the end of a pause. Reads only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from liquid_background.job import MAX_CONCURRENCY, JobRecord, JobStatus
from liquid_background.jobs.queue import keys, scripts
from liquid_background.jobs.queue.pausing import Pause, pauses_of
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
    pause: Pause | None = None  # that keeps it


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
        pipeline.hmget(keys.job(job.id), "status", keys.GROUP, keys.GROUP_LIMIT, keys.HELD_BY)
        pipeline.zscore(keys.scheduled(queue_name(store.site, job.priority)), job.id)
    replies = read_replies(pipeline, store.url)
    pauses = read_pauses(store) if jobs else ()
    rows = zip(jobs, replies[::2], replies[1::2], strict=True)
    return [_waiting(job, fields or [None] * 4, due, pauses) for job, fields, due in rows]


def _waiting(job: JobRecord, fields: Sequence[bytes | None], due: float | None, pauses: Sequence[Pause]) -> Waiting:
    status, group_name, limit, held_by = fields
    group = text(group_name, _LONGEST) or None
    is_kept = job.status is JobStatus.PENDING and status != b"scheduled"
    keeping = [pause for pause in pauses if pause.holds(queue=job.priority, source_name=job.source_name, group=group)]
    return Waiting(
        due_at=_time(due) if status == b"scheduled" and due is not None else None,
        group=group,
        max_concurrency=whole(limit, None, MAX_CONCURRENCY),
        parked=group is not None and status == b"deferred" and not held_by,
        pause=keeping[0] if is_kept and keeping else None,
    )


def _time(seconds: float) -> datetime | None:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None  # written by another tool


def read_pauses(store: Store) -> tuple[Pause, ...]:
    """Return what is paused, the earliest first.

    Raises:
        StoreUnavailable: when the store cannot be reached.
    """
    return pauses_of(*scripts.run(store, "paused", []))


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
