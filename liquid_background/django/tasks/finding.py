"""What names that come from the store stand for: only what is imported already, and a task only where one is run."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any, Final

from liquid_background.django.tasks.interface import Task

_JOB_FAILED: Final = "liquid_background.errors.JobFailed"


def find_task(path: str) -> Task[..., Any] | None:
    """Return the task that stands at a path, "shop.tasks.send_mail"; None when there is none.

    Only modules that are imported already are looked at, and only a Task is taken: whoever can write to the store must
    not be able to make a worker import or call what the application does not make a task of.
    """
    module, _, name = path.rpartition(".")
    home = sys.modules.get(module)
    found = vars(home).get(name) if isinstance(home, ModuleType) else None
    return found if isinstance(found, Task) and found.module_path == path else None


def known_class(path: str) -> str:
    """Return the path of an error's class, or of JobFailed: Django imports what it is, for whoever asks a TaskError."""
    return path if path.rpartition(".")[0] in sys.modules else _JOB_FAILED
