"""Functions that may be sync or async, called from code that may be either."""

from __future__ import annotations

import asyncio
import threading
from functools import wraps
from typing import Any

import pytest

from liquid_background.calling import call, call_async, coroutines_run_by, is_async, run_coroutine


def plain(value: int) -> int:
    return value + 1


async def awaited(value: int) -> int:
    await asyncio.sleep(0)
    return value + 1


@wraps(awaited)
def wrapping(value: int) -> int:
    return asyncio.run(awaited(value))


class Callable:
    """An object whose call is a coroutine's."""

    async def __call__(self, value: int) -> int:
        return await awaited(value)


@pytest.mark.parametrize(
    "function", [plain, awaited, wrapping, Callable()], ids=["plain", "async", "wrapping", "object"]
)
def test_both_ways_give_what_the_function_returns(function: Any) -> None:
    assert call(function, (1,)) == call(function, (), {"value": 1}) == 2
    assert asyncio.run(call_async(function, (1,))) == asyncio.run(call_async(function, (), {"value": 1})) == 2


def test_what_is_async_is_known_by_its_own_call() -> None:
    assert (is_async(awaited), is_async(Callable()), is_async(plain), is_async(wrapping)) == (True, True, False, False)


def test_what_is_not_async_runs_beside_the_loop() -> None:
    async def where(function: Any) -> int:
        return int(await call_async(function))

    async def inside() -> int:
        return threading.get_ident()

    assert asyncio.run(where(threading.get_ident)) != threading.get_ident()
    assert asyncio.run(where(inside)) == threading.get_ident()


def test_a_coroutine_is_run_to_its_end_where_a_loop_runs_already() -> None:
    async def outer() -> int:
        return run_coroutine(awaited(1))

    assert asyncio.run(outer()) == run_coroutine(awaited(1)) == 2


def test_a_stop_iteration_does_not_hold_up_its_caller_for_ever() -> None:
    def stops() -> None:
        raise StopIteration("here")

    with pytest.raises(RuntimeError, match="the function raised StopIteration: here"):
        asyncio.run(asyncio.wait_for(call_async(stops), 10))


def test_a_thread_has_its_coroutines_run_elsewhere() -> None:
    ran: list[str] = []

    def elsewhere(coroutine: Any) -> Any:
        ran.append(threading.current_thread().name)
        return asyncio.run(coroutine)

    with coroutines_run_by(elsewhere):
        assert call(awaited, (1,)) == 2
        other = threading.Thread(target=call, args=(awaited, (1,)))
        other.start()
        other.join()
    assert call(awaited, (1,)) == 2
    assert ran == [threading.current_thread().name]
