"""What a review of RapidAI's names found: odd failures, odd callables, a full memory, the wrong queue."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial, wraps
from threading import Barrier, BrokenBarrierError
from typing import Any
from unittest.mock import AsyncMock, Mock

import pytest

from liquid_background.rapidai import InMemoryQueue, JobError, RedisQueue, background, get_queue, redis_queue
from tests.rapidai.test_in_memory import _end, _nothing

pytestmark = pytest.mark.anyio


@pytest.fixture
def queue() -> InMemoryQueue:
    return InMemoryQueue(backoff=0.01)


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


class _Adder:
    """An object with ways to be called."""

    def add(self, left: int, right: int = 1) -> int:
        return left + right

    async def __call__(self, value: int) -> int:
        return value * 10


async def test_methods_partials_and_callable_objects_may_be_enqueued(queue: InMemoryQueue) -> None:
    calls: list[Any] = [
        _Adder().add,
        partial(_Adder().add, right=5),
        _Adder(),
        Mock(return_value=3),
        AsyncMock(return_value=4),
        len,
    ]
    results = []
    for number, function in enumerate(calls):
        await queue.enqueue(str(number), function, ([2] if function is len else 2,), {}, max_retries=0)
        results.append((await _end(queue, str(number))).result)
    assert results == [3, 7, 20, 3, 4, 1]
    calls[3].assert_called_once_with(2)
    calls[4].assert_awaited_once_with(2)
    with pytest.raises(JobError, match="5 is not a function"):
        await queue.enqueue("x", 5, (), {})  # type: ignore[arg-type]


async def test_decorators_below_may_run_coroutines_and_add_arguments(queue: InMemoryQueue) -> None:
    async def adds(session: str, value: int) -> str:
        return f"{session} {value}"

    @wraps(adds)
    def runs(*args: Any, **kwargs: Any) -> str:
        return asyncio.run(adds("session", *args, **kwargs))

    decorated = background(queue=queue)(runs)
    assert (await _end(queue, await decorated.enqueue(1))).result == "session 1"
    assert (await _end(queue, await decorated.enqueue(value=2))).result == "session 2"
    with pytest.raises(JobError, match="missing a required argument: 'value'"):
        await background(queue=queue)(adds).enqueue("session")


def test_a_job_of_the_queue_s_own_loop_may_use_the_sync_twins(
    queue: InMemoryQueue, wait_until: Callable[..., Any]
) -> None:
    @background(queue=queue)
    async def inner() -> str:
        return "inner"

    @background(queue=queue)
    async def outer() -> list[Any]:
        first, second = inner.enqueue_sync(), inner.enqueue_sync()
        return [first, inner.cancel_sync(second)]

    job_id = outer.enqueue_sync()
    result = wait_until(lambda: (found := outer.get_result_sync(job_id)) and found.is_done and found)
    assert result.result[1] is True
    wait_until(lambda: (found := inner.get_result_sync(result.result[0])) and found.result == "inner")


async def test_results_wait_to_be_read_however_many_jobs_are_pending(
    queue: InMemoryQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("liquid_background.jobs.memory.jobs.KEPT", 3)
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


async def test_the_log_of_a_queue_in_memory_does_not_grow_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIQUID_BACKGROUND_LOG_LIMIT", "100")
    queue = InMemoryQueue()
    for number in range(150):
        await queue.enqueue(str(number), _nothing, (), {})
    await _end(queue, "149")
    assert len(queue._jobs.log.entries(limit=1000)) == 100


async def test_a_method_is_called_as_one(queue: InMemoryQueue) -> None:
    class Shop:
        """Has a method that is decorated."""

        @background(queue=queue)
        def price(self, net: int) -> int:
            return net * 2

    assert Shop().price(4) == 8
    with pytest.raises(JobError, match="argument 'self' is a Shop, not plain data"):
        await Shop.price.enqueue(Shop(), 4)


@pytest.mark.parametrize("url", [None, "", 5])
def test_no_url_is_not_another_store(url: Any) -> None:
    for make in (RedisQueue, lambda url: get_queue("redis", url=url)):
        with pytest.raises(JobError, match="url is"):
            make(url)


def test_wrong_queues_are_refused_where_they_are_named() -> None:
    with pytest.raises(JobError, match="prefix is 5"):
        RedisQueue(prefix=5)  # type: ignore[arg-type]
    with pytest.raises(JobError, match="unknown backend"):
        get_queue([])  # type: ignore[arg-type]
    with pytest.raises(JobError, match="queue is 'redis'; it must be a queue"):
        background(queue="redis")  # type: ignore[call-overload]


def test_a_default_that_is_written_out_gives_the_same_queue() -> None:
    assert get_queue("redis") is get_queue(backend="redis", url="redis://localhost:6379")
    assert get_queue("redis", prefix="a", url="redis://h") is get_queue("redis", url="redis://h", prefix="a")


def test_threads_get_one_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    class Slow(InMemoryQueue):
        """Takes its time to be made, so that another thread asks meanwhile."""

        def __init__(self) -> None:
            barrier.wait(0.2)
            super().__init__()

    barrier = _Patient(2)
    monkeypatch.setitem(redis_queue._BACKENDS, "memory", Slow)
    redis_queue._made.cache_clear()
    with ThreadPoolExecutor(2) as pool:
        made = list(pool.map(lambda _: get_queue(), range(2)))
    redis_queue._made.cache_clear()
    assert made[0] is made[1]


class _Patient(Barrier):
    """A barrier that lets one through after a while."""

    def wait(self, timeout: float | None = None) -> int:
        with suppress(BrokenBarrierError):
            return super().wait(timeout)
        return 0


async def test_an_empty_id_is_none(url: str) -> None:
    queue = RedisQueue(url=url)
    for job_id in ("", None):
        with pytest.raises(JobError, match="is not 1 to 87"):
            await queue.enqueue(job_id, _nothing, (), {})  # type: ignore[arg-type]
