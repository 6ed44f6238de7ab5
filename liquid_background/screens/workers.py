"""Workers: where they are, what they run, how they are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from liquid_background.job import JobRecord, JobStatus
from liquid_background.jobs.queue.overview import WorkerInfo
from liquid_background.screens import paging
from liquid_background.screens.linking import job_url
from liquid_background.screens.messages import ScreenAnswer
from liquid_background.screens.screen import Screen

_MEGABYTE: Final = 1024 * 1024
_MOST: Final = 500  # running jobs that are looked through for those of the workers on the page


def show(screen: Screen) -> ScreenAnswer:
    """Show them."""
    found = screen.engine.overview().workers
    start = paging.start_of(screen)
    part = paging.part(found, start)
    running = running_jobs(screen, part)
    busy = sum(bool(worker.job_ids) for worker in found)
    return screen.page(
        "workers",
        f"{len(found):,} workers, {busy:,} busy" if len(found) != 1 else "1 worker",
        heading="Workers",
        total=len(found),
        busy=busy,
        workers=[row(screen, worker, running) for worker in part],
        paging=paging.links(screen, start, len(found)),
    )


def running_jobs(screen: Screen, workers: Iterable[WorkerInfo]) -> Mapping[str, JobRecord]:
    """Return the jobs that run, by their ids, when one of the workers runs any."""
    if not any(worker.job_ids for worker in workers):
        return {}
    return {job.id: job for job in screen.engine.jobs.list(JobStatus.RUNNING, limit=_MOST)}


def row(screen: Screen, worker: WorkerInfo, running: Mapping[str, JobRecord]) -> dict[str, Any]:
    """Return one worker, with links to what it runs."""
    return {
        "name": worker.name,
        "host": worker.host,
        "pid": worker.pid,
        "state": worker.state if worker.is_readable else "overwritten",
        "is_readable": worker.is_readable,
        "runs": [_run(screen, job_id, running.get(job_id)) for job_id in worker.job_ids],
        "queues": ", ".join(worker.queues),
        "memory": None if worker.memory is None else f"{worker.memory / _MEGABYTE:,.0f} MB",
        "version": worker.app_version,
        "own_version": worker.version,
        "python": worker.python_version,
        "recycles": worker.recycles,
        "completed": worker.completed,
        "failed": worker.failed,
        "started": worker.started_at,
        "seen": worker.seen_at,
    }


def _run(screen: Screen, job_id: str, job: JobRecord | None) -> dict[str, Any]:
    return {
        "url": job_url(screen, job_id),
        "name": (job.source_name if job else "") or job_id,
        "since": job.started_at if job else None,
    }
