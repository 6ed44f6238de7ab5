"""The coroutines of engines, handles, functions and queues do what their twins do."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from liquid_background import DuplicateJob, Engine, EnqueueError
from liquid_background.errors import JobCancelled, JobFailed, ResultTimeout
from liquid_background.python_jobs import Handle
from tests.python_jobs import shop
from tests.python_jobs.conftest import Bench

APP = "tests.python_jobs.shop:engine"
pytestmark = pytest.mark.anyio


async def test_enqueue(engine: Engine) -> None:
    handle = await engine.enqueue_async("notify", {"order_id": 1}, id="a", priority="high")
    assert (handle.job().id, handle.job().priority) == ("a", "high")
    with pytest.raises(DuplicateJob):
        await engine.enqueue_async("notify", {"order_id": 1}, id="a")
    with pytest.raises(EnqueueError, match="no action and no partial"):
        await engine.enqueue_async("nothing")


async def test_enqueue_many(engine: Engine) -> None:
    handles = await engine.enqueue_many_async("notify", [{"order_id": 1}, {"order_id": 2}], retries=0)
    assert [handle.job().parameters["kwargs"]["order_id"] for handle in handles] == [1, 2]
    assert [handle.job().max_attempts for handle in handles] == [1, 1]
    with pytest.raises(EnqueueError, match="a list of mappings"):
        await engine.enqueue_many_async("notify", {"order_id": 1})


async def test_the_loop_goes_on_meanwhile(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    turn = asyncio.Event()
    loop = asyncio.get_running_loop()

    def slow(jobs: Any) -> list[str]:
        asyncio.run_coroutine_threadsafe(turn.wait(), loop).result(10)  # ends when the loop goes on, and only then
        return []

    monkeypatch.setattr(engine.jobs, "send", slow)
    sending = asyncio.create_task(engine.enqueue_async("notify", {"order_id": 1}))
    bulk = asyncio.create_task(engine.enqueue_many_async("notify", [{"order_id": 1}]))
    await asyncio.sleep(0)
    turn.set()
    await asyncio.gather(sending, bulk)


async def test_result(engine: Engine, bench: Bench) -> None:
    good = engine.enqueue("notify", {"order_id": 9})
    bad = engine.enqueue("refuse", {"message": "gone"})
    await asyncio.to_thread(bench.burst, app=APP)
    assert await good.result_async(timeout=20) == good.result(timeout=20) == "order 9"
    with pytest.raises(JobFailed, match="failed: NonRetryable: gone"):
        await bad.result_async(timeout=20)


async def test_cancel(engine: Engine) -> None:
    handle = engine.enqueue("notify", {"order_id": 9})
    with pytest.raises(ResultTimeout, match=r"has not ended within 0\.05 s"):
        await handle.result_async(timeout=0.05)
    assert await handle.cancel_async()
    assert not await handle.cancel_async()
    with pytest.raises(JobCancelled):
        await handle.result_async(timeout=1)
    assert not await Handle(engine, "unknown").cancel_async()


async def test_a_function_s_own(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shop.add, "_queue", lambda: engine.function_queue)
    id = await shop.add.enqueue(1, right=2)
    found = await shop.add.get_result(id)
    assert found == shop.add.get_result_sync(id)
    assert found is not None
    assert [each.job_id for each in await engine.function_queue.list_jobs()] == [id]
    assert await shop.add.cancel(id)
    assert not await shop.add.cancel(id)
    assert await shop.add.get_result("unknown") is None
