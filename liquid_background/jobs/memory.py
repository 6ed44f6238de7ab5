"""Jobs of one process in its memory: the moves that the store makes, for queues and doubles that need no store."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias

from liquid_background.errors import JobNotAllowed, JobNotFound
from liquid_background.job import Job, JobRecord, JobStatus, LogEntry, LogStatus, Outcome, Priority
from liquid_background.jobs import handover
from liquid_background.settings import Settings

KEPT: Final = 10_000
"""Ended jobs that are kept; beyond this many, those that ended first are forgotten."""

Records: TypeAlias = list[JobRecord]  # by this name, since MemoryJobs has a method `list`
_ENDED: Final = frozenset((JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED))
_ORDER: Final = tuple(Priority)


@dataclass(slots=True)
class _Kept:
    """One job and where it stands."""

    job: Job
    number: int  # in the order of sending
    due: float  # seconds since 1970
    created_at: datetime
    status: JobStatus = JobStatus.PENDING
    attempts: int = 0
    result: Any = None
    error: str | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None
    waits: tuple[float, ...] = field(default=())


class MemoryJobs:
    """Jobs in memory, safe to share between threads. They end with the process.

    Args:
        settings: give the waits of jobs that carry none, and the number of log entries that are kept.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.entries: list[LogEntry] = []
        self._jobs: dict[str, _Kept] = {}
        self._ended: dict[str, None] = {}  # ids in the order of their ends
        self._sent = 0
        self._lock = threading.RLock()

    # What applications ask, as of the store.

    def send(self, jobs: Sequence[Job], entries: Sequence[LogEntry] = ()) -> list[str]:
        """Take jobs and log entries; return the ids that had a record already, whose jobs are left as they are."""
        with self._lock:
            there = [job.id for job in jobs if job.id in self._jobs]
            for job in jobs:
                if job.id not in there:
                    self._take(job)
            self._note(entries)
            return there

    def _take(self, job: Job) -> None:
        now = time.time()
        due = now + job.delay * 60 if job.start_at is None else job.start_at
        waits = self.settings.waits(job.max_attempts) if job.waits is None else job.waits
        self._sent += 1
        self._jobs[job.id] = _Kept(job, self._sent, due, _now(), waits=waits)

    def get(self, job_id: str) -> JobRecord:
        """Return one job.

        Raises:
            JobNotFound: when there is none of that id.
        """
        with self._lock:
            return _record(self._find(job_id))

    def list(
        self,
        status: JobStatus | str | None = None,
        source_name: str | None = None,
        limit: int = 50,
        *,
        id_prefix: str = "",
    ) -> Records:
        """Return the newest jobs, of one status, of one source name, or whose ids begin so when given."""
        with self._lock:
            fitting = [
                _record(kept)
                for kept in reversed(self._jobs.values())
                if (status is None or kept.status == status)
                and source_name in (None, kept.job.source_name)
                and kept.job.id.startswith(id_prefix)
            ]
        return fitting[:limit]

    def cancel(self, job_id: str) -> JobRecord:
        """Take a job back that has not ended.

        Raises:
            JobNotFound: when there is none of that id.
            JobNotAllowed: when it has ended.
        """
        with self._lock:
            kept = self._find(job_id)
            if kept.status in _ENDED:
                raise JobNotAllowed(f"cannot cancel job {job_id}: it is {kept.status}")
            self._end(kept, JobStatus.CANCELLED)
            self._log(kept, LogStatus.CANCELLED, Outcome(), final=True)
            return _record(kept)

    def retry(self, job_id: str) -> JobRecord:
        """Start a new run of a failed or cancelled job, at attempt 1, now.

        Raises:
            JobNotFound: when there is none of that id.
            JobNotAllowed: when it is neither failed nor cancelled.
        """
        with self._lock:
            kept = self._find(job_id)
            if kept.status not in (JobStatus.FAILED, JobStatus.CANCELLED):
                raise JobNotAllowed(f"cannot retry job {job_id}: it is {kept.status}")
            self._ended.pop(job_id, None)
            kept.status, kept.attempts, kept.due = JobStatus.PENDING, 0, time.time()
            kept.error = kept.started_at = kept.completed_at = None
            return _record(kept)

    # What runs them asks.

    def next_id(self) -> str | None:
        """Return the id of the job whose turn comes next: by due time, then priority, then age; None without one."""
        with self._lock:
            now = time.time()
            waiting = [kept for kept in self._jobs.values() if kept.status is JobStatus.PENDING]
            turns = [(max(kept.due, now), _ORDER.index(kept.job.priority), kept.number, kept) for kept in waiting]
            return min(turns)[3].job.id if turns else None

    def start(self, job_id: str) -> tuple[Job, int] | None:
        """Start a job that waits; return it with the number of its attempt, None when it does not wait any more."""
        with self._lock:
            kept = self._jobs.get(job_id)
            if kept is None or kept.status is not JobStatus.PENDING:
                return None
            kept.status, kept.started_at = JobStatus.RUNNING, _now()
            kept.attempts += 1
            return kept.job, kept.attempts

    def finish(self, job_id: str, outcome: Outcome) -> float | None:
        """End an attempt; return the seconds until the next one, None when there is none."""
        with self._lock:
            kept = self._jobs.get(job_id)
            if kept is None or kept.status is not JobStatus.RUNNING:
                return None  # taken back meanwhile
            kept.error = outcome.error
            more = not outcome.succeeded and outcome.retry and kept.attempts < kept.job.max_attempts
            self._note(outcome.entries)
            self._log(kept, LogStatus.SUCCESS if outcome.succeeded else LogStatus.FAILED, outcome, final=not more)
            if more:
                wait = kept.waits[min(kept.attempts, len(kept.waits)) - 1] if kept.waits else 0.0
                kept.status, kept.due = JobStatus.PENDING, time.time() + wait
                return wait
            if outcome.succeeded:
                kept.result = handover.decode(outcome.result)
                self.send(outcome.jobs)
            self._end(kept, JobStatus.COMPLETED if outcome.succeeded else JobStatus.FAILED)
            return None

    def _find(self, job_id: str) -> _Kept:
        kept = self._jobs.get(job_id)
        if kept is None:
            raise JobNotFound(f"no job has the id {job_id!r}; it was never enqueued, or this process forgot it")
        return kept

    def _end(self, kept: _Kept, status: JobStatus) -> None:
        kept.status, kept.completed_at = status, _now()
        self._ended[kept.job.id] = None
        if len(self._ended) > KEPT:
            first = next(iter(self._ended))
            del self._ended[first], self._jobs[first]

    def _note(self, entries: Sequence[LogEntry]) -> None:
        self.entries += [replace(entry, time=_now()) for entry in entries]
        del self.entries[: -self.settings.log_limit]

    def _log(self, kept: _Kept, status: LogStatus, outcome: Outcome, *, final: bool) -> None:
        job = kept.job
        entry = LogEntry(
            job_id=job.id,
            source_name=job.source_name,
            template=job.template,
            line=job.line,
            attempt=kept.attempts,
            max_attempts=job.max_attempts,
            status=status,
            duration=outcome.duration,
            message=outcome.error or "",
            final=final,
        )
        self._note([entry])


def _record(kept: _Kept) -> JobRecord:
    job = kept.job
    return JobRecord(
        id=job.id,
        source_name=job.source_name,
        status=kept.status,
        priority=job.priority,
        delay=job.delay,
        max_attempts=job.max_attempts,
        attempts=kept.attempts,
        parameters=handover.decode_all(job.parameters),
        handed_over=handover.decode_all(job.handed_over),
        source=job.source or job.partial or job.function or "",
        template=job.template,
        line=job.line,
        result=kept.result,
        error=kept.error,
        created_at=kept.created_at,
        started_at=kept.started_at,
        completed_at=kept.completed_at,
    )


def _now() -> datetime:
    return datetime.now(UTC)
