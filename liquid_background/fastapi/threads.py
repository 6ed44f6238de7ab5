"""Threads in which pages render and tasks are sent, so that the event loop goes on."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Final, TypeVar
from weakref import WeakKeyDictionary

from anyio import CapacityLimiter, to_thread
from anyio.lowlevel import RunVar

from liquid_background.engine import Engine
from liquid_background.threads import queueing

T = TypeVar("T")

_MOST: Final = 40  # threads of one kind and engine, in one event loop; what comes then waits


class Threads:
    """Threads for one kind of work of one engine. Others do not wait for it: endpoints without async have Starlette's.

    That holds for other engines, too: the store that these wait for may hang.
    """

    def __init__(self) -> None:
        self._limiter: RunVar[CapacityLimiter] = RunVar(f"liquid_background_{next(_numbers)}")  # known by its name

    async def run(self, function: Callable[[], T]) -> T:
        """Return what a function returns that has the caller's context variables."""
        try:
            limiter = self._limiter.get()
        except LookupError:
            limiter = CapacityLimiter(_MOST)
            self._limiter.set(limiter)
        with queueing():
            return await to_thread.run_sync(function, limiter=limiter)


_numbers: Final = count()
_pages: Final[WeakKeyDictionary[Engine, Threads]] = WeakKeyDictionary()
_sending: Final[WeakKeyDictionary[Engine, Threads]] = WeakKeyDictionary()


def page_threads(engine: Engine) -> Threads:
    """Return the threads in which an engine's pages render."""
    return _pages.get(engine) or _pages.setdefault(engine, Threads())


def sending_threads(engine: Engine) -> Threads:
    """Return those in which its tasks are sent."""
    return _sending.get(engine) or _sending.setdefault(engine, Threads())
