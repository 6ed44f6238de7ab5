"""Call functions that may be sync or async from code that may be either."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

from liquid_background.threads import queueing

T = TypeVar("T")
Run = Callable[[Coroutine[Any, Any, Any]], Any]

coroutine_runner: contextvars.ContextVar[Run] = contextvars.ContextVar("coroutine_runner", default=asyncio.run)
"""What runs a coroutine where no loop runs, unless the thread says otherwise."""


class _Thread(threading.local):
    run: Run | None = None


_thread = _Thread()


@contextmanager
def coroutines_run_by(run: Run) -> Iterator[None]:
    """Have coroutines that this thread needs the end of run elsewhere, as in the event loop that waits for the thread.

    What an application opens in its loop, such as a database's connections, can be used in no other.
    """
    before, _thread.run = _thread.run, run
    try:
        yield
    finally:
        _thread.run = before


def call(function: Callable[..., Any], args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None) -> Any:
    """Return what a function returns; a coroutine is run to its end first."""
    returned = function(*args, **(kwargs or {}))
    return run_coroutine(_await(returned)) if inspect.isawaitable(returned) else returned


async def call_async(
    function: Callable[..., Any], args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
) -> Any:
    """Return what a function returns; one that is not async runs in a thread, so that the loop goes on."""
    named = dict(kwargs or {})
    if is_async(function):
        return await function(*args, **named)
    with queueing():  # the function may ask the store
        returned = await asyncio.to_thread(_call_in_thread, function, args, named)
    return await returned if inspect.isawaitable(returned) else returned


def _call_in_thread(function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    try:
        return function(*args, **kwargs)
    except StopIteration as error:  # no future can carry it: whoever awaits this one would wait for ever
        raise RuntimeError(f"the function raised StopIteration: {error}") from error


def is_async(function: Callable[..., Any]) -> bool:
    """Return whether calling a function gives a coroutine."""
    # Not through a function's own `__wrapped__`: a plain function may wrap a coroutine's and run that itself.
    function = inspect.unwrap(function, stop=inspect.isfunction)
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(type(function).__call__)


def run_coroutine(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end and return its value: in a loop of its own, or where `coroutines_run_by` says.

    Where a loop runs already, it is run in another thread.
    """
    if (
        asyncio._get_running_loop() is None
    ):  # the other one raises, and a coroutine's own error would be chained to that
        value: T = (_thread.run or coroutine_runner.get())(coroutine)
        return value
    context = contextvars.copy_context()
    with ThreadPoolExecutor(1, "liquid-background") as thread:
        return thread.submit(context.run, asyncio.run, coroutine).result()


async def _await(awaitable: Awaitable[T]) -> T:
    return await awaitable
