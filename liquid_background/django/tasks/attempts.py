"""What became of each attempt of a task that has ended: its worker, and its error. Kept beside the job's own record."""

from __future__ import annotations

import json
import os
import socket
import traceback
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Final

from liquid_background.engine import Engine
from liquid_background.job import MAX_RETRYING, MAX_TRACEBACK
from liquid_background.jobs.site import own_name
from liquid_background.jobs.store import read_replies

_LOST: Final = "lost"  # the worker of an attempt that nobody was left to tell of

_in_memory: dict[str, list[str]] = {}  # of an engine whose jobs are a double's


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """An attempt that has ended, or, as its worker told of it when it began, goes on."""

    attempt: int
    worker: str
    started: float  # seconds since 1970
    kind: str | None = None  # the path of the error's class
    traceback: str = ""
    goes_on: bool = False

    @classmethod
    def begun(cls, attempt: int, started: float) -> Ended:
        """Return an attempt of this process that goes on."""
        return cls(attempt=attempt, worker=worker_id(), started=started, goes_on=True)

    @classmethod
    def now(cls, attempt: int, started: float, error: BaseException | None = None) -> Ended:
        """Return an attempt of this process that ends now."""
        if error is None:
            return cls(attempt=attempt, worker=worker_id(), started=started)
        return cls(
            attempt=attempt,
            worker=worker_id(),
            started=started,
            kind=f"{type(error).__module__}.{type(error).__qualname__}",
            traceback="".join(traceback.format_exception(error))[-MAX_TRACEBACK:],
        )


def worker_id() -> str:
    """Return the name of this process among workers."""
    return f"{socket.gethostname()}-{os.getpid()}"


def tell(engine: Engine, job_id: str, ended: Ended) -> None:
    """Keep what became of an attempt, for as long as the job's record may be kept; the first one begins a new run."""
    text = json.dumps(asdict(ended))
    if engine.job_store is not None:
        _in_memory[job_id] = [*(_in_memory.get(job_id, ()) if ended.attempt > 1 else ()), text]
        return
    seconds = MAX_RETRYING + max(engine.settings.result_ttl, engine.settings.failure_ttl)
    with engine.store.client.pipeline() as pipeline:
        if ended.attempt == 1:
            pipeline.delete(_key(engine, job_id))
        pipeline.rpush(_key(engine, job_id), text)
        pipeline.expire(_key(engine, job_id), int(seconds))
        read_replies(pipeline)


def _stored(engine: Engine, job_id: str) -> list[Any]:
    with engine.store.client.pipeline(transaction=False) as pipeline:
        pipeline.lrange(_key(engine, job_id), 0, -1)
        (texts,) = read_replies(pipeline)
    return texts or []


def told_attempts(engine: Engine, job_id: str) -> list[Ended]:
    """Return the attempts of a job that were told of, in order; of one number the last."""
    if engine.job_store is not None:
        texts: list[Any] = [*_in_memory.get(job_id, ())]
    else:
        texts = _stored(engine, job_id)
    found = {each.attempt: each for text in texts if (each := _read(text)) is not None}
    return [found[number] for number in sorted(found)]


def ended_attempts(engine: Engine, job_id: str) -> list[Ended]:
    """Return those that have ended."""
    return [each for each in told_attempts(engine, job_id) if not each.goes_on]


def _read(text: str | bytes) -> Ended | None:
    """Return an attempt as it was told; None for what is none, since others write to the store, too."""
    try:
        said = json.loads(text)
        number, worker, started = int(said["attempt"]), str(said["worker"]), float(said["started"])
        datetime.fromtimestamp(started, UTC)
        kind = said["kind"]
        trace, goes_on = str(said["traceback"]), said.get("goes_on", False) is True
    except (ValueError, TypeError, KeyError, ArithmeticError, OSError, RecursionError):
        return None
    return Ended(
        attempt=number,
        worker=worker,
        started=started,
        kind=None if kind is None else str(kind),
        traceback=trace,
        goes_on=goes_on,
    )


def workers(ended: list[Ended], attempts: int) -> list[str]:
    """Return the worker of each attempt, the first one first."""
    known = {each.attempt: each.worker for each in ended}
    return [known.get(number, _LOST) for number in range(1, attempts + 1)]


def _key(engine: Engine, job_id: str) -> str:
    return own_name(engine.store.site, f"liquid_background:task_attempts:{job_id}")
