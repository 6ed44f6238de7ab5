"""What is going on in the store at a glance: workers and what they run, the oldest waiting jobs. Reads only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from liquid_background.queue import keys
from liquid_background.queue.queue import QueueCounts
from liquid_background.store import Store, translated_errors


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerInfo:
    """One worker child as it registered itself."""

    name: str  # host.pid.number, or host.pid-more.number
    state: str  # idle, busy, …: RQ's words
    queues: tuple[str, ...]
    completed: int
    failed: int
    started_at: datetime | None
    seen_at: datetime | None  # its last beat
    job_ids: tuple[str, ...] = ()  # of the attempts that it runs


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """Queues, highest priority first, and workers by name."""

    queues: tuple[QueueCounts, ...]
    oldest: Mapping[str, datetime | None]  # by queue: since when its oldest job has been waiting
    workers: tuple[WorkerInfo, ...]


def overview(store: Store, counts: Sequence[QueueCounts]) -> Overview:
    """Return an overview around counts that were just read.

    Raises:
        StoreUnavailable: when the store cannot be reached.
    """
    return Overview(queues=tuple(counts), oldest=_oldest(store), workers=workers(store))


def workers(store: Store) -> tuple[WorkerInfo, ...]:
    """Return the workers that live: one that died without a word leaves only its name behind.

    Raises:
        StoreUnavailable: when the store cannot be reached.
    """
    with translated_errors(store.url):
        members: Any = store.client.smembers(keys.RQ_WORKERS)
        names = sorted(member.decode().removeprefix(keys.worker("")) for member in members)
        pipeline = store.client.pipeline(transaction=False)
        for name in names:
            pipeline.hgetall(keys.worker(name))
            pipeline.smembers(keys.worker_executions(name))
        replies = pipeline.execute()
    found = zip(names, replies[::2], replies[1::2], strict=True)
    return tuple(_worker(name, fields, running) for name, fields, running in found if fields)


def _worker(name: str, fields: Mapping[bytes, bytes], running: set[bytes]) -> WorkerInfo:
    text = {key.decode("utf-8", "replace"): value.decode("utf-8", "replace") for key, value in fields.items()}
    return WorkerInfo(
        name=name,
        state=text.get("state", "unknown"),
        queues=tuple(filter(None, text.get("queues", "").split(","))),
        completed=_count(text.get("successful_job_count")),
        failed=_count(text.get("failed_job_count")),
        started_at=keys.parse_time(fields.get(b"birth")),
        seen_at=keys.parse_time(fields.get(b"last_heartbeat")),
        job_ids=tuple(sorted(execution.decode("utf-8", "replace").partition(":")[0] for execution in running)),
    )


def _count(text: str | None) -> int:
    return int(text) if text and text.isdecimal() else 0


def _oldest(store: Store) -> dict[str, datetime | None]:
    pipeline = store.client.pipeline(transaction=False)
    for name in keys.QUEUES:
        pipeline.lindex(keys.queue(name), 0)
    with translated_errors(store.url):
        first = pipeline.execute()
        for job_id in first:
            pipeline.hmget(keys.job((job_id or b"-").decode("utf-8", "replace")), "enqueued_at", "created_at")
        times = pipeline.execute()
    return {
        name: keys.parse_time(enqueued or created) for name, (enqueued, created) in zip(keys.QUEUES, times, strict=True)
    }
