"""What jobs wait for: their time, or a slot of their concurrency group. Reads only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from liquid_background.job import JobRecord
from liquid_background.queue import keys
from liquid_background.store import Store, translated_errors


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """When a job is due, and its group."""

    due_at: datetime | None  # None when it is due already, or has started
    group: str | None
    max_concurrency: int | None  # of its group
    parked: bool  # whether it waits for a slot of its group


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A concurrency group with jobs that wait for a slot."""

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
        pipeline.zscore(keys.scheduled(job.priority), job.id)
    with translated_errors(store.url):
        replies = pipeline.execute()
    return [_waiting(fields, due) for fields, due in zip(replies[::2], replies[1::2], strict=True)]


def _waiting(fields: Sequence[bytes | None], due: float | None) -> Waiting:
    status, group, limit = fields
    return Waiting(
        due_at=_time(due) if status == b"scheduled" and due is not None else None,
        group=group.decode("utf-8", "replace") if group else None,
        max_concurrency=int(limit) if limit and limit.isdigit() else None,
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
    with translated_errors(store.url):
        members: Any = store.client.smembers(keys.GROUPS)
        names = sorted(member.decode("utf-8", "replace") for member in members)
        pipeline = store.client.pipeline(transaction=False)
        for name in names:
            pipeline.scard(keys.slots(name))
            for queue in keys.QUEUES:
                pipeline.llen(keys.parked(name, queue))
        replies = pipeline.execute()
    size = 1 + len(keys.QUEUES)
    rows = [replies[start : start + size] for start in range(0, len(replies), size)]
    return [Group(name=name, holding=row[0], waiting=sum(row[1:])) for name, row in zip(names, rows, strict=True)]
