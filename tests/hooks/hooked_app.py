"""An application whose hooks write what they see to the file HOOKS_LOG, and do what HOOKS_DO says of an event."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from contextvars import ContextVar

from liquid_background import Attempt, Engine, Failure, NonRetryable

engine = Engine()
current: ContextVar[str] = ContextVar("current", default="")


def _note(event: str, *words: object) -> None:
    line = " ".join([event, str(os.getpid()), *map(str, words)])
    descriptor = os.open(os.environ["HOOKS_LOG"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(descriptor, f"{line}\n".encode())
    os.close(descriptor)
    _do(json.loads(os.environ.get("HOOKS_DO", "{}")).get(event, ""))


def _do(what: str) -> None:
    if what == "raise":
        raise ValueError("trouble")
    if what == "hang":
        time.sleep(60)
    if what == "end":
        sys.exit("no schema")
    if what == "die":
        os._exit(3)


@engine.on_worker_start
def worker_starts() -> None:
    _note("worker_start")


@engine.on_child_start
async def child_starts() -> None:
    _note("child_start")


@engine.on_child_stop
def child_stops() -> None:
    _note("child_stop")


engine.on_child_stop(lambda: _note("child_stop_first"))


@engine.around_job
def around(job: Attempt) -> Iterator[None]:
    current.set(job.id)
    _note("enter", job.id, job.attempt)
    try:
        yield
    except BaseException as error:
        _note("error", job.id, type(error).__name__)
        raise
    finally:
        _note("leave", job.id)


@engine.on_failure
def failed(failure: Failure) -> None:
    _note("failure", failure.job.id, failure.job.attempt, type(failure.exception).__name__, failure.error)


@engine.action
def work(what: str = "") -> str:
    if what == "refuse":
        raise NonRetryable("gone")
    _do(what)
    return current.get()


@engine.action
async def work_async() -> str:
    return current.get()
