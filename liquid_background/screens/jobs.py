"""The jobs that a filter means, the newest first."""

from __future__ import annotations

from typing import Any, Final

from liquid_background.job import JobRecord, JobStatus, Priority
from liquid_background.screens.filterform import filter_of
from liquid_background.screens.messages import ScreenAnswer
from liquid_background.screens.rendering import Exact
from liquid_background.screens.screen import Screen

PAGE: Final = 50  # jobs
_SHORT: Final = 10  # characters of an id


def show(screen: Screen) -> ScreenAnswer:
    """Show a page of jobs."""
    query = screen.request.query
    wanted = filter_of(query)
    found = screen.engine.jobs.list(wanted, limit=PAGE, after=query.one("after") or None)
    more = screen.url("jobs", query=query.but(after=found.cursor)) if found.cursor else None
    return screen.page(
        "jobs",
        f"{found.total:,} jobs" if found.total is not None else "Jobs",
        heading="Jobs",
        fields={name: Exact(query.one(name)) for name in ("source_name",)},
        tabs=_tabs(screen),
        jobs=[_row(screen, job) for job in found],
        more=more and Exact(more),
        nothing="No jobs here.",
        statuses=[str(status) for status in JobStatus],
        queues=[str(priority) for priority in Priority],
    )


def _tabs(screen: Screen) -> list[dict[str, Any]]:
    query = screen.request.query
    here = query.one("status")
    return [
        {
            "title": status.capitalize() or "All",
            "url": Exact(screen.url("jobs", query=query.but("after", status=status))),
            "is_here": status == here,
            "count": None,
        }
        for status in ("", *map(str, JobStatus))
    ]


def _row(screen: Screen, job: JobRecord) -> dict[str, Any]:
    return {
        "id": job.id,
        "short": job.id[:_SHORT],
        "url": Exact(screen.url("jobs", job.id)),
        "source_name": job.source_name,
        "status": str(job.status),
        "place": f"{job.template}:{job.line}" if job.template else "",
        "attempts": job.attempts,
        "max_attempts": job.max_attempts,
        "time": job.completed_at or job.started_at or job.created_at,
        "error": job.error or "",
    }
