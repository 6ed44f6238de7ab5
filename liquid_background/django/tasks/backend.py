"""The backend: tasks become jobs of the project's engine, and workers of that perform them."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from django.apps import apps
from django.core.checks import CheckMessage, Error
from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone

from liquid_background.django.commit import in_djangos_thread
from liquid_background.django.project import engine
from liquid_background.django.tasks.finding import find_task, task_of
from liquid_background.django.tasks.interface import (
    BaseTaskBackend,
    InvalidTask,
    Task,
    TaskResult,
    TaskResultDoesNotExist,
    TaskResultStatus,
    signals,
)
from liquid_background.django.tasks.options import job_fields, priority_of, problems
from liquid_background.django.tasks.reading import result_of
from liquid_background.django.tasks.running import run_task
from liquid_background.engine import Engine
from liquid_background.errors import EnqueueError, JobNotFound, JobRefused, NotPlain
from liquid_background.job import new_id
from liquid_background.jobs.handover import encode
from liquid_background.lazy import kept
from liquid_background.python_jobs import secret_positions, source_name_of

T = TypeVar("T")
_APP = "liquid_background.django"


class LiquidBackend(BaseTaskBackend):
    """Tasks as jobs: with priorities, start times, results, retries, and tasks that are async.

    OPTIONS are `max_attempts`, 1 if nothing else is said, and `timeout`, the seconds of an attempt.
    """

    supports_defer = True
    supports_async_task = True
    supports_get_result = True
    supports_priority = True

    @property
    def engine(self) -> Engine:
        """The project's engine."""
        return engine()

    @kept
    def _fields(self) -> dict[str, Any]:
        for wrong in problems(self.options):
            raise ImproperlyConfigured(f"TASKS[{self.alias!r}]: {wrong}")
        return job_fields(self.options)

    def enqueue(self, task: Task[..., T], args: Sequence[Any], kwargs: dict[str, Any]) -> TaskResult[T]:
        """Enqueue a task; inside a transaction, a page or another job it is sent when that succeeds.

        Raises:
            InvalidTask: when a worker could not find it, or this backend does not take it.
            TypeError: when an argument is not JSON.
            EnqueueError: when one cannot travel all the same: NaN, an infinity, or what takes too much room.
            StoreUnavailable: when the store cannot be reached or does not answer; see its `maybe_done`.
        """
        self.validate_task(task)
        _check_findable(task)
        result: TaskResult[T] = TaskResult(
            task=task,
            id=new_id(),
            status=TaskResultStatus.READY,
            enqueued_at=timezone.now(),
            started_at=None,
            last_attempted_at=None,
            finished_at=None,
            args=list(args),
            kwargs=kwargs,
            backend=self.alias,
            errors=[],
            worker_ids=[],
        )
        self._send(result)
        self.engine.when_sent(partial(signals.task_enqueued.send, sender=type(self), task_result=result))
        return result

    async def aenqueue(self, task: Task[..., T], args: Sequence[Any], kwargs: dict[str, Any]) -> TaskResult[T]:
        """Do what `enqueue` does, without holding up the event loop."""
        result: TaskResult[T] = await in_djangos_thread(self.enqueue, task=task, args=args, kwargs=kwargs)
        return result

    def _send(self, result: TaskResult[Any]) -> None:
        task = result.task
        given = {
            "path": task.module_path,
            "args": result.args,
            "kwargs": result.kwargs,
            "backend": self.alias,
            "queue_name": task.queue_name,
            "priority": int(task.priority),
            "run_after": task.run_after,
        }
        fields = {
            **self._fields,
            "id": result.id,
            "source_name": source_name_of(task.func.__qualname__),
            **_place(task),
            "priority": priority_of(task.priority),
            "start_at": _seconds(task.run_after),
        }
        try:
            job = self.engine.function_job(run_task, (), given, fields, self._masked(task, len(result.args)))
        except EnqueueError as error:
            raise EnqueueError(_of_task(result, str(error))) from error
        self.engine.dispatch([job], "error", new_ids=True)

    def _masked(self, task: Task[..., Any], count: int) -> Sequence[str]:
        """Return where positional arguments stand in the job whose names, in the task's signature, look secret."""
        before = 1 if task.takes_context else 0
        found = secret_positions(task.func, count + before, self.engine.settings.secret_names)
        return [f"kwargs.args.{at - before}" for at in found if at >= before]

    def get_result(self, result_id: str) -> TaskResult[Any]:
        """Return what has become of a task.

        Raises:
            TaskResultDoesNotExist: when no task of this backend has that id: it was never enqueued, or not sent yet, or
                its record has expired.
        """
        try:
            record = self.engine.jobs.get(result_id)
        except (JobNotFound, JobRefused) as error:
            raise TaskResultDoesNotExist(str(error)) from error
        task = task_of(record.parameters.get("kwargs")) if record.source == run_task.path else None
        if task is None or task.backend != self.alias:
            raise TaskResultDoesNotExist(f"job {result_id} is of no task that is known here")
        return result_of(self.engine, record, task)

    async def aget_result(self, result_id: str) -> TaskResult[Any]:
        """Do what `get_result` does, without holding up the event loop."""
        result: TaskResult[Any] = await in_djangos_thread(self.get_result, result_id)
        return result

    def check(self, **_: Any) -> Iterable[CheckMessage]:
        """Return what is wrong with this entry of TASKS, for Django's system checks."""
        where = f"TASKS[{self.alias!r}]"
        found: list[CheckMessage] = [
            Error(f"{where}: {wrong}", id="liquid_background.E006") for wrong in problems(self.options)
        ]
        if not apps.is_installed(_APP):
            found.append(Error(f"{where} needs {_APP!r} in INSTALLED_APPS", id="liquid_background.E007"))
        return found


def _of_task(result: TaskResult[Any], why: str) -> str:
    """Return why a task cannot be a job, by its own name: the jobs of all tasks call one function."""
    path = result.task.module_path
    for what, value in [*((str(number), each) for number, each in enumerate(result.args, 1)), *result.kwargs.items()]:
        try:
            encode(value)
        except NotPlain as reason:
            shown = what if what.isdigit() else repr(what)
            return f"cannot enqueue {path}: argument {shown} {reason}; pass its id or plain values"
    return why.replace(run_task.path, path)


def _check_findable(task: Task[..., Any]) -> None:
    path = task.module_path
    if task.func.__module__ == "__main__":
        raise InvalidTask(f"{path} is defined in the program that was started, which no worker imports: move it")
    if find_task(path) is None:
        raise InvalidTask(f"{path} is no Task, so no worker finds it: have the name that the function has stand for it")


def _place(task: Task[..., Any]) -> dict[str, Any]:
    """Return where a task's function is, for the log: each job of a task calls the same one, and not that."""
    code = getattr(inspect.unwrap(task.func), "__code__", None)
    return {
        "template": f"{task.func.__module__}:{task.func.__qualname__}",
        "line": code.co_firstlineno if code is not None else 1,
    }


def _seconds(moment: datetime | None) -> float | None:
    return None if moment is None else moment.timestamp()  # a naive one is of the time zone of the settings
