"""The queue in this process's memory: jobs run on the event loop that enqueues them, and are lost when it ends."""

from __future__ import annotations

import asyncio
import inspect
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import update_wrapper
from typing import Any

from liquid_background.calling import call_async
from liquid_background.errors import DuplicateJob, JobNotAllowed, JobNotFound, JobRefused, NonRetryable
from liquid_background.job import JOB_ID, Job, JobStatus, Outcome
from liquid_background.jobs.handover import decode, decode_all
from liquid_background.jobs.memory import KEPT, MemoryJobs
from liquid_background.language.executor import plain_result
from liquid_background.language.syntax import explain
from liquid_background.language.tags import collecting
from liquid_background.python_jobs import BACKOFF, Function, JobQueue, JobResult, RetryPolicy, to_result
from liquid_background.python_jobs.building import build_call
from liquid_background.settings import load_settings

_PATIENCE = 1.0  # seconds that `cancel` gives a running job to stop before it returns


class InMemoryQueue(JobQueue):
    """Jobs of one process, lost on restart. Any function may be enqueued: none has to be found by its name.

    Async functions run on the event loop that enqueued them, others in threads, so that neither blocks it.

    Args:
        backoff: seconds before the first retry, doubled for each further one.
    """

    def __init__(self, *, backoff: float = BACKOFF) -> None:
        self._jobs = MemoryJobs(load_settings())
        self._backoff = RetryPolicy(initial_interval=backoff, backoff_factor=2).initial_interval
        self._running: dict[str, asyncio.Task[None]] = {}
        self._own_loop: asyncio.AbstractEventLoop | None = None
        self._lock = threading.Lock()

    async def enqueue(
        self,
        job_id: str,
        func: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        max_retries: int = 3,
    ) -> str:
        """Enqueue a call of a function; it starts when the loop next gets to it.

        Raises:
            DuplicateJob: when a job has that id.
            EnqueueError: when the arguments don't fit the function, or are not plain data.
        """
        job, function = self._take(job_id, func, args, kwargs, max_retries)
        self._start(job, function)
        return job_id

    def _take(
        self, job_id: str, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], max_retries: int
    ) -> tuple[Job, Function[..., Any]]:
        if not isinstance(job_id, str) or not JOB_ID.fullmatch(job_id):
            raise JobRefused(f"job id {str(job_id)[:120]!r} is not 1 to 100 letters, digits, - and _")
        waits = RetryPolicy(count=max_retries, initial_interval=self._backoff).waits()
        function = (
            func
            if isinstance(func, Function)
            else Function(_as_function(func), queue=lambda: self, max_retries=max_retries)
        )
        job = build_call(function, args, kwargs, {"id": job_id, "waits": waits, "max_attempts": len(waits) + 1})
        if self._jobs.send([job]):
            raise DuplicateJob(f"a job with the id {job_id!r} is there already")
        return job, function

    def _start(self, job: Job, function: Function[..., Any]) -> None:
        """Run a job on the loop of the caller."""
        task = asyncio.get_running_loop().create_task(self._run(job, function), name=f"job {job.id}")
        self._running[job.id] = task
        task.add_done_callback(lambda _: self._running.pop(job.id, None))

    async def _run(self, job: Job, function: Function[..., Any]) -> None:
        try:
            while self._jobs.start(job.id) is not None:
                with collecting(None):  # it is no part of the page that enqueued it
                    outcome = await _perform(job, function)
                wait = self._jobs.finish(job.id, outcome)
                if wait is None:
                    return
                await asyncio.sleep(wait)
        except asyncio.CancelledError:
            # Says nothing about a job that `cancel` has ended; another one loses its loop.
            self._jobs.finish(job.id, Outcome(error="the event loop that ran it has ended", retry=False))
            raise

    async def get_result(self, job_id: str) -> JobResult | None:
        """Return a job; None when there is none of that id."""
        try:
            return to_result(self._jobs.get(job_id), job_id)
        except JobNotFound:
            return None

    async def cancel(self, job_id: str) -> bool:
        """Take a job back; False when it is unknown or has ended.

        A running coroutine is cancelled where it awaits; a function in a thread runs on, and its result is dropped.
        """
        task = self._running.get(job_id)
        cancelled = self.cancel_sync(job_id)
        loop, current = asyncio.get_running_loop(), asyncio.current_task()
        if cancelled and task is not None and task is not current and task.get_loop() is loop:
            await asyncio.wait([task], timeout=_PATIENCE)
        return cancelled

    async def list_jobs(self, status: JobStatus | None = None) -> list[JobResult]:
        """Return the jobs, of one status when given, newest first."""
        return [to_result(record, record.id) for record in self._jobs.list(status, limit=KEPT)]

    # Code without an event loop gets one that runs in a thread for as long as the process lives.

    def enqueue_sync(
        self,
        job_id: str,
        func: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        max_retries: int = 3,
    ) -> str:
        """Enqueue a call of a function; it runs in a thread of this queue."""
        job, function = self._take(job_id, func, args, kwargs, max_retries)
        # Nothing here waits for that loop: a job that runs on it may be the caller.
        self._loop().call_soon_threadsafe(self._start, job, function)
        return job_id

    def cancel_sync(self, job_id: str) -> bool:
        """Do what `cancel` does, for code without an event loop; a running coroutine ends at its next `await`."""
        try:
            self._jobs.cancel(job_id)
            self._jobs.finish(job_id, Outcome(error="it was cancelled", retry=False))  # at once if it runs
            if self._jobs.get(job_id).status is not JobStatus.CANCELLED:
                return False  # it succeeded in between
        except (JobNotFound, JobNotAllowed):
            return False
        task = self._running.get(job_id)
        if task is not None:
            with suppress(RuntimeError):  # its loop has ended, and so has the task
                task.get_loop().call_soon_threadsafe(task.cancel)
        return True

    def _loop(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._own_loop is None:
                self._own_loop = asyncio.new_event_loop()
                threading.Thread(target=self._own_loop.run_forever, name="jobs in memory", daemon=True).start()
            return self._own_loop


def _as_function(func: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that does what a method, a partial or a callable object does."""
    if inspect.isfunction(func) or not callable(func):
        return func

    async def run(*args: Any, **kwargs: Any) -> Any:
        return await call_async(func, args, kwargs)

    update_wrapper(run, func, updated=())
    if not hasattr(func, "__qualname__"):
        run.__qualname__ = type(func).__qualname__
    return run


async def _perform(job: Job, function: Function[..., Any]) -> Outcome:
    """Return how one attempt ended; a job that was taken back ends in CancelledError."""
    started = time.monotonic()
    given = job.parameters
    error, retry, result = None, True, None
    try:
        result = plain_result(await call_async(function, decode(given["args"]), decode_all(given["kwargs"])))
    except (Exception, SystemExit, asyncio.CancelledError) as reason:
        task = asyncio.current_task()
        if isinstance(reason, asyncio.CancelledError) and task is not None and task.cancelling():
            raise
        error, retry = explain(reason), not isinstance(reason, NonRetryable)
    return Outcome(result=result, error=error, retry=retry, duration=round((time.monotonic() - started) * 1000))
