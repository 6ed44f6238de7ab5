"""A double of an engine's jobs for applications' own tests: no store, no worker, jobs run when the test says so."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from liquid_background.hooks import Attempt, hooks_of
from liquid_background.job import Job, JobRecord, JobStatus, LogEntry, Outcome, Performer
from liquid_background.jobs.contract import JobStore
from liquid_background.jobs.memory import MemoryJobs
from liquid_background.jobs.queue.payload import decode_payload, encode_data
from liquid_background.settings import Settings

__all__ = ["FakeJobs", "fake_jobs"]


class EngineLike(Performer, Protocol):
    """What the double needs of an engine."""

    settings: Settings
    job_store: JobStore | None  # where its jobs and their log are; None: in the store of the settings


class FakeJobs(MemoryJobs):
    """Stands in for `engine.jobs`: what was enqueued can be looked at, and run in this process. `log` is their log.

    Jobs travel as they do to a worker: a value that could not is refused, a function sees copies. Delays and waits are
    skipped, time limits and groups are not kept.

    Args:
        engine: performs the jobs.
        inline: whether each job runs at once when it is enqueued, with all its retries.
    """

    def __init__(self, engine: EngineLike, *, inline: bool = False) -> None:
        super().__init__(engine.settings)
        self.inline = inline
        self._engine = engine
        self._runs = False

    def send(self, jobs: Sequence[Job], entries: Sequence[LogEntry] = ()) -> list[str]:
        """Take jobs and log entries; return the ids that had a record already."""
        there = super().send(jobs, entries)
        if self.inline and not self._runs:
            self.run_all()
        return there

    @property
    def enqueued(self) -> list[JobRecord]:
        """Every job, oldest first, whatever became of it."""
        return self.records()

    @property
    def waiting(self) -> list[JobRecord]:
        """The jobs that wait for their first attempt or for a retry, oldest first."""
        return [record for record in self.records() if record.status is JobStatus.PENDING]

    @property
    def entries(self) -> list[LogEntry]:
        """All of the job log, oldest first."""
        return self.log.entries(limit=self.settings.log_limit)

    @property
    def messages(self) -> list[str]:
        """What templates have logged, oldest first; `entries` has all of the job log."""
        return [entry.message for entry in self.entries if entry.status is None]

    def run_next(self) -> JobRecord | None:
        """Run one attempt of the job whose turn it is, without waiting for its time; None when none waits."""
        job_id = self.next_id()
        return None if job_id is None else self.run(job_id)

    def run(self, job_id: str) -> JobRecord:
        """Run one attempt of a job, and return the job as it is then.

        Raises:
            JobNotFound: when there is none of that id.
        """
        started = self.start(job_id)
        if started is not None:
            job, attempt = started
            self._runs = True
            try:
                self.finish(job_id, self._perform(job, attempt))
            finally:
                self._runs = False
        return self.get(job_id)

    def _perform(self, job: Job, attempt: int) -> Outcome:
        payload = decode_payload(encode_data(job))
        outcome = self._engine.perform(job.id, payload, attempt, job.max_attempts)
        hooks_of(self._engine).failed(Attempt.of(job.id, payload, attempt, job.max_attempts), outcome)
        return outcome

    def run_all(self, most: int = 10_000) -> list[JobRecord]:
        """Run attempts until no job waits, not even one that they made; return the jobs that ran, in order.

        Args:
            most: attempts; jobs that need more are taken to enqueue each other for ever.

        Raises:
            AssertionError: when jobs still wait after so many.
        """
        ran: dict[str, None] = {}
        for _ in range(most):
            record = self.run_next()
            if record is None:
                return [self.get(job_id) for job_id in ran]
            ran[record.id] = None
        raise AssertionError(f"jobs still wait after {most:,} attempts: do they enqueue each other?")


@contextmanager
def fake_jobs(engine: EngineLike, *, inline: bool = False) -> Iterator[FakeJobs]:
    """Put a double in the place of an engine's jobs and of their log for a while.

    Args:
        engine: the application's own; of functions that name no queue, `default_queue().engine`.
        inline: whether each job runs at once when it is enqueued.
    """
    fake = FakeJobs(engine, inline=inline)
    before, engine.job_store = engine.job_store, JobStore(fake, fake.log)
    try:
        yield fake
    finally:
        engine.job_store = before
