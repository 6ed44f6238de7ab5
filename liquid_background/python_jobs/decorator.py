"""The decorator `background`, and the default queue of functions that name none."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, ParamSpec, TypeVar, overload

from liquid_background.errors import EnqueueError
from liquid_background.python_jobs.function import Function
from liquid_background.python_jobs.queues import JobQueue

P = ParamSpec("P")
R = TypeVar("R")


@overload
def background(max_retries: Callable[P, R], /) -> Function[P, R]: ...
@overload
def background(max_retries: int = 3, queue: JobQueue | None = None) -> Callable[[Callable[P, R]], Function[P, R]]: ...
def background(max_retries: Any = None, queue: JobQueue | None = None) -> Any:
    """Decorate a function so that it has `enqueue`, `get_result` and `cancel`; it stays callable as it was.

    Args:
        max_retries: runs after the first when it fails, after 2, 4, 8, … s; 0 runs it once. It holds for
            `engine.enqueue` too. When it is not given, `enqueue` of the function has 3.
        queue: where its jobs go; without one, the default queue, which the settings name at the first use.

    Raises:
        EnqueueError: when what is decorated is not a function, max_retries is not from 0 to 100, or queue is not one.
    """
    if queue is not None and not hasattr(queue, "enqueue"):
        raise EnqueueError(f"queue is {queue!r}; it must be a queue, such as get_queue() gives")
    give = default_queue if queue is None else lambda: queue
    if callable(max_retries):
        return Function(max_retries, queue=give, max_retries=None)
    return lambda wrapped: Function(wrapped, queue=give, max_retries=max_retries)


@cache
def default_queue() -> JobQueue:
    """Return the queue of functions that name none: in the store of the settings, the same in each call.

    It is the one thing here that is global to a program; `engine.background` and `queue=` do without it.
    """
    if not _makers:
        raise EnqueueError(
            "there is no default queue before liquid_background.engine is imported: import it, or give queue="
        )
    return _makers[-1]()


def provide_default_queue(make: Callable[[], JobQueue]) -> None:
    """Say how the default queue is made at its first use: engines stand above this room, so theirs says it."""
    _makers.append(make)


_makers: list[Callable[[], JobQueue]] = []
