"""Queues of Python jobs as RapidAI's page has them, and the one over an engine's jobs."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Final, Literal, Protocol, TypeAlias

from liquid_background.calling import run_coroutine
from liquid_background.errors import JobNotAllowed, JobNotFound, JobRefused
from liquid_background.hooks import hooks_of
from liquid_background.job import JOB_ID, Job, JobStatus
from liquid_background.jobs.contract import Jobs
from liquid_background.python_jobs.results import JobResult, to_result
from liquid_background.python_jobs.retries import RetryPolicy

BACKOFF: Final = 2.0
"""Seconds before the first retry, doubled for each further one: 2, 4, 8, …"""
_LISTED: Final = 10_000  # newest jobs that a listing looks through

OnDuplicate: TypeAlias = Literal["error", "ignore"]


class JobQueue(ABC):
    """Where a decorated function's jobs go. A queue of your own implements the four coroutines."""

    @abstractmethod
    async def enqueue(
        self,
        job_id: str,
        func: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        max_retries: int = 3,
    ) -> str:
        """Enqueue a call of a function under an id, and return the id.

        Raises:
            DuplicateJob: when a job has that id.
            JobError: when the function or an argument cannot be a job's.
        """

    @abstractmethod
    async def get_result(self, job_id: str) -> JobResult | None:
        """Return a job; None when there is none of that id."""

    @abstractmethod
    async def cancel(self, job_id: str) -> bool:
        """Take a job back; False when it is unknown or has ended. One that runs is stopped at its next chance."""

    @abstractmethod
    async def list_jobs(self, status: JobStatus | None = None) -> list[JobResult]:
        """Return the jobs, of one status when given, newest first."""

    # The same for code without an event loop.

    def enqueue_sync(
        self,
        job_id: str,
        func: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        max_retries: int = 3,
    ) -> str:
        """Do what `enqueue` does, and wait for it."""
        return run_coroutine(self.enqueue(job_id, func, args, kwargs, max_retries))

    def get_result_sync(self, job_id: str) -> JobResult | None:
        """Do what `get_result` does, and wait for it."""
        return run_coroutine(self.get_result(job_id))

    def cancel_sync(self, job_id: str) -> bool:
        """Do what `cancel` does, and wait for it."""
        return run_coroutine(self.cancel(job_id))

    def list_jobs_sync(self, status: JobStatus | None = None) -> list[JobResult]:
        """Do what `list_jobs` does, and wait for it."""
        return run_coroutine(self.list_jobs(status))


class Sender(Protocol):
    """What Python jobs need of an engine."""

    @property
    def jobs(self) -> Jobs:
        """Return the jobs in the store."""

    def function_job(
        self, function: Any, args: Sequence[Any], kwargs: Mapping[str, Any], fields: Mapping[str, Any]
    ) -> Job:
        """Return the job of a call of a registered function."""

    def call_of(
        self, function: object, args: Sequence[Any], kwargs: Mapping[str, Any], options: Mapping[str, Any]
    ) -> tuple[Job, OnDuplicate]:
        """Return the job of a call with options of `enqueue`, and what it means when its id is taken."""

    def dispatch(self, jobs: Sequence[Job], on_duplicate: OnDuplicate) -> None:
        """Send jobs, or have the page or attempt that makes them send them."""

    def dispatch_each(self, jobs: Sequence[tuple[Job, OnDuplicate]], given: Collection[str]) -> None:
        """Do the same in one step for calls of which each says what happens when its id is taken."""

    def when_sent(self, tell: Callable[[], object]) -> None:
        """Call a function once what the caller has just enqueued is sent."""


class EngineQueue(JobQueue):
    """The queue over an engine's jobs.

    Args:
        engine: whose jobs they are; read by `--app module:queue` too.
        prefix: what sets this queue's ids and listings apart from others' in the same store; "" for none.
        backoff: seconds before the first retry, doubled for each further one.
    """

    def __init__(self, engine: Sender, *, prefix: str = "", backoff: float = BACKOFF) -> None:
        self.engine = engine
        self.prefix = prefix
        # Any text may be a prefix, ids are letters, digits, - and _: so the store's ids begin with its digest.
        self._scope = f"{hashlib.sha256(prefix.encode()).hexdigest()[:12]}-" if prefix else ""
        self._policy = RetryPolicy(initial_interval=backoff, backoff_factor=2)

    def enqueue_sync(
        self,
        job_id: str,
        func: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        max_retries: int = 3,
    ) -> str:
        """Enqueue a call of a registered function.

        Raises:
            EnqueueError: when a worker could not find the function, or an argument is not plain data.
            DuplicateJob: when a job has that id.
            StoreUnavailable: when the store cannot be reached or does not answer; see its `maybe_done`.
        """
        policy = RetryPolicy(
            count=max_retries,
            initial_interval=self._policy.initial_interval,
            backoff_factor=self._policy.backoff_factor,
        )
        waits = policy.waits()
        fields = {"id": self._stored(job_id), "waits": waits, "max_attempts": len(waits) + 1}
        self.engine.dispatch([self.engine.function_job(func, args, kwargs, fields)], "error")
        return job_id

    def get_result_sync(self, job_id: str) -> JobResult | None:
        """Return a job; None when no record has that id."""
        try:
            return to_result(self.engine.jobs.get(self._stored(job_id)), job_id)
        except (JobNotFound, JobRefused):
            return None

    def cancel_sync(self, job_id: str) -> bool:
        """Take a job back; False when it is unknown or has ended. One that runs is ended at its worker's next beat."""
        try:
            self.engine.jobs.cancel(self._stored(job_id))
        except (JobNotFound, JobNotAllowed, JobRefused):
            return False
        return True

    def list_jobs_sync(self, status: JobStatus | None = None) -> list[JobResult]:
        """Return this queue's jobs of Python functions, newest first."""
        records = self.engine.jobs.list(status, limit=_LISTED, id_prefix=self._scope)
        return [
            to_result(record, record.id.removeprefix(self._scope))
            for record in records
            if ":" in record.source and record.source == record.template  # the import path of a function
        ]

    def _stored(self, job_id: str) -> str:
        stored = f"{self._scope}{job_id}"
        if not (isinstance(job_id, str) and job_id and JOB_ID.fullmatch(stored)):
            most = 100 - len(self._scope)
            raise JobRefused(f"job id {str(job_id)[:120]!r} is not 1 to {most} letters, digits, - and _")
        return stored

    async def enqueue(
        self,
        job_id: str,
        func: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        max_retries: int = 3,
    ) -> str:
        """Do what `enqueue_sync` does, without holding up the event loop."""
        return await hooks_of(self.engine).beside(self.enqueue_sync, job_id, func, args, kwargs, max_retries)

    async def get_result(self, job_id: str) -> JobResult | None:
        """Do what `get_result_sync` does, without holding up the event loop."""
        return await hooks_of(self.engine).threads.run(self.get_result_sync, job_id)

    async def cancel(self, job_id: str) -> bool:
        """Do what `cancel_sync` does, without holding up the event loop."""
        return await hooks_of(self.engine).threads.run(self.cancel_sync, job_id)

    async def list_jobs(self, status: JobStatus | None = None) -> list[JobResult]:
        """Do what `list_jobs_sync` does, without holding up the event loop."""
        return await hooks_of(self.engine).threads.run(self.list_jobs_sync, status)
