"""What is going on in the store at a glance: workers and what they run, the oldest waiting jobs. Reads only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from liquid_background.jobs.contract import QueueCounts
from liquid_background.jobs.queue import keys
from liquid_background.jobs.queue.reading import text, whole
from liquid_background.jobs.site import is_of_another, priority_of, queue_name, site_of
from liquid_background.jobs.store import Store, read_replies

_LONGEST: Final = 1_000  # bytes of a name or a list of names
_MOST: Final = 10**15 - 1  # jobs that a worker counts


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerInfo:
    """One worker child as it registered itself."""

    name: str  # host.pid.number, or host.pid-more.number
    state: str  # idle, busy, …: RQ's words
    queues: tuple[str, ...]  # as RQ calls them, but those of the site that asks
    completed: int
    failed: int
    started_at: datetime | None
    seen_at: datetime | None  # its last beat
    job_ids: tuple[str, ...] = ()  # of the attempts that it runs
    app_version: str = ""  # of the application that it performs; empty where none is known
    host: str = ""
    pid: int | None = None
    python_version: str = ""
    memory: int | None = None  # bytes that it held at its last beat; None where none has said
    recycles: int | None = None  # processes that had its place before it; None of a worker of a version before
    version: str = ""  # of liquid-background; empty of a worker of a version before
    is_readable: bool = True  # False: something else stands where its registration should


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """Queues, highest priority first, and workers by name."""

    queues: tuple[QueueCounts, ...]
    oldest: Mapping[str, datetime | None]  # by queue: since when its oldest job has been waiting
    workers: tuple[WorkerInfo, ...]
    more_names: int = 0  # of workers, that were not looked at, since there are too many


def overview(store: Store, counts: Sequence[QueueCounts]) -> Overview:
    """Return an overview around counts that were just read.

    Raises:
        StoreUnavailable: when the store cannot be reached.
    """
    names = _names(store)
    found = _of_own_site(store, _workers(store, names))
    more = max(0, len(names) - keys.MOST_WORKERS)
    return Overview(queues=tuple(counts), oldest=_oldest(store), workers=found, more_names=more)


def site_names(store: Store) -> tuple[str, ...]:
    """Return the names of the sites that have sent jobs to a store; empty for those without one.

    Raises:
        StoreUnavailable: when the store cannot be reached.
    """
    pipeline = store.client.pipeline(transaction=False)
    pipeline.smembers(keys.RQ_QUEUES)
    [members] = read_replies(pipeline, store.url)
    names = (text(member, _LONGEST).removeprefix(keys.queue("")) for member in members or ())
    return tuple(sorted({site for name in names if (site := site_of(name)) is not None}))


def workers(store: Store) -> tuple[WorkerInfo, ...]:
    """Return the workers that live, but for those of other sites.

    Raises:
        StoreUnavailable: when the store cannot be reached.
    """
    return _of_own_site(store, all_workers(store))


def _of_own_site(store: Store, found: Iterable[WorkerInfo]) -> tuple[WorkerInfo, ...]:
    return tuple(_of_site(worker, store.site) for worker in found if not _is_anothers(worker, store.site))


def _is_anothers(worker: WorkerInfo, site: str) -> bool:
    return bool(worker.queues) and all(is_of_another(site, queue) for queue in worker.queues)


def _of_site(worker: WorkerInfo, site: str) -> WorkerInfo:
    queues = (priority_of(site, queue) for queue in worker.queues)
    return replace(worker, queues=tuple(own or queue for own, queue in zip(queues, worker.queues, strict=True)))


def all_workers(store: Store) -> tuple[WorkerInfo, ...]:
    """Return the workers of all sites that live: one that died without a word leaves only its name behind.

    One whose registration is overwritten by something else is there, and blank. Of over MOST_WORKERS names, the first
    are looked at.

    Raises:
        StoreUnavailable: when the store cannot be reached.
    """
    return _workers(store, _names(store))


def _names(store: Store) -> list[bytes]:
    pipeline = store.client.pipeline(transaction=False)
    pipeline.smembers(keys.RQ_WORKERS)
    [members] = read_replies(pipeline, store.url)
    return sorted(member.removeprefix(_KEY) for member in members or ())


def _workers(store: Store, names: Sequence[bytes]) -> tuple[WorkerInfo, ...]:
    names = names[: keys.MOST_WORKERS]
    pipeline = store.client.pipeline(transaction=False)
    for name in names:
        pipeline.hmget(_KEY + name, _FIELDS)
        pipeline.smembers(_KEY + name + _RUNNING)
    replies = read_replies(pipeline, store.url)
    rows = zip(names, replies[::2], replies[1::2], strict=True)
    return tuple(
        _worker(name, fields, running or ()) for name, fields, running in rows if fields is None or any(fields)
    )


_KEY: Final = keys.worker("").encode("ascii")
_RUNNING: Final = keys.worker_executions("").removeprefix(keys.worker("")).encode("ascii")
_FIELDS: Final = (
    "state",
    "queues",
    "successful_job_count",
    "failed_job_count",
    "birth",
    "last_heartbeat",
    keys.APP_VERSION,
    "hostname",
    "pid",
    "python_version",
    keys.MEMORY,
    keys.RECYCLES,
    keys.VERSION,
)


def _worker(name: bytes, fields: Sequence[bytes | None] | None, running: Iterable[bytes]) -> WorkerInfo:
    state, queues, completed, failed, birth, beat, app_version, *process = fields or [None] * len(_FIELDS)
    host, pid, python_version, memory, recycles, version = process
    return WorkerInfo(
        name=text(name, _LONGEST),
        state=text(state, _LONGEST) or "unknown",
        queues=tuple(filter(None, text(queues, _LONGEST).split(","))),
        completed=whole(completed, 0, _MOST),
        failed=whole(failed, 0, _MOST),
        started_at=keys.parse_time(birth),
        seen_at=keys.parse_time(beat),
        job_ids=tuple(sorted(text(execution.partition(b":")[0], _LONGEST) for execution in running)),
        app_version=text(app_version, _LONGEST),
        host=text(host, _LONGEST),
        pid=whole(pid, None, _MOST),
        python_version=text(python_version, _LONGEST),
        memory=whole(memory, None, _MOST),
        recycles=whole(recycles, None, _MOST),
        version=text(version, _LONGEST),
        is_readable=fields is not None,
    )


def _oldest(store: Store) -> dict[str, datetime | None]:
    pipeline = store.client.pipeline(transaction=False)
    for name in keys.QUEUES:
        pipeline.lindex(keys.queue(queue_name(store.site, name)), 0)
    first = read_replies(pipeline, store.url)
    for job_id in first:
        pipeline.hmget(keys.job("").encode("ascii") + (job_id or b"-"), "status", "enqueued_at", "created_at")
    rows = [reply or (None, None, None) for reply in read_replies(pipeline, store.url)]
    return {
        name: keys.parse_time(enqueued or created) if status == b"queued" else None
        for name, (status, enqueued, created) in zip(keys.QUEUES, rows, strict=True)
    }
