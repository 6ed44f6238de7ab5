"""The jobs of a double, as `fake_jobs` puts one in an engine's place: async ones stay in the test's transaction."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from typing import Any

from asgiref.sync import async_to_sync

from liquid_background.calling import coroutine_runner
from liquid_background.engine import Engine
from liquid_background.hooks import Attempt


def keep_transactions(engine: Engine) -> None:
    """Have coroutines of a double's jobs ask the database in the thread that runs the jobs, where the test's is.

    Not so in a worker: there the time limit ends a coroutine, which runs in the thread that it strikes.
    """
    engine.around_job(_around(engine))


def _around(engine: Engine) -> Callable[[Attempt], Iterator[None]]:
    def keep(_attempt: Attempt) -> Iterator[None]:
        if engine.job_store is None:
            yield
            return
        token = coroutine_runner.set(_run)
        try:
            yield
        finally:
            coroutine_runner.reset(token)

    return keep


def _run(coroutine: Coroutine[Any, Any, Any]) -> Any:
    return async_to_sync(_awaited)(coroutine)


async def _awaited(coroutine: Coroutine[Any, Any, Any]) -> Any:
    return await coroutine
