"""One job: its attempts, source, values, log and family."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from liquid_background.errors import JobNotFound
from liquid_background.job import JobRecord, JobStatus, LogEntry
from liquid_background.jobs.handover import encode
from liquid_background.jobs.operating.operation import Kind
from liquid_background.jobs.operating.story import Attempt, SourceLine, Story
from liquid_background.screens.linking import job_url, jobs_url, short
from liquid_background.screens.looking import Moment
from liquid_background.screens.messages import Fields, Refused, ScreenAnswer
from liquid_background.screens.rendering import Exact
from liquid_background.screens.rows import place_of, values_of, waits_for
from liquid_background.screens.screen import Screen

_LOOKING: Final = 0.1  # seconds that its children are looked for
_ROWS: Final = 200  # lines of a source, a traceback, a log or an output that are shown
_WIDTH: Final = 100.0  # of the timeline
_THINNEST: Final = 0.6


def show(screen: Screen) -> ScreenAnswer:
    """Show it; one whose id is shortened leads to the whole one."""
    given = screen.request.segments[1]
    job_id = _whole_id(screen, given)
    if job_id != given:
        query = screen.request.query
        return ScreenAnswer(status=302, headers=(("location", screen.url("jobs", job_id, query=query)),))
    story = screen.engine.story(job_id, patience=_LOOKING)
    job = story.job
    return screen.page(
        "job",
        f"{job.source_name or 'job'} {job.status}, job {short(job.id)}",
        heading=job.source_name or "Job",
        job=_facts(screen, story),
        worker=_worker(screen, job),
        workers_url=Exact(screen.url("workers")),
        url=job_url(screen, job.id),
        acts=[str(kind) for kind in _acts(job.status) if screen.request.visitor.may(kind)],
        can_edit=_may_edit(screen, job),
        can_preview=screen.request.visitor.may(Kind.RETRY),
        attempts=_timeline(story),
        source=_window(story.source),
        values=values_of(job.parameters, job.handed_over),
        log=[_logged(entry) for entry in story.lines[-_ROWS:]],
        log_before=max(0, len(story.lines) - _ROWS),
        log_url=Exact(screen.url("logs", query=Fields().but(source_name=job.source_name))),
        output=_output(job),
        traceback=_end(story.traceback.strip("\n")),
        children=[_relative(screen, child) for child in story.children],
        has_more_children=bool(story.children.cursor),
        children_url=jobs_url(screen, parent=job.id),
    )


def _whole_id(screen: Screen, given: str) -> str:
    """Return the id that is given whole or by its beginning, which is looked for for a moment.

    Raises:
        Refused: when there is none, there are several, or it was not found by then.
    """
    jobs = screen.engine.jobs
    try:
        return jobs.get(given).id
    except JobNotFound as error:
        found = Moment().page(jobs.pages(id_prefix=given, limit=2), None)
        if len(found) == 1 and not found.cursor:
            return found[0].id
        several = f"several jobs have ids that begin with {given[:120]!r}: give more of it"
        raise Refused(404, several if len(found) > 1 else str(error)) from error


def _acts(status: JobStatus) -> Sequence[Kind]:
    if status.may_be_retried:
        return (Kind.RETRY, Kind.DELETE)
    if status.has_ended:
        return (Kind.DELETE,)
    return (Kind.CANCEL,) if status is JobStatus.RUNNING else (Kind.CANCEL, Kind.DELETE)


def _may_edit(screen: Screen, job: JobRecord) -> bool:
    return job.status.has_ended and screen.request.visitor.may("edit") and bool(job.parameters or job.handed_over)


def _facts(screen: Screen, story: Story) -> dict[str, Any]:
    job, wait = story.job, story.wait
    return {
        "id": Exact(job.id),
        "status": str(job.status),
        "error": job.error or "",
        "failure_url": Exact(screen.url("failures", story.failure)) if story.failure else None,
        "place": place_of(job),
        "template_url": jobs_url(screen, template=job.template),
        "name_url": jobs_url(screen, source_name=job.source_name),
        "queue": job.priority,
        "queue_url": jobs_url(screen, queue=job.priority),
        "group": wait.group or "",
        "group_url": jobs_url(screen, group=wait.group or ""),
        "group_limit": wait.max_concurrency,
        "waits_for": str(wait.pause) if wait.pause else waits_for(wait),
        "due": wait.due_at,
        "delay": f"{job.delay:g} minutes" if job.delay else "",
        "attempts": job.attempts,
        "max_attempts": job.max_attempts,
        "created": job.created_at,
        "started": job.started_at,
        "ended": job.completed_at,
        "parent": job.parent,
        "parent_name": story.parent.source_name if story.parent else "",
        "parent_url": job_url(screen, job.parent) if story.parent else None,
        "siblings_url": jobs_url(screen, parent=job.parent),
        "edited_from": job.edited_from,
        "edited_from_url": job_url(screen, job.edited_from) if job.edited_from else None,
    }


def _worker(screen: Screen, job: JobRecord) -> str:
    """Return the name of the worker that runs a job; empty of one that does not run, or where none says so."""
    if job.status is not JobStatus.RUNNING:
        return ""
    return next((each.name for each in screen.engine.overview().workers if job.id in each.job_ids), "")


def _timeline(story: Story) -> list[dict[str, Any]]:
    """Return the attempts, each with where its waiting and its running stand on one line of time."""
    now = datetime.now(UTC)
    begin = story.job.created_at
    end = max((each.ended or now for each in story.attempts), default=now)
    whole = (end - begin).total_seconds() if begin and end > begin else 0.0

    def at(time: datetime | None) -> float:
        return _WIDTH * min(1.0, max(0.0, (time - begin).total_seconds() / whole)) if time and begin and whole else 0.0

    shown, before = [], begin
    for each in story.attempts[-_ROWS:]:
        ended = each.ended or now
        left, start, stop = at(before), at(each.started), at(ended)
        width = max(_THINNEST, stop - start)
        bar = {"left": left, "waited": max(0.0, start - left), "start": min(start, _WIDTH - width), "ran": width}
        shown.append({**_attempt(each, now), "bar": {name: round(value, 2) for name, value in bar.items()}})
        before = ended
    return shown


def _attempt(each: Attempt, now: datetime) -> dict[str, Any]:
    ran = each.duration / 1000 if each.ended else (now - each.started).total_seconds() if each.started else None
    return {
        "number": each.number,
        "status": str(each.status or "RUNNING"),
        "state": str(each.status.job_status if each.status else JobStatus.RUNNING),
        "waited": each.waited,
        "ran": ran,
        "ended": each.ended,
        "error": each.error,
    }


def _window(lines: Sequence[SourceLine]) -> dict[str, Any]:
    """Return a body's lines, of a long one those around the line that raised."""
    raised = next((at for at, line in enumerate(lines) if line.raised), 0)
    first = max(0, min(raised - _ROWS // 2, len(lines) - _ROWS))
    part = lines[first : first + _ROWS]
    return {
        "before": first,
        "lines": [{"number": line.number, "text": line.text, "raised": line.raised} for line in part],
        "behind": len(lines) - first - len(part),
    }


def _logged(entry: LogEntry) -> dict[str, Any]:
    return {"time": entry.time, "type": entry.type, "message": entry.message}


def _output(job: JobRecord) -> dict[str, Any] | None:
    """Return what a job printed, or its function returned; None for nothing."""
    if job.result is None:
        return None
    text = job.result if isinstance(job.result, str) else json.dumps(encode(job.result), ensure_ascii=False, indent=2)
    lines = text.strip("\n").split("\n") if text.strip() else []
    return {"lines": lines[:_ROWS], "behind": max(0, len(lines) - _ROWS)}


def _end(text: str) -> dict[str, Any] | None:
    lines = text.split("\n") if text else []
    return {"before": max(0, len(lines) - _ROWS), "lines": lines[-_ROWS:]} if lines else None


def _relative(screen: Screen, job: JobRecord) -> dict[str, Any]:
    return {
        "url": job_url(screen, job.id),
        "source_name": job.source_name or short(job.id),
        "status": str(job.status),
        "place": place_of(job),
        "time": job.created_at,
    }
