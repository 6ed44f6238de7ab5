"""An application whose alerts write lines to the file ALERTS_LOG, by a filter and by hooks."""

from __future__ import annotations

import os
import time
from pathlib import Path

from liquid_background import Engine, Event

engine = Engine()


def _note(line: str) -> None:
    descriptor = os.open(os.environ["ALERTS_LOG"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(descriptor, f"{line}\n".encode())
    os.close(descriptor)


def note(text: object) -> str:
    """`{{ text | note }}` writes a line; what ALERTS_DO names happens before, once for each line of that file."""
    do = Path(os.environ.get("ALERTS_DO", "/none"))
    for what in do.read_text().split() if do.exists() else []:
        if what == "hang":
            time.sleep(60)
        if what == "wait":
            while do.exists():
                time.sleep(0.01)
        if what == "die":
            os._exit(3)
        if what == "raise":
            raise ConnectionError("no mail server")
    _note(str(text))
    return "noted"


engine.environment.add_filter("note", note)


@engine.action
def work(what: str = "") -> str:
    """Fail, in one of several ways."""
    if what:
        raise ValueError(what)
    return "done"


@engine.action
def send_later() -> None:
    """Make a job that fails."""
    engine.enqueue(work, {"what": "of an alert"}, retries=0)


@engine.action
def sleep() -> None:
    """Keep a child busy."""
    time.sleep(5)


@engine.action
def nap() -> None:
    """Take a while, the first time only."""
    is_first = "nap" not in Path(os.environ["ALERTS_LOG"]).read_text()
    _note(f"nap {os.getpid()}")
    if is_first:
        time.sleep(60)


if "ALERTS_SCHEDULE" in os.environ:
    engine.schedule("0 * * * *", work, name="hourly")


def hear(event: Event) -> None:
    """Write what a hook is told."""
    _note(f"hook {event.type} {event.values['count']} {event.values['summary']}")


def hang(event: Event) -> None:
    """Take longer than any limit."""
    time.sleep(60)


for name in os.environ.get("ALERTS_HANG", "").split():
    engine.on_event(name)(hang)
for name in os.environ.get("ALERTS_HOOKS", "").split():
    engine.on_event(name)(hear)
