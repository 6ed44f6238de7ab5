"""What became of a Python job, in RapidAI's words."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from liquid_background.job import JobRecord, JobStatus


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass
class JobResult:
    """A job as it was when it was asked for. Times are aware, in UTC."""

    job_id: str
    status: JobStatus
    result: Any = None  # what the function returned, once completed
    error: str | None = None  # one line: why the last attempt failed
    created_at: datetime = field(default_factory=_now)
    started_at: datetime | None = None  # of the last attempt
    completed_at: datetime | None = None
    attempts: int = 0
    max_retries: int = 3  # runs after the first

    @property
    def duration(self) -> float | None:
        """Seconds from the start (or, when it never started, from its creation) to the end; None before the end."""
        if self.completed_at is None:
            return None
        return (self.completed_at - (self.started_at or self.created_at)).total_seconds()

    @property
    def is_done(self) -> bool:
        """Whether the job is completed, failed or cancelled."""
        return self.status.has_ended


def to_result(record: JobRecord, job_id: str) -> JobResult:
    """Return a job read back from a store as a result, under the id that its caller knows."""
    return JobResult(
        job_id=job_id,
        status=record.status,
        result=record.result,
        error=record.error,
        created_at=record.created_at or _now(),
        started_at=record.started_at,
        completed_at=record.completed_at,
        attempts=record.attempts,
        max_retries=record.max_attempts - 1,
    )
