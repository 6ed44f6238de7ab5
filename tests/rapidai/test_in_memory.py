"""InMemoryQueue: jobs of this process, on its own loop and in threads."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from liquid_background import NonRetryable
from liquid_background.jobs import memory
from liquid_background.rapidai import InMemoryQueue, JobError, JobQueue, JobResult, JobStatus, background

pytestmark = pytest.mark.anyio


@pytest.fixture
def queue() -> InMemoryQueue:
    return InMemoryQueue(backoff=0.01)


async def _end(queue: JobQueue, job_id: str) -> JobResult:
    async with asyncio.timeout(10):
        while True:
            result = await queue.get_result(job_id)
            assert result is not None
            if result.is_done:
                return result
            await asyncio.sleep(0.005)


async def test_a_job_runs_and_its_result_is_kept(queue: InMemoryQueue) -> None:
    @background(queue=queue)
    async def double(value: int, *, plus: int = 0) -> dict[str, int]:
        return {"doubled": value * 2 + plus}

    job_id = await double.enqueue(4, plus=1)
    waiting = await double.get_result(job_id)
    assert waiting is not None
    assert (waiting.status, waiting.attempts, waiting.duration, waiting.is_done) == (JobStatus.PENDING, 0, None, False)
    result = await _end(queue, job_id)
    assert (result.job_id, result.status, result.result, result.error) == (job_id, "completed", {"doubled": 9}, None)
    assert (result.attempts, result.max_retries) == (1, 3)
    assert result.started_at is not None
    assert result.completed_at is not None
    assert result.created_at <= result.started_at <= result.completed_at
    assert result.created_at.utcoffset() is not None
    assert result.duration == (result.completed_at - result.started_at).total_seconds()
    assert await double(1) == {"doubled": 2}


async def test_retries_count_the_runs_after_the_first_and_wait_twice_as_long_each(queue: InMemoryQueue) -> None:
    runs: list[float] = []

    @background(max_retries=3, queue=queue)
    async def fails() -> None:
        runs.append(time.monotonic())
        raise ValueError("no luck")

    result = await _end(queue, await fails.enqueue())
    assert (result.status, result.error, result.attempts) == (JobStatus.FAILED, "ValueError: no luck", 4)
    waits = [after - before for before, after in pairwise(runs)]
    assert [wait >= least for wait, least in zip(waits, (0.01, 0.02, 0.04), strict=True)] == [True] * 3


async def test_backoff_is_2_4_8_seconds_by_default() -> None:
    queue = InMemoryQueue()
    await queue.enqueue("j", _nothing, (), {}, max_retries=3)
    assert queue._jobs._jobs["j"].waits == (2.0, 4.0, 8.0)


async def _nothing() -> None: ...


async def test_no_retries_runs_once_and_some_failures_are_final(queue: InMemoryQueue) -> None:
    async def fails() -> None:
        raise ValueError("no luck")

    async def gone() -> None:
        raise NonRetryable("gone")

    async def odd() -> object:
        return object()

    for number, function in enumerate((fails, gone, odd)):
        await queue.enqueue(str(number), function, (), {}, max_retries=0 if function is fails else 3)
        result = await _end(queue, str(number))
        assert (result.status, result.attempts) == (JobStatus.FAILED, 1)


async def test_sync_functions_don_t_block_the_loop(queue: InMemoryQueue) -> None:
    gate = threading.Event()

    def waits() -> str:
        assert gate.wait(10)
        return threading.current_thread().name

    await queue.enqueue("j", waits, (), {})
    await asyncio.sleep(0.02)
    gate.set()  # never reached if the loop were blocked
    assert (await _end(queue, "j")).result != threading.main_thread().name


async def test_cancel_before_the_start_is_at_once(queue: InMemoryQueue) -> None:
    ran: list[int] = []

    async def runs() -> None:
        ran.append(1)

    await queue.enqueue("j", runs, (), {})
    assert await queue.cancel("j")
    result = await queue.get_result("j")
    assert result is not None
    assert (result.status, result.attempts, ran) == (JobStatus.CANCELLED, 0, [])
    assert result.completed_at is not None
    assert result.duration == (result.completed_at - result.created_at).total_seconds()
    assert not await queue.cancel("j")
    assert not await queue.cancel("unknown")
    assert await queue.get_result("unknown") is None


async def test_cancel_stops_a_running_coroutine_where_it_awaits(queue: InMemoryQueue) -> None:
    stopped = asyncio.Event()

    async def waits() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()

    await queue.enqueue("j", waits, (), {})
    while (await queue.list_jobs(JobStatus.RUNNING)) == []:
        await asyncio.sleep(0.001)
    assert await queue.cancel("j")
    assert stopped.is_set()
    assert (await _end(queue, "j")).status is JobStatus.CANCELLED


async def test_a_function_in_a_thread_runs_on_but_its_result_is_dropped(queue: InMemoryQueue) -> None:
    gate, left = threading.Event(), threading.Event()

    def waits() -> str:
        gate.wait(10)
        left.set()
        return "late"

    await queue.enqueue("j", waits, (), {})
    while (await queue.list_jobs(JobStatus.RUNNING)) == []:
        await asyncio.sleep(0.001)
    assert await queue.cancel("j")
    gate.set()
    assert await asyncio.to_thread(left.wait, 10)
    result = await _end(queue, "j")
    assert (result.status, result.result) == (JobStatus.CANCELLED, None)


async def test_jobs_are_listed_newest_first_and_by_status(queue: InMemoryQueue) -> None:
    for number in range(3):
        await queue.enqueue(str(number), _nothing, (), {})
    await _end(queue, "2")
    await queue.enqueue("3", _nothing, (), {})
    assert [job.job_id for job in await queue.list_jobs()] == ["3", "2", "1", "0"]
    assert [job.job_id for job in await queue.list_jobs(status=JobStatus.COMPLETED)] == ["2", "1", "0"]


async def test_a_repeated_id_and_values_that_are_not_plain_are_errors(queue: InMemoryQueue) -> None:
    await queue.enqueue("j", _nothing, (), {})
    for job_id, args, reason in (
        ("j", (), "is there already"),
        ("a b", (), "is not 1 to 100"),
        ("k", (1,), "too many positional"),
    ):
        with pytest.raises(JobError, match=reason):
            await queue.enqueue(job_id, _nothing, args, {})

    @background(queue=queue)
    async def takes(value: object) -> None: ...

    with pytest.raises(JobError, match="argument 'value' is a PosixPath, not plain data"):
        await takes.enqueue(value=Path())


async def test_a_queue_of_one_s_own_implements_four_coroutines() -> None:
    class Direct(JobQueue):
        """Runs each job when it is enqueued."""

        def __init__(self) -> None:
            self.results: dict[str, JobResult] = {}

        async def enqueue(self, job_id: str, func: Any, args: Any, kwargs: Any, max_retries: int = 3) -> str:
            self.results[job_id] = JobResult(job_id, JobStatus.COMPLETED, await func(*args, **kwargs))
            return job_id

        async def get_result(self, job_id: str) -> JobResult | None:
            return self.results.get(job_id)

        async def cancel(self, job_id: str) -> bool:
            return False

        async def list_jobs(self, status: JobStatus | None = None) -> list[JobResult]:
            return list(self.results.values())

    queue = Direct()

    @background(queue=queue)
    async def double(value: int) -> int:
        return value * 2

    result = await double.get_result(await double.enqueue(4))
    assert result is not None
    assert (result.result, result.duration) == (8, None)
    assert double.enqueue_sync(5) in queue.results  # from within a running loop, too
    assert not double.cancel_sync("x")
    assert len(queue.list_jobs_sync()) == 2


def test_code_without_a_loop_has_twins(queue: InMemoryQueue, wait_until: Callable[..., Any]) -> None:
    @background(queue=queue)
    async def double(value: int) -> int:
        return value * 2

    job_id = double.enqueue_sync(4)
    wait_until(lambda: (result := double.get_result_sync(job_id)) is not None and result.is_done)
    result = double.get_result_sync(job_id)
    assert result is not None
    assert result.result == 8
    assert not double.cancel_sync(job_id)
    assert [job.job_id for job in queue.list_jobs_sync()] == [job_id]


def test_a_job_whose_loop_ends_has_failed(queue: InMemoryQueue) -> None:
    async def waits() -> None:
        await asyncio.Event().wait()

    async def main() -> None:
        await queue.enqueue("j", waits, (), {})
        await asyncio.sleep(0.01)

    asyncio.run(main())
    result = queue.get_result_sync("j")
    assert result is not None
    assert (result.status, result.error) == (JobStatus.FAILED, "the event loop that ran it has ended")


async def test_whatever_a_job_raises_it_ends(queue: InMemoryQueue) -> None:
    class Odd(Exception):
        def __str__(self) -> str:
            raise LookupError

    def odd() -> None:
        raise Odd

    def stop() -> None:
        raise StopIteration("here")

    errors = []
    for number, function in enumerate((odd, stop)):
        await queue.enqueue(str(number), function, (), {}, max_retries=0)
        errors.append((await _end(queue, str(number))).error)
    assert errors == [
        "Odd: its message cannot be shown, str() raised LookupError",
        "RuntimeError: the function raised StopIteration: here",
    ]


async def test_results_wait_to_be_read_however_many_jobs_are_pending(
    queue: InMemoryQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory.jobs, "KEPT", 3)
    gate = asyncio.Event()

    async def waits() -> None:
        await gate.wait()

    for number in range(10):
        await queue.enqueue(f"waits-{number}", waits, (), {})
    for number in range(5):
        await queue.enqueue(f"ends-{number}", _nothing, (), {})
        await asyncio.sleep(0)
    kept = [number for number in range(5) if await queue.get_result(f"ends-{number}")]
    assert kept == [2, 3, 4]
    gate.set()
    await _end(queue, "waits-9")


async def test_the_log_of_a_queue_in_memory_does_not_grow_for_ever(queue: InMemoryQueue) -> None:
    queue._jobs.log._limit = 100
    for number in range(150):
        await queue.enqueue(str(number), _nothing, (), {})
    await _end(queue, "149")
    assert len(queue._jobs.log.entries(limit=1000)) == 100
