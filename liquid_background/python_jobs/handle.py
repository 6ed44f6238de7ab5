"""A handle on one job: wait for its result, look at it, take it back."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from typing import Any, Final, assert_never

from liquid_background.errors import EnqueueError, JobCancelled, JobFailed, JobNotAllowed, JobNotFound, ResultTimeout
from liquid_background.hooks import hooks_of
from liquid_background.job import JobRecord, JobStatus
from liquid_background.python_jobs.queues import Sender

_PAUSES: Final = (0.01, 0.02, 0.05, 0.1, 0.2)  # seconds between two looks at the job; the last one repeats


class Handle:
    """One job, by its id.

    Args:
        engine: whose job it is.
        id: the job's id.
        collected: whether it is sent only when the page or attempt that made it succeeds.
    """

    def __init__(self, engine: Sender, id: str, *, collected: bool = False) -> None:
        self.id = id
        self._engine = engine
        self._collected = collected

    def __repr__(self) -> str:
        return f"Handle({self.id!r})"

    def job(self) -> JobRecord:
        """Return the job as it is now.

        Raises:
            JobNotFound: when its record has expired, or is not sent yet.
        """
        return self._engine.jobs.get(self.id)

    def result(self, timeout: float | None = None) -> Any:
        """Wait for the job to end, and return what its function returned or its partial printed.

        Args:
            timeout: seconds to wait; None for as long as it takes.

        Raises:
            JobFailed: when it failed, with its error line.
            JobCancelled: when it was taken back.
            ResultTimeout: when it has not ended in time.
            JobNotFound: when its record has expired.
        """
        for pause in self._pauses(timeout):
            job = self.job()
            if self._has_ended(job):
                return job.result
            time.sleep(pause)
        raise AssertionError("the pauses end in an error")

    async def result_async(self, timeout: float | None = None) -> Any:
        """Do what `result` does, without holding up the event loop."""
        for pause in self._pauses(timeout):
            job = await hooks_of(self._engine).threads.run(self.job)
            if self._has_ended(job):
                return job.result
            await asyncio.sleep(pause)
        raise AssertionError("the pauses end in an error")

    def _pauses(self, timeout: float | None) -> Iterator[float]:
        if self._collected:
            raise EnqueueError(
                f"job {self.id} is sent when the job or page that made it succeeds, so neither can wait for it"
            )
        until = None if timeout is None else time.monotonic() + timeout
        number = 0
        while True:
            pause = _PAUSES[min(number, len(_PAUSES) - 1)]
            yield pause if until is None else max(0.0, min(pause, until - time.monotonic()))
            if until is not None and time.monotonic() >= until:
                raise ResultTimeout(f"job {self.id} has not ended within {timeout:g} s; it goes on")
            number += 1

    def _has_ended(self, job: JobRecord) -> bool:
        named, why = f"job {self.id} ({job.source_name})", job.error or "its record does not say why"
        match job.status:
            case JobStatus.PENDING | JobStatus.RUNNING:
                return False
            case JobStatus.COMPLETED:
                return True
            case JobStatus.FAILED:
                raise JobFailed(f"{named} failed: {why}")
            case JobStatus.CANCELLED:
                raise JobCancelled(f"{named} was cancelled")
            case _:
                assert_never(job.status)

    def cancel(self) -> bool:
        """Take the job back; False when it has ended. One that runs is stopped at its next chance.

        Raises:
            EnqueueError: when it is not sent yet.
        """
        try:
            self._engine.jobs.cancel(self.id)
        except JobNotAllowed:
            return False
        except JobNotFound:
            if self._collected:
                raise EnqueueError(
                    f"job {self.id} is sent when the job or page that made it succeeds; "
                    "until then it cannot be taken back"
                ) from None
            return False
        return True

    async def cancel_async(self) -> bool:
        """Do what `cancel` does, without holding up the event loop."""
        return await hooks_of(self._engine).threads.run(self.cancel)
