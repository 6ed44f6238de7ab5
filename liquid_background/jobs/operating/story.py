"""All that is known of one job, as people are shown it: its attempts, source, log lines, traceback and family."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any, Final

from liquid_background.errors import JobNotFound
from liquid_background.job import JobRecord, JobStatus, LogEntry, LogStatus
from liquid_background.jobs import log
from liquid_background.jobs.contract import Jobs
from liquid_background.jobs.masking import hidden, shown, values_of
from liquid_background.jobs.pages import Page
from liquid_background.jobs.queue import keys
from liquid_background.jobs.queue.causes import FAILURE_ID
from liquid_background.jobs.queue.reading import text
from liquid_background.jobs.queue.waiting import Waiting, waiting
from liquid_background.jobs.store import Store

PATIENCE: Final = 1.0
"""Seconds that children are looked for, unless a caller has less."""
_CHILDREN: Final = 20  # that are shown
_ENTRIES: Final = 10_000  # of the log, the newest
_MARGIN: Final = timedelta(seconds=10)  # behind a job's end, as a clock may be that is not the store's
_FEW: Final = 500  # ids that are looked at whatever time that takes
_LONGEST: Final = 10**13  # milliseconds that an entry is believed to tell of
_LATEST: Final = datetime.max.replace(tzinfo=UTC) - _MARGIN  # a record may say any time
_PLACES: Final = re.compile(r"\(([^()]+)\)$")  # at the end of an error, as `explain` writes it, the innermost first
_PLACE: Final = re.compile(r"(?:[a-z ]+ from )?(\S+):(\d{1,9})")
_LONGEST_ID: Final = 100  # bytes of what should be the id of a failure group


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One attempt of a job, as the log has it."""

    number: int
    status: LogStatus | None  # None while it runs
    waited: float | None  # seconds before it; None where that is not known
    started: datetime | None
    ended: datetime | None
    duration: int  # milliseconds
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceLine:
    """A line of a job's body."""

    number: int  # in its template
    text: str
    raised: bool  # whether the job's error was raised there, or in what it includes


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """A job with what is known beside its record. Whatever masking hides is masked in all of it."""

    job: JobRecord
    wait: Waiting
    attempts: Sequence[Attempt]  # oldest first, of the runs before, too
    entries: Sequence[LogEntry]  # of the log: the ends of attempts and the lines that they logged, oldest first
    traceback: str
    failure: str  # id of the failure group of a failed job; empty when it is in none
    source: Sequence[SourceLine]
    parent: JobRecord | None  # None when there is none, it is a page render, or its record is gone
    children: Page  # the newest; its cursor says that there may be more

    @property
    def lines(self) -> Sequence[LogEntry]:
        """What the attempts logged."""
        return [entry for entry in self.entries if not entry.status]


def story(jobs: Jobs, store: Store, job_id: str, secret_names: Sequence[str], patience: float = PATIENCE) -> Story:
    """Return all that is known of a job.

    Args:
        jobs: of the store.
        store: where it is.
        job_id: its id.
        secret_names: parts of names whose values are masked.
        patience: seconds that its children are looked for.

    Raises:
        JobNotFound: when no record has that id.
        StoreUnavailable: when the store cannot be reached.
    """
    job = jobs.get(job_id)
    values = values_of(job)
    [wait] = waiting(store, [job])
    until = min(job.completed_at, _LATEST) + _MARGIN if job.completed_at else None
    found = log.entries(store.client, job_id=job.id, since=job.created_at, until=until, limit=_ENTRIES, site=store.site)
    entries = [replace(entry, message=hidden(entry.message, values, secret_names)) for entry in found]
    told = shown(job, secret_names)
    return Story(
        job=told,
        wait=wait,
        attempts=list(_attempts(told, entries)),
        entries=entries,
        traceback=hidden(jobs.traceback(job.id), values, secret_names),
        failure=_failure(store, job),
        source=_source(told),
        parent=_parent(jobs, job, secret_names),
        children=_children(jobs, job, secret_names, patience),
    )


def _failure(store: Store, job: JobRecord) -> str:
    if job.status is not JobStatus.FAILED:
        return ""
    client: Any = store.client
    found = text(client.hget(keys.job(job.id).encode("utf-8", "surrogateescape"), keys.FAILURE), _LONGEST_ID)
    return found if FAILURE_ID.fullmatch(found) else ""


def _attempts(job: JobRecord, entries: Sequence[LogEntry]) -> Iterator[Attempt]:
    before = job.created_at
    for entry in entries:
        if not entry.status:
            continue
        ran = timedelta(milliseconds=min(entry.duration, _LONGEST))
        started = entry.time - ran if entry.time else None
        yield Attempt(
            number=entry.attempt,
            status=entry.status,
            waited=_between(before, started),
            started=started,
            ended=entry.time,
            duration=entry.duration,
            error=entry.message,
        )
        before = entry.time
    if job.status is JobStatus.RUNNING:
        waited = _between(before, job.started_at)
        yield Attempt(
            number=job.attempts, status=None, waited=waited, started=job.started_at, ended=None, duration=0, error=""
        )


def _between(before: datetime | None, after: datetime | None) -> float | None:
    return max(0.0, (after - before).total_seconds()) if before and after else None


def raised_at(job: JobRecord) -> int | None:
    """Return the line of its template that raised a job's error, or included what raised it; None for none."""
    found = _PLACES.search(job.error or "")
    places = map(_PLACE.fullmatch, reversed(found[1].split(", "))) if found else ()
    return next((int(place[2]) for place in places if place and place[1] == job.template), None)


def source_line(job: JobRecord) -> str:
    """Return the line of a job's body that its error was raised at, or included what raised it; empty for none."""
    return next((line.text.strip() for line in _source(job) if line.raised), "")


def _source(job: JobRecord) -> Sequence[SourceLine]:
    if not job.source.strip():
        return []
    first = job.line + len(job.source) - len(job.source.lstrip("\n"))
    raised = raised_at(job)
    return [
        SourceLine(number=number, text=text, raised=number == raised)
        for number, text in enumerate(job.source.strip("\n").split("\n"), first)
    ]


def _parent(jobs: Jobs, job: JobRecord, secret_names: Sequence[str]) -> JobRecord | None:
    try:
        return shown(jobs.get(job.parent), secret_names) if job.parent else None
    except JobNotFound:
        return None


def _children(jobs: Jobs, job: JobRecord, secret_names: Sequence[str], patience: float) -> Page:
    """Return the newest jobs that a job made, as far as they are found in a moment."""
    if job.status is not JobStatus.COMPLETED:  # only a success sends them
        return Page()
    found, until = Page(), monotonic() + patience
    for page in jobs.pages(parent=job.id, since=job.started_at, limit=_CHILDREN):
        found = Page([*found, *(shown(child, secret_names) for child in page)], cursor=page.cursor)
        if page.of > _FEW and monotonic() > until:
            break
    return found
