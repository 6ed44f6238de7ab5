"""An application whose action holds one of a few locks of the operating system: the oracle of the kill test."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

from liquid_background import Engine
from liquid_background.settings import load_settings

engine = Engine(settings=load_settings())


@engine.action
def hold(folder: str, number: int, slots: int, seconds: float) -> int:
    """Hold one of the locks for a while; the kernel frees it when this process dies."""
    _note(folder, "begun", str(number))
    for slot in range(slots):
        with Path(folder, f"slot{slot}").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            time.sleep(seconds)
            _note(folder, "held", f"{number} {slot}")
            return number
    _note(folder, "too_many", str(number))
    raise RuntimeError(f"more than {slots} at once")


def _note(folder: str, kind: str, text: str) -> None:
    descriptor = os.open(Path(folder, kind), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(descriptor, f"{text}\n".encode())
    os.close(descriptor)
