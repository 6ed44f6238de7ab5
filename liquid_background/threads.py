"""Threads in which coroutines wait for the store, and how long they have queued for one."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from functools import partial
from time import monotonic
from typing import Final, ParamSpec, TypeVar
from weakref import WeakSet

P = ParamSpec("P")
T = TypeVar("T")

_MOST: Final = 32  # threads: each has a connection of its own to the store

_queued_since: ContextVar[float | None] = ContextVar("queued_since", default=None)


def queued_since() -> float | None:
    """Return when the caller began to queue for the thread that it runs in; None when it has not queued for one."""
    return _queued_since.get()


@contextmanager
def queueing(since: float | None = None) -> Iterator[None]:
    """Have what is given to a thread inside the block know since when it queues: from now, unless it did before.

    Args:
        since: when it began, by the monotonic clock, as another process has it.
    """
    token = _queued_since.set(since or _queued_since.get() or monotonic())
    try:
        yield
    finally:
        _queued_since.reset(token)


class Threads:
    """Threads of one owner, made when they are needed: nobody else's calls wait for one of them.

    A forked process makes its own.
    """

    def __init__(self) -> None:
        self._executor: ThreadPoolExecutor | None = None
        _all.add(self)

    async def run(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Return what a function returns that has the caller's context variables.

        When the caller is cancelled, a function that has begun goes on, and one that has not never does.
        """
        if self._executor is None:  # in an event loop; of two that meet here, one's threads end when they are done
            self._executor = ThreadPoolExecutor(_MOST, "liquid-background")
        with queueing():
            context = copy_context()
        call = partial(context.run, function, *args, **kwargs)
        return await asyncio.get_running_loop().run_in_executor(self._executor, call)

    def forget(self) -> None:
        """Leave threads that are another process's."""
        self._executor = None


_all: WeakSet[Threads] = WeakSet()


def _forget_all() -> None:
    for threads in list(_all):
        threads.forget()


os.register_at_fork(after_in_child=_forget_all)
