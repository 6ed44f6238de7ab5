"""Jobs as rows of a table."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from liquid_background.job import JobRecord, JobStatus
from liquid_background.jobs.handover import encode
from liquid_background.jobs.queue.waiting import Waiting
from liquid_background.screens.linking import job_url, short
from liquid_background.screens.rendering import Exact
from liquid_background.screens.screen import Screen


def rows_of(screen: Screen, jobs: Sequence[JobRecord]) -> list[dict[str, Any]]:
    """Return a row for each job, for the template `jobrows`; what masking hides is masked."""
    waits = screen.engine.waiting(jobs)
    return [_row(screen, job, wait) for job, wait in zip(screen.engine.shown(jobs), waits, strict=True)]


def _row(screen: Screen, job: JobRecord, wait: Waiting) -> dict[str, Any]:
    return {
        "id": Exact(job.id),
        "short": short(job.id),
        "url": job_url(screen, job.id),
        "source_name": job.source_name or "(no name)",
        "status": str(job.status),
        "place": place_of(job),
        "attempts": job.attempts,
        "max_attempts": job.max_attempts,
        "waits_for": waits_for(wait),
        "due": wait.due_at,
        "duration": duration_of(job),
        "time": time_of(job),
        "error": job.error or "",
    }


def place_of(job: JobRecord) -> str:
    """Return where a job's block stands."""
    return f"{job.template}:{job.line}" if job.template else ""


def waits_for(wait: Waiting) -> str:
    """Return what a job waits for beside its time, in words; empty for nothing."""
    if wait.pause:
        return f"pause of {wait.pause.what}"
    return f"group {wait.group}" if wait.parked else ""


def duration_of(job: JobRecord) -> float | None:
    """Return the seconds that a job's last attempt took, or takes so far; None for one that has not started."""
    if job.started_at is None or job.status is JobStatus.PENDING:
        return None
    end = job.completed_at if job.status.has_ended else datetime.now(UTC)
    return max(0.0, (end - job.started_at).total_seconds()) if end else None


def time_of(job: JobRecord) -> datetime | None:
    """Return when a job came to where it is, as lists are ordered: it ended, it started, it was made."""
    if job.status.has_ended:
        return job.completed_at or job.created_at
    return (job.started_at if job.status is JobStatus.RUNNING else None) or job.created_at


def values_of(parameters: Mapping[str, Any], handed_over: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the values that a job was given as rows, each as JSON."""
    return [
        {"name": name, "kind": kind, "value": json.dumps(encode(value), ensure_ascii=False)}
        for kind, values in (("parameter", parameters), ("handed over", handed_over))
        for name, value in values.items()
    ]
