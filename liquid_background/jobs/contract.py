"""What an engine asks of the store of its jobs, and what every such store answers alike."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Final, Protocol, TypeAlias, Unpack, assert_never

from liquid_background.errors import JobNotAllowed, JobNotFound
from liquid_background.job import Job, JobRecord, JobStatus, LogEntry, LogStatus
from liquid_background.jobs.filter import Filter
from liquid_background.jobs.pages import Conditions, Count, Page

Ids: TypeAlias = list[str]
Records: TypeAlias = list[JobRecord]  # by these names, since what asks for them has a method `list`
Given: TypeAlias = Filter | JobStatus | str | None
"""What a call is given for a filter; a status stands for the filter of that alone."""

APPLICATION: Final = "application"
"""Whom the audit names for what an application does by itself."""


class Jobs(Protocol):
    """The jobs of a store: what `Engine.jobs` is, whatever it stands on."""

    def send(self, jobs: Sequence[Job], entries: Sequence[LogEntry] = ()) -> Ids:
        """Take jobs and log entries, all or nothing; return the ids that had a record, whose jobs are left as is."""

    def get(self, job_id: str) -> JobRecord:
        """Return one job, or raise JobNotFound."""

    def resolve(self, beginning: str) -> str:
        """Return the id that begins so, or raise JobNotFound: when there is none, or there are several."""

    def list(
        self,
        filter: Given = None,
        source_name: str | None = None,
        limit: int = 50,
        *,
        after: str | None = None,
        **conditions: Unpack[Conditions],
    ) -> Page:
        """Return the newest jobs that a filter means, or such of that status and so on; `after` is a page's cursor."""

    def pages(
        self,
        filter: Given = None,
        source_name: str | None = None,
        limit: int = 50,
        *,
        after: str | None = None,
        **conditions: Unpack[Conditions],
    ) -> Iterator[Page]:
        """Yield what `list` returns in parts, as it is found: some are empty, and say how much was looked at."""

    def find(
        self,
        filter: Given = None,
        source_name: str | None = None,
        **conditions: Unpack[Conditions],
    ) -> Iterator[JobRecord]:
        """Yield all jobs that a filter means, from place to place, as they are found."""

    def count(
        self,
        filter: Given = None,
        source_name: str | None = None,
        **conditions: Unpack[Conditions],
    ) -> int:
        """Return how many jobs a filter means."""

    def counting(
        self,
        filter: Given = None,
        source_name: str | None = None,
        **conditions: Unpack[Conditions],
    ) -> Iterator[Count]:
        """Yield how many jobs a filter means as far as it is known; the last one is what `count` returns."""

    def traceback(self, job_id: str) -> str:
        """Return the traceback of the attempt that a job failed with, or raise JobNotFound; empty when it has none."""

    def retry(self, job_id: str, *, set: Mapping[str, Any] | None = None, by: str = APPLICATION) -> JobRecord:
        """Start a new run of a failed or cancelled job, or of a new job with other values; or raise a JobError."""

    def cancel(self, job_id: str, *, by: str = APPLICATION) -> JobRecord:
        """Take back a job that has not ended, or raise JobNotFound or JobNotAllowed."""

    def delete(self, job_id: str, *, by: str = APPLICATION) -> None:
        """Delete a job that does not run, with its results, or raise JobNotFound or JobNotAllowed."""

    def counts(self) -> Sequence[QueueCounts]:
        """Return the counts of each queue, highest priority first."""

    # Each without holding up the event loop, in a thread that has the caller's context variables.

    async def send_async(self, jobs: Sequence[Job], entries: Sequence[LogEntry] = ()) -> Ids:
        """Do what `send` does."""

    async def get_async(self, job_id: str) -> JobRecord:
        """Do what `get` does."""

    async def resolve_async(self, beginning: str) -> str:
        """Do what `resolve` does."""

    async def list_async(
        self,
        filter: Given = None,
        source_name: str | None = None,
        limit: int = 50,
        *,
        after: str | None = None,
        **conditions: Unpack[Conditions],
    ) -> Page:
        """Do what `list` does."""

    def pages_async(
        self,
        filter: Given = None,
        source_name: str | None = None,
        limit: int = 50,
        *,
        after: str | None = None,
        **conditions: Unpack[Conditions],
    ) -> AsyncIterator[Page]:
        """Do what `pages` does."""

    def find_async(
        self, filter: Given = None, source_name: str | None = None, **conditions: Unpack[Conditions]
    ) -> AsyncIterator[JobRecord]:
        """Do what `find` does."""

    async def count_async(
        self, filter: Given = None, source_name: str | None = None, **conditions: Unpack[Conditions]
    ) -> int:
        """Do what `count` does."""

    def counting_async(
        self, filter: Given = None, source_name: str | None = None, **conditions: Unpack[Conditions]
    ) -> AsyncIterator[Count]:
        """Do what `counting` does."""

    async def traceback_async(self, job_id: str) -> str:
        """Do what `traceback` does."""

    async def retry_async(
        self, job_id: str, *, set: Mapping[str, Any] | None = None, by: str = APPLICATION
    ) -> JobRecord:
        """Do what `retry` does."""

    async def cancel_async(self, job_id: str, *, by: str = APPLICATION) -> JobRecord:
        """Do what `cancel` does."""

    async def delete_async(self, job_id: str, *, by: str = APPLICATION) -> None:
        """Do what `delete` does."""

    async def counts_async(self) -> Sequence[QueueCounts]:
        """Do what `counts` does."""


class Reading(Protocol):
    """What has come to a log since it was last asked."""

    def read(self) -> list[LogEntry]:
        """Return the entries that have come since the last read, oldest first."""


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
        before: str | None = None,
    ) -> list[LogEntry]:
        """Return the newest entries that match, oldest first: of those before the entry id `before`, if given."""

    def follow(
        self,
        source_name: str | None = None,
        *,
        status: LogStatus | str | None = None,
        type: str | None = None,
        after: str | None = None,
    ) -> Iterator[LogEntry]:
        """Yield entries as they are written, for ever: from behind the entry id `after`, or from now."""

    def reader(
        self,
        source_name: str | None = None,
        *,
        status: LogStatus | str | None = None,
        type: str | None = None,
        after: str | None = None,
    ) -> Reading:
        """Return what follows the log as `follow` does, and gives at each call what there is by then."""


@dataclass(frozen=True, slots=True)
class JobStore:
    """Where an engine's jobs are, and the log of what became of them: the place that a double takes."""

    jobs: Jobs
    log: Log


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueCounts:
    """How many jobs of one queue are in each state. Each status of jobs that have ended has its field."""

    name: str
    queued: int  # in the queue, parked in their group, or held by a pause
    scheduled: int
    running: int
    completed: int
    failed: int
    cancelled: int
    workers: int


_NAMED: Final = 5  # ids of which one may be meant

ENDED: Final = tuple(status for status in JobStatus if status.has_ended)
COUNTED: Final = tuple(field.name for field in fields(QueueCounts) if field.name not in ("name", "workers"))
"""The fields of counts that are numbers of jobs, in their order."""


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


def ambiguous(beginning: str, ids: Sequence[str]) -> JobNotFound:
    """Return the error that says that several ids begin so, and names a few."""
    named = ", ".join(ids[:_NAMED]) + (" …" if ids[_NAMED:] else "")
    return JobNotFound(f"several jobs have ids that begin with {beginning[:120]!r}: {named}")


def not_allowed(move: str, job_id: str, status: JobStatus) -> JobNotAllowed:
    """Return the error that says that a job is not where it can be moved so."""
    return JobNotAllowed(f"cannot {move} job {job_id}: it is {status}")
