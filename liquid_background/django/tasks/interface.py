"""The interface that the backend is written for: Django's own from 6 on, before that the package django-tasks.

This is the one place that knows which of the two it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import django

if TYPE_CHECKING or django.VERSION < (6,):
    from django_tasks import TaskContext, TaskResult, TaskResultStatus, exceptions, signals, task_backends
    from django_tasks.backends.base import BaseTaskBackend
    from django_tasks.base import Task, TaskError
    from django_tasks.exceptions import TaskResultDoesNotExist
    from django_tasks.utils import normalize_json
else:
    from django.tasks import Task, TaskContext, TaskResult, TaskResultStatus, exceptions, signals, task_backends
    from django.tasks.backends.base import BaseTaskBackend
    from django.tasks.base import TaskError
    from django.tasks.exceptions import TaskResultDoesNotExist
    from django.utils.json import normalize_json

_errors: Any = exceptions
InvalidTask: type[Exception] = getattr(_errors, "InvalidTask", None) or _errors.InvalidTaskError

__all__ = [
    "BaseTaskBackend",
    "InvalidTask",
    "Task",
    "TaskContext",
    "TaskError",
    "TaskResult",
    "TaskResultDoesNotExist",
    "TaskResultStatus",
    "normalize_json",
    "signals",
    "task_backends",
]
