"""Running a task in a worker: the one function that the jobs of tasks call."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

from liquid_background.django.project import engine
from liquid_background.django.running import current
from liquid_background.django.tasks.attempts import Ended, ended_attempts, tell, worker_id, workers
from liquid_background.django.tasks.finding import find_task, task_of
from liquid_background.django.tasks.interface import (
    Task,
    TaskContext,
    TaskResult,
    TaskResultStatus,
    normalize_json,
    signals,
    task_backends,
)
from liquid_background.django.tasks.reading import errors_of
from liquid_background.errors import FunctionNotFound, JobRefused, NonRetryable
from liquid_background.hooks import Attempt
from liquid_background.python_jobs import background


@background(max_retries=0)
def run_task(
    *,
    path: str,
    args: list[Any],
    kwargs: dict[str, Any],
    backend: str,
    queue_name: str,
    priority: int,
    run_after: datetime | None,
) -> Any:
    """Call the task at a path, tell Django's signals of it, and keep how the attempt ended."""
    attempt = current.get()
    if not isinstance(path, str) or find_task(path) is None:
        raise FunctionNotFound(
            f"no task {path!r} is known here: have MODULES in LIQUID_BACKGROUND name its module, so that workers "
            "import it, and deploy workers before the code that enqueues it"
        )
    if attempt is None:
        raise JobRefused("a task is run by a job of the project's engine only")
    modified = task_of(attempt.parameters["kwargs"])
    if modified is None:
        raise JobRefused(f"the parameters of task {path} are none that `enqueue` writes")
    started = time.time()
    result = _begun(attempt, started, modified, args, kwargs)
    sender = type(task_backends[backend])
    tell(engine(), attempt.id, Ended.begun(attempt.attempt, started))
    signals.task_started.send(sender=sender, task_result=result)
    try:
        value = _called(result)
    except BaseException as error:
        ended = Ended.now(attempt.attempt, started, error)
        tell(engine(), attempt.id, ended)
        if attempt.is_last or isinstance(error, NonRetryable | JobRefused):
            result.errors.extend(errors_of([ended]))
            _finish(result, TaskResultStatus.FAILED)
            signals.task_finished.send(sender=sender, task_result=result)
        raise
    tell(engine(), attempt.id, Ended.now(attempt.attempt, started))
    object.__setattr__(result, "_return_value", value)
    _finish(result, TaskResultStatus.SUCCESSFUL)
    signals.task_finished.send(sender=sender, task_result=result)
    return value


def _begun(
    attempt: Attempt, started: float, task: Task[..., Any], args: list[Any], kwargs: dict[str, Any]
) -> TaskResult[Any]:
    before = ended_attempts(engine(), attempt.id) if attempt.attempt > 1 else []
    now = datetime.fromtimestamp(started, UTC)
    return TaskResult(
        task=task,
        id=attempt.id,
        status=TaskResultStatus.RUNNING,
        enqueued_at=None,
        started_at=datetime.fromtimestamp(before[0].started, UTC) if before else now,
        last_attempted_at=now,
        finished_at=None,
        args=args,
        kwargs=kwargs,
        backend=task.backend,
        errors=errors_of(before),
        worker_ids=[*workers(before, attempt.attempt - 1), worker_id()],
    )


def _called(result: TaskResult[Any]) -> Any:
    task = result.task
    given = (TaskContext(task_result=result), *result.args) if task.takes_context else tuple(result.args)
    returned = task.call(*given, **result.kwargs)
    try:
        return normalize_json(returned)
    except (TypeError, ValueError) as error:
        raise NonRetryable(f"the task ran, but what it returned is not JSON: {error}") from error


def _finish(result: TaskResult[Any], status: TaskResultStatus) -> None:
    object.__setattr__(result, "status", status)
    object.__setattr__(result, "finished_at", datetime.now(UTC))
