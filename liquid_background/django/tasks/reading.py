"""A job's record as the result of a task."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from liquid_background.django.tasks.attempts import Ended, told_attempts, workers
from liquid_background.django.tasks.finding import known_class
from liquid_background.django.tasks.interface import Task, TaskError, TaskResult, TaskResultStatus
from liquid_background.engine import Engine
from liquid_background.job import JobRecord, JobStatus

_STATUSES: Final[Mapping[JobStatus, TaskResultStatus]] = {
    JobStatus.PENDING: TaskResultStatus.READY,
    JobStatus.RUNNING: TaskResultStatus.RUNNING,
    JobStatus.COMPLETED: TaskResultStatus.SUCCESSFUL,
    JobStatus.FAILED: TaskResultStatus.FAILED,
    JobStatus.CANCELLED: TaskResultStatus.FAILED,
}
_ENDED_BY_OTHERS: Final[Mapping[JobStatus, str]] = {
    JobStatus.FAILED: "liquid_background.errors.JobFailed",
    JobStatus.CANCELLED: "liquid_background.errors.JobCancelled",
}
"""The errors of tasks that ended without a word of their own: by a death of their process, or taken back."""


def result_of(engine: Engine, record: JobRecord, task: Task[..., Any]) -> TaskResult[Any]:
    """Return what has become of a task, by its job's record and what its attempts have left."""
    given = record.parameters["kwargs"]
    last = record.attempts - (record.status is JobStatus.RUNNING)  # what is behind it is of a run before this one
    told = told_attempts(engine, record.id)
    ended = [each for each in told if each.attempt <= last and not each.goes_on]
    going_on = [each for each in told if each.attempt == last + 1 and each.goes_on]
    begun = {each.attempt: datetime.fromtimestamp(each.started, UTC) for each in [*ended, *going_on]}
    first = min(begun.values(), default=record.started_at)
    result: TaskResult[Any] = TaskResult(
        task=task,
        id=record.id,
        status=_STATUSES[record.status],
        enqueued_at=record.created_at,
        started_at=first,
        last_attempted_at=begun.get(record.attempts, record.started_at),  # one that told nothing the store knows of
        finished_at=record.completed_at if record.status.has_ended else None,
        args=given["args"],
        kwargs=given["kwargs"],
        backend=task.backend,
        errors=_errors(record, ended),
        worker_ids=workers([*ended, *going_on], record.attempts),
    )
    object.__setattr__(result, "_return_value", record.result)
    return result


def errors_of(ended: Iterable[Ended]) -> list[TaskError]:
    """Return the errors of attempts that have ended."""
    failed = [each for each in ended if each.kind]
    return [TaskError(exception_class_path=known_class(each.kind or ""), traceback=each.traceback) for each in failed]


def _errors(record: JobRecord, ended: list[Ended]) -> list[TaskError]:
    errors = errors_of(ended)
    kind = _ENDED_BY_OTHERS.get(record.status)
    told = any(each.kind and each.attempt == record.attempts for each in ended)
    if kind is not None and not told:
        errors.append(TaskError(exception_class_path=kind, traceback=record.error or f"it was {record.status}"))
    return errors
