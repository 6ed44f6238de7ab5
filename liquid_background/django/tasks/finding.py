"""Finding a task by its path: what a job in the store may have a worker run, and nothing else."""

from __future__ import annotations

import sys
from typing import Any

from liquid_background.django.tasks.interface import Task


def find_task(path: str) -> Task[..., Any] | None:
    """Return the task that stands at a path, "shop.tasks.send_mail"; None when there is none.

    Only modules that are imported already are looked at, and only a Task is taken: whoever can write to the store must
    not be able to make a worker import or call what the application does not make a task of.
    """
    module, _, name = path.rpartition(".")
    found = vars(sys.modules[module]).get(name) if module in sys.modules else None
    return found if isinstance(found, Task) and found.module_path == path else None
