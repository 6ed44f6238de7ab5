"""What names that come from the store stand for: only what is imported already, and a task only where one is run."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from copy import copy
from datetime import datetime
from types import ModuleType
from typing import Any, Final

from liquid_background.django.tasks.interface import Task

_JOB_FAILED: Final = "liquid_background.errors.JobFailed"
_MODIFIED: Final[Mapping[str, Any]] = {
    "priority": int,
    "queue_name": str,
    "run_after": datetime | None,
    "backend": str,
}
"""What of a task `using` changes, and a job says anew."""


def find_task(path: str) -> Task[..., Any] | None:
    """Return the task that stands at a path, "shop.tasks.send_mail"; None when there is none.

    Only modules that are imported already are looked at, and only a Task is taken: whoever can write to the store must
    not be able to make a worker import or call what the application does not make a task of.
    """
    module, _, name = path.rpartition(".")
    home = sys.modules.get(module)
    found = vars(home).get(name) if isinstance(home, ModuleType) else None
    return found if isinstance(found, Task) and found.module_path == path else None


def task_of(given: object) -> Task[..., Any] | None:
    """Return the task of a job, as its parameters modify it; None when they are none of a task's.

    It is not asked whether it may be enqueued: a queue that QUEUES has no more still has tasks that wait.
    """
    if not isinstance(given, Mapping) or not isinstance(given.get("path"), str):
        return None
    fits = all(isinstance(given.get(name), kind) for name, kind in _MODIFIED.items())
    task = find_task(given["path"])
    if task is None or not (fits and isinstance(given.get("args"), list) and isinstance(given.get("kwargs"), dict)):
        return None
    modified = copy(task)
    for name in _MODIFIED:
        object.__setattr__(modified, name, given[name])
    return modified


def known_class(path: str) -> str:
    """Return the path of an error's class, or of JobFailed: Django imports what it is, for whoever asks a TaskError."""
    return path if path.rpartition(".")[0] in sys.modules else _JOB_FAILED
