"""A Python function that may run as a job: still callable, with ways to enqueue it."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from functools import update_wrapper
from types import MethodType, ModuleType
from typing import Any, Final, Generic, ParamSpec, TypeVar

from liquid_background.errors import EnqueueError
from liquid_background.job import new_id
from liquid_background.language.declared import Declared, StandIn
from liquid_background.python_jobs.queues import BACKOFF, JobQueue
from liquid_background.python_jobs.results import JobResult
from liquid_background.python_jobs.retries import RetryPolicy, check_count

P = ParamSpec("P")
R = TypeVar("R")
MAX_RETRIES_UNSAID: Final = 3
"""Runs after the first of what `Function.enqueue` sends, when its decorator says nothing; RapidAI's page."""


class Function(Generic[P, R]):
    """A registered function. Calling it calls the function; the other methods concern jobs that run it.

    Args:
        wrapped: the function, sync or async.
        queue: gives the queue of its jobs, asked for at each use.
        max_retries: runs after the first when it fails; 0 runs it once. None leaves it to who enqueues.
        pure: whether calling it changes nothing, so that previews call it, too.
        preview: what previews call instead, with the same arguments.
    """

    __wrapped__: Callable[P, R]
    __name__: str
    __qualname__: str
    path: str  # "module:qualified.name"
    retries: RetryPolicy | None  # what its decorator says, None when that says nothing

    def __init__(
        self,
        wrapped: Callable[P, R],
        *,
        queue: Callable[[], JobQueue],
        max_retries: int | None,
        pure: bool = False,
        preview: StandIn | None = None,
    ) -> None:
        if isinstance(wrapped, Function):
            raise EnqueueError(f"{wrapped.path} is decorated twice: a function has one decorator and one queue")
        if not inspect.isfunction(wrapped):
            raise EnqueueError(f"{wrapped!r} is not a function made by `def`")
        update_wrapper(self, wrapped)
        self.path = path_of(wrapped)
        said = max_retries is not None
        self.max_retries = check_count(max_retries if said else MAX_RETRIES_UNSAID, "max_retries")
        self.retries = RetryPolicy(count=self.max_retries, initial_interval=BACKOFF) if said else None
        self.line = wrapped.__code__.co_firstlineno
        self._queue = queue
        self.declared = Declared.given(self, pure=pure, preview=preview)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call the function here and now."""
        return self.__wrapped__(*args, **kwargs)

    def __get__(self, instance: object, owner: type | None = None) -> Any:
        """Bind the function to an object when it is called as its method."""
        return self if instance is None else MethodType(self, instance)

    def __repr__(self) -> str:
        return f"<Function {self.path}>"

    @property
    def queue(self) -> JobQueue:
        """The queue of its jobs."""
        return self._queue()

    @property
    def engine(self) -> Any:
        """The engine of its queue: what `--app module:function` gives a worker."""
        return getattr(self.queue, "engine", None)

    async def enqueue(self, *args: P.args, **kwargs: P.kwargs) -> str:
        """Enqueue a job that calls the function with these arguments; return its id.

        Raises:
            EnqueueError: when a worker could not import the function, or an argument is not plain data.
            StoreUnavailable: when the store cannot be reached or does not answer; see its `maybe_done`.
        """
        return await self.queue.enqueue(new_id(), self, args, kwargs, self.max_retries)

    async def get_result(self, job_id: str) -> JobResult | None:
        """Return a job of the function's queue; None when no record has that id."""
        return await self.queue.get_result(job_id)

    async def cancel(self, job_id: str) -> bool:
        """Take a job back; False when it is unknown or has ended. One that runs is stopped at its next chance."""
        return await self.queue.cancel(job_id)

    def enqueue_sync(self, *args: P.args, **kwargs: P.kwargs) -> str:
        """Do what `enqueue` does, for code without an event loop."""
        return self.queue.enqueue_sync(new_id(), self, args, kwargs, self.max_retries)

    def get_result_sync(self, job_id: str) -> JobResult | None:
        """Do what `get_result` does, for code without an event loop."""
        return self.queue.get_result_sync(job_id)

    def cancel_sync(self, job_id: str) -> bool:
        """Do what `cancel` does, for code without an event loop."""
        return self.queue.cancel_sync(job_id)


def path_of(function: Callable[..., Any]) -> str:
    """Return the import path of a function: "module:qualified.name"."""
    return f"{function.__module__}:{function.__qualname__}"


def find_function(path: str) -> Function[..., Any] | None:
    """Return the registered function at an import path, None when there is none.

    Only modules that are imported already are looked at: whoever can write to the store must not be able to make
    a worker import what the application does not.
    """
    module, _, qualname = path.partition(":")
    found: object = sys.modules.get(module)
    for name in qualname.split("."):
        if not isinstance(found, ModuleType | type):
            return None
        found = vars(found).get(name)
        if isinstance(found, staticmethod):
            found = found.__func__
    return found if isinstance(found, Function) and found.path == path else None


def check_importable(function: Function[..., Any]) -> None:
    """Accept a function that a worker can find by its name.

    Raises:
        EnqueueError: saying why it cannot.
    """
    module, _, qualname = function.path.partition(":")
    if module == "__main__":
        where = "is defined in the program that was started, which a worker cannot import: move it to a module"
    elif "<" in qualname:
        where = "is defined inside another function, where a worker cannot import it: move it to a module's top level"
    elif find_function(function.path) is not function:
        where = "is not what that name in its module stands for: put the job decorator on top of any others"
    else:
        return
    raise EnqueueError(f"cannot enqueue {function.path}: it {where}")
