"""Threads in which pages render and tasks are sent, so that the event loop goes on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from anyio import CapacityLimiter, to_thread
from anyio.lowlevel import RunVar

T = TypeVar("T")


class Threads:
    """Threads for one kind of work. Others do not wait for it: endpoints without async have Starlette's own.

    Args:
        name: of the kind.
        most: how many there are in one event loop; what comes then waits.
    """

    def __init__(self, name: str, most: int) -> None:
        self._limiter: RunVar[CapacityLimiter] = RunVar(name)
        self._most = most

    async def run(self, function: Callable[[], T]) -> T:
        """Return what a function returns that has the caller's context variables."""
        try:
            limiter = self._limiter.get()
        except LookupError:
            limiter = CapacityLimiter(self._most)
            self._limiter.set(limiter)
        return await to_thread.run_sync(function, limiter=limiter)


PAGES: Final = Threads("liquid_background_pages", 40)
SENDING: Final = Threads("liquid_background_sending", 40)
"""Sending waits for the store, which may hang: pages, and endpoints without async, have threads of their own."""
