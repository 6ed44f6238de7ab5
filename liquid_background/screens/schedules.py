"""Schedules: when they come, and what came of the last times."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from liquid_background.job import JobRecord
from liquid_background.python_jobs.cron_words import in_words
from liquid_background.python_jobs.timetable import PastTime, Planned
from liquid_background.screens import paging
from liquid_background.screens.access import Action
from liquid_background.screens.back import back
from liquid_background.screens.linking import job_url, jobs_url
from liquid_background.screens.messages import ScreenAnswer
from liquid_background.screens.rendering import Exact
from liquid_background.screens.screen import Screen
from liquid_background.wording import counted

_PAST: Final = 20  # times that a schedule's own page looks back


def show(screen: Screen) -> ScreenAnswer:
    """Show them, the one that comes next first."""
    found = screen.engine.timetable.list()
    start = paging.start_of(screen)
    return screen.page(
        "schedules",
        counted(len(found), "schedule"),
        heading="Schedules",
        total=len(found),
        paused_count=sum(each.paused is not None for each in found),
        schedules=[_row(screen, each) for each in paging.part(found, start)],
        paging=paging.links(screen, start, len(found)),
    )


def show_one(screen: Screen) -> ScreenAnswer:
    """Show one, with its last times and what came of them."""
    name, timetable = screen.request.segments[-1], screen.engine.timetable
    found = timetable.get(name)
    return screen.page(
        "schedule",
        f"Schedule {found.name}",
        schedule=_row(screen, found),
        times=[_local(each) for each in found.next_times],
        past=[_past(screen, each) for each in timetable.history(name, _PAST)],
        jobs_url=jobs_url(screen, source_name=found.source_name),
        list_url=Exact(screen.url("schedules")),
    )


def pause(screen: Screen) -> ScreenAnswer:
    """Have none of the times of a schedule come."""
    screen.check(Action.PAUSE)
    name, timetable, by = screen.request.form.one("name"), screen.engine.timetable, screen.request.visitor.name
    changed = timetable.pause(name, by)
    return _told(screen, name, "paused" if changed else "paused already")


def resume(screen: Screen) -> ScreenAnswer:
    """Have the times of a schedule come again."""
    screen.check(Action.PAUSE)
    name, timetable, by = screen.request.form.one("name"), screen.engine.timetable, screen.request.visitor.name
    changed = timetable.resume(name, by)
    return _told(screen, name, "resumed" if changed else "not paused")


def run(screen: Screen) -> ScreenAnswer:
    """Enqueue the job of a schedule now."""
    screen.check(Action.RUN)
    name, timetable, by = screen.request.form.one("name"), screen.engine.timetable, screen.request.visitor.name
    job_id = timetable.run(name, by)
    return back(screen, {"done": "enqueued", "about": f"schedule {name}, job {job_id}"}, "schedules")


def _told(screen: Screen, name: str, done: str) -> ScreenAnswer:
    return back(screen, {"done": done, "about": f"schedule {name}"}, "schedules")


def _row(screen: Screen, each: Planned) -> dict[str, Any]:
    return {
        "name": each.name,
        "exact": Exact(each.name),
        "url": Exact(screen.url("schedules", "of", each.name)),
        "words": in_words(each.cron),
        "cron": each.cron,
        "timezone": each.timezone,
        "source_name": each.source_name,
        "runs": each.runs,
        "next": each.next_times[0] if each.next_times else None,
        "waiting_url": job_url(screen, each.waiting) if each.waiting else None,
        "last": each.last_time,
        "outcome": _job(screen, each.last),
        "paused": {"since": each.paused.since, "by": each.paused.by} if each.paused else None,
    }


def _past(screen: Screen, each: PastTime) -> dict[str, Any]:
    return {"at": each.at, "local": _local(each.at), "job": _job(screen, each.job)}


def _job(screen: Screen, job: JobRecord | None) -> dict[str, Any] | None:
    if job is None:
        return None
    took = job.completed_at - job.started_at if job.completed_at and job.started_at else None
    return {
        "url": job_url(screen, job.id),
        "id": job.id,
        "status": str(job.status),
        "error": job.error or "",
        "attempts": job.attempts,
        "took": took.total_seconds() if took else None,
    }


def _local(moment: datetime) -> dict[str, Any]:
    return {"at": moment, "words": f"{moment:%a %Y-%m-%d %H:%M %Z}"}
