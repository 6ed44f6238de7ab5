"""How a command of ours ends that is stopped while Django starts: as it does later, without a traceback of Django's."""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType
from typing import Final

_PREFIX: Final = "liquid_"
_WORKER: Final = f"{_PREFIX}worker"
INTERRUPTED: Final = 130  # what shells make of Ctrl-C


def is_command() -> bool:
    """Return whether `manage.py` or `django-admin` sets Django up, which prints a traceback of all that is raised."""
    management = sys.modules.get("django.core.management")  # which a server has no need of, and does not load
    if management is None:
        return False
    code = management.ManagementUtility.execute.__code__
    frame: FrameType | None = sys._getframe()
    while frame is not None and frame.f_code is not code:
        frame = frame.f_back
    return frame is not None


def own_command() -> str | None:
    """Return which of our commands Django is being set up for; None for all else."""
    name = sys.argv[1] if len(sys.argv) > 1 else ""
    return name if name.startswith(_PREFIX) and is_command() else None


def end_quietly() -> None:
    """Have a command of ours end without a word, as `poscli` does: a worker with 0, another one as after Ctrl-C.

    Nothing has begun yet, so there is nothing to finish or give back.
    """
    command = own_command()
    if command == _WORKER:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: os._exit(0))
    elif command is not None and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, lambda *_: os._exit(INTERRUPTED))


def end_as_usual() -> None:
    """Have Ctrl-C interrupt what runs again; a worker listens for itself."""
    if own_command() not in (None, _WORKER):
        signal.signal(signal.SIGINT, signal.default_int_handler)
