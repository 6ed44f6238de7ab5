"""What may be enqueued: functions, methods, what decorators make of them, and calls from a job."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial, wraps
from typing import Any
from unittest.mock import AsyncMock, Mock

import pytest

from liquid_background.rapidai import InMemoryQueue, JobError, background
from tests.rapidai.test_in_memory import _end

pytestmark = pytest.mark.anyio


@pytest.fixture
def queue() -> InMemoryQueue:
    return InMemoryQueue(backoff=0.01)


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


async def test_a_method_is_called_as_one(queue: InMemoryQueue) -> None:
    class Shop:
        """Has a method that is decorated."""

        @background(queue=queue)
        def price(self, net: int) -> int:
            return net * 2

    assert Shop().price(4) == 8
    with pytest.raises(JobError, match="argument 'self' is a Shop, not plain data"):
        await Shop.price.enqueue(Shop(), 4)


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
