"""Tasks for after an answer, as FastAPI's BackgroundTasks are, but as jobs: they outlive the process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Final, ParamSpec, Unpack

from liquid_background.engine import Engine
from liquid_background.errors import EnqueueError, TasksEnded
from liquid_background.fastapi.threads import sending_threads
from liquid_background.job import MAX_RETRIES, Job
from liquid_background.language.syntax import OPTIONS
from liquid_background.python_jobs import EnqueueOptions, Handle, check_names
from liquid_background.python_jobs.queues import OnDuplicate

P = ParamSpec("P")
_DELAY: Final = OPTIONS["delay"]


class TaskOptions(EnqueueOptions, total=False):
    """What may be said of a task: the options of `Engine.enqueue`, and two that the tag has."""

    delay: float  # minutes, instead of start_at
    max_attempts: int  # the first one included, instead of retries


@dataclass(slots=True)
class _Made:
    """What all tasks of one request share."""

    jobs: list[tuple[Job, OnDuplicate]] = field(default_factory=list)
    given_ids: set[str] = field(default_factory=set)
    has_ended: bool = False  # whether nobody sends what is added from now on


class JobTasks:
    """Tasks of one request, sent as jobs in one step when it has succeeded.

    Args:
        engine: whose jobs they are.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._options: TaskOptions = {}
        self._made = _Made()

    def options(self, **options: Unpack[TaskOptions]) -> JobTasks:
        """Return these tasks with options for what is added by it: `tasks.options(priority="high").add_task(…)`.

        Raises:
            EnqueueError: when there is no such option.
        """
        check_names(options, TaskOptions)
        other = JobTasks(self._engine)
        other._options = {**self._options, **options}
        other._made = self._made
        return other

    def add_task(self, func: Callable[P, Any], /, *args: P.args, **kwargs: P.kwargs) -> Handle:
        """Have a registered function called by a worker, once the request has succeeded; return the job's handle.

        Args:
            func: a function, async or not, that `engine.action`, `engine.background` or `background` has registered.
            args: its arguments: plain values.
            kwargs: its named ones.

        Raises:
            EnqueueError: here, and not in the worker: when the function is not registered, an argument is not plain
                data or not one of the function's, or an option is wrong; it names which.
            TasksEnded: when the dependency has sent them: nobody would send this one.
        """
        if self._made.has_ended:
            raise TasksEnded(
                f"add_task({getattr(func, '__name__', func)!s}) comes too late: the tasks of a request are sent when "
                "its function has returned, before the response. In a BackgroundTask or the body of a "
                "StreamingResponse, use engine.enqueue_async, or a JobTasks(engine) of its own and `await` its send()"
            )
        options, fields = _enqueue_options(self._options)
        job, on_duplicate = self._engine.call_of(func, args, kwargs, options)
        job = replace(job, **fields) if fields else job
        self._made.jobs.append((job, on_duplicate))
        if "id" in options:
            self._made.given_ids.add(job.id)
        return Handle(self._engine, job.id)

    async def send(self) -> None:
        """Send what was added, in one step and without holding up the event loop; the dependency does so by itself.

        Raises:
            DuplicateJob: when a job has one of the ids, and its on_duplicate is not "ignore"; the others are sent.
            StoreUnavailable: when the store cannot be reached or does not answer; see its `maybe_done`.
        """
        made = self._made
        if made.jobs:
            send = partial(self._engine.dispatch_each, tuple(made.jobs), frozenset(made.given_ids))
            await sending_threads(self._engine).run(send)
            made.jobs.clear()

    def end(self) -> None:
        """Refuse what is added from now on, since nobody sends it; the dependency does so when it has sent the rest."""
        self._made.has_ended = True


def _enqueue_options(given: TaskOptions) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the options of `enqueue`, and the fields of the job that the others stand for."""
    options: dict[str, Any] = dict(given)
    delay, attempts = options.pop("delay", None), options.pop("max_attempts", None)
    fields: dict[str, Any] = {}
    for name, value, other in (("delay", delay, "start_at"), ("max_attempts", attempts, "retries")):
        if value is not None and options.get(other) is not None:
            raise EnqueueError(f"{name} and {other} say the same thing: give one of them")
    if delay is not None:
        try:
            fields["delay"] = _DELAY.read(delay)
        except ValueError:
            raise EnqueueError(_DELAY.complaint(delay)) from None
    if attempts is not None:
        if not isinstance(attempts, int) or isinstance(attempts, bool) or not 1 <= attempts <= MAX_RETRIES + 1:
            raise EnqueueError(f"max_attempts is {attempts!r}; it must be an integer from 1 to {MAX_RETRIES + 1}")
        options["retries"] = attempts - 1
    return options, fields
