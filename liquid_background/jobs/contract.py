"""What an engine asks of the store of its jobs, and what every such store answers alike."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Final, Protocol, TypeAlias, assert_never

from liquid_background.errors import JobNotAllowed, JobNotFound
from liquid_background.job import Job, JobRecord, JobStatus, LogEntry, LogStatus

Ids: TypeAlias = list[str]
Records: TypeAlias = list[JobRecord]  # by these names, since what asks for them has a method `list`

APPLICATION: Final = "application"
"""Whom the audit names for what an application does by itself."""


class Jobs(Protocol):
    """The jobs of a store: what `Engine.jobs` is, whatever it stands on."""

    def send(self, jobs: Sequence[Job], entries: Sequence[LogEntry] = ()) -> Ids:
        """Take jobs and log entries, all or nothing; return the ids that had a record, whose jobs are left as is."""

    def get(self, job_id: str) -> JobRecord:
        """Return one job, or raise JobNotFound."""

    def list(
        self,
        status: JobStatus | str | None = None,
        source_name: str | None = None,
        limit: int = 50,
        *,
        id_prefix: str = "",
    ) -> Records:
        """Return the newest jobs, of one status, of one source name, or whose ids begin so when given."""

    def retry(self, job_id: str, *, by: str = APPLICATION) -> JobRecord:
        """Start a new run of a failed or cancelled job, or raise JobNotFound or JobNotAllowed."""

    def cancel(self, job_id: str, *, by: str = APPLICATION) -> JobRecord:
        """Take back a job that has not ended, or raise JobNotFound or JobNotAllowed."""

    def counts(self) -> Sequence[QueueCounts]:
        """Return the counts of each queue, highest priority first."""


class Log(Protocol):
    """The job log of a store: what `Engine.log` is, whatever it stands on."""

    def entries(
        self,
        source_name: str | None = None,
        limit: int = 100,
        *,
        status: LogStatus | str | None = None,
        type: str | None = None,
        since: datetime | None = None,
    ) -> list[LogEntry]:
        """Return the newest entries that match, oldest first."""

    def follow(
        self,
        source_name: str | None = None,
        *,
        status: LogStatus | str | None = None,
        type: str | None = None,
        after: str | None = None,
    ) -> Iterator[LogEntry]:
        """Yield entries as they are written, for ever: from behind the entry id `after`, or from now."""


@dataclass(frozen=True, slots=True)
class JobStore:
    """Where an engine's jobs are, and the log of what became of them: the place that a double takes."""

    jobs: Jobs
    log: Log


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueCounts:
    """How many jobs of one queue are in each state. Each status of jobs that have ended has its field."""

    name: str
    queued: int  # in the queue, or parked in their group
    scheduled: int
    running: int
    completed: int
    failed: int
    cancelled: int
    workers: int


ENDED: Final = tuple(status for status in JobStatus if status.has_ended)
COUNTED: Final = tuple(field.name for field in fields(QueueCounts) if field.name not in ("name", "workers"))
"""The fields of counts that are numbers of jobs, in their order."""


def wanted(status: JobStatus | str | None, limit: int) -> tuple[JobStatus, ...]:
    """Return the statuses that a listing of at most so many jobs is asked for.

    Raises:
        ValueError: when there is no such status, or no such number.
    """
    if limit < 0:
        raise ValueError(f"a list of at most {limit} jobs: give a limit from 0")
    if not status:
        return tuple(JobStatus)
    if status not in tuple(JobStatus):
        raise ValueError(f"no job has the status {str(status)[:120]!r}: give one of {', '.join(JobStatus)}, or none")
    return (JobStatus(status),)


def states_of(status: JobStatus) -> tuple[str, ...]:
    """Return where the ids of jobs of a status stand, in RQ's words; what is claimed is a word of ours."""
    match status:
        case JobStatus.PENDING:
            return ("queued", "scheduled", "deferred", "claimed")
        case JobStatus.RUNNING:
            return ("started",)
        case JobStatus.COMPLETED:
            return ("finished",)
        case JobStatus.FAILED:
            return ("failed",)
        case JobStatus.CANCELLED:
            return ("canceled",)
        case _:
            assert_never(status)


def not_found(job_id: str) -> JobNotFound:
    """Return the error that says that there is no such job."""
    return JobNotFound(f"no job has the id {job_id[:120]!r}; it was never enqueued, or its record has expired")


def not_allowed(move: str, job_id: str, status: JobStatus) -> JobNotAllowed:
    """Return the error that says that a job is not where it can be moved so."""
    return JobNotAllowed(f"cannot {move} job {job_id}: it is {status}")
