"""Threads of one owner: with the caller's context, and nobody else's calls wait for them."""

from __future__ import annotations

import asyncio
import threading
import time
from contextvars import ContextVar
from threading import Event

from liquid_background.threads import Threads, queued_since, queueing

_tenant: ContextVar[str] = ContextVar("tenant")


def test_a_function_has_the_callers_context_and_arguments() -> None:
    async def called() -> tuple[str, str, int]:
        _tenant.set("ada")
        return await Threads().run(lambda a, *, b: (_tenant.get(), a, b), "x", b=1)

    assert asyncio.run(called()) == ("ada", "x", 1)


def test_a_call_knows_since_when_it_has_queued() -> None:
    async def called() -> tuple[float | None, float | None]:
        threads = Threads()
        first = await threads.run(queued_since)
        with queueing(since=1.0):
            return first, await threads.run(queued_since)

    began = time.monotonic()
    first, second = asyncio.run(called())
    assert first is not None
    assert began <= first <= time.monotonic()
    assert second == 1.0
    assert queued_since() is None


def test_owners_do_not_wait_for_each_other_and_what_is_cancelled_never_begins() -> None:
    go, begun = Event(), []

    async def called() -> str:
        busy, free = Threads(), Threads()
        held = [asyncio.create_task(busy.run(go.wait, 20)) for _ in range(100)]
        late = asyncio.create_task(busy.run(begun.append, 1))
        await asyncio.sleep(0)
        name = await asyncio.wait_for(free.run(lambda: threading.current_thread().name), 10)
        late.cancel()
        await asyncio.gather(late, return_exceptions=True)
        go.set()
        await asyncio.gather(*held)
        return name

    assert asyncio.run(called()).startswith("liquid-background")
    assert begun == []
