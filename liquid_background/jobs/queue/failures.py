"""Attempts that failed, as the replies of moves tell of them: what a worker says in its own log."""

from __future__ import annotations

import json
import zlib
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from liquid_background.job import LogEntry, LogStatus
from liquid_background.jobs.log.entry import BEFORE_ALL, MAX_FIELD, decode_entry
from liquid_background.jobs.queue.finishing import Finish
from liquid_background.jobs.queue.moves import Refused
from liquid_background.jobs.queue.protocol import MAX_SHOWN, EndValues

_STEP_WORD: Final = 4  # where a step's reply says how an attempt failed
_TICK_ENTRIES: Final = 5  # where a tick's reply holds the last log entries of jobs that failed


@dataclass(frozen=True, slots=True)
class Failure:
    """An attempt that failed: its log entry, which is final when the job has failed with it."""

    entry: LogEntry
    traceback: str = ""  # empty where a process died, or nothing raised
    token: str = ""  # of the lease: the same failure may be told of twice

    def encoded(self) -> bytes:
        """Return it as one line for another process."""
        entry = {**asdict(self.entry), "time": None}
        return json.dumps([entry, self.traceback, self.token]).encode("ascii") + b"\n"

    @classmethod
    def decoded(cls, line: bytes) -> Failure:
        """Return what a process encoded."""
        entry, traceback, token = json.loads(line)
        status = LogStatus(entry.pop("status"))
        return cls(LogEntry(**entry, status=status), traceback, token)


def failure_of_step(done: Finish, reply: Any) -> Failure | None:
    """Return the failure that a step's reply tells of."""
    if not isinstance(reply, list) or len(reply) <= _STEP_WORD:
        return None
    status, attempt, final = reply[_STEP_WORD].decode("ascii").split()
    end = EndValues._make(done.arguments[: len(EndValues._fields)])
    job = done.job
    entry = LogEntry(
        job_id=job.id,
        source_name=job.source_name,
        template=job.template,
        line=job.line,
        attempt=int(attempt),
        max_attempts=job.max_attempts,
        status=LogStatus(status),
        duration=end.duration,
        message=end.message.decode("utf-8", "backslashreplace"),
        final=final == "1",
    )
    trace = _traceback(end.value)
    return Failure(entry, "" if trace == entry.message else trace, job.token)


def _traceback(value: bytes) -> str:
    """Return the traceback in the end of an attempt that failed."""
    return zlib.decompress(b64decode(value)).decode("utf-8", "backslashreplace")


def failures_of_tick(reply: Any) -> Iterator[Failure]:
    """Yield the jobs that failed in a tick, such as those whose workers died too often."""
    if isinstance(reply, list) and len(reply) > _TICK_ENTRIES:
        for pairs in reply[_TICK_ENTRIES]:
            fields = {name: _bytes(value) for name, value in zip(pairs[::2], pairs[1::2], strict=True)}
            yield Failure(replace(decode_entry(BEFORE_ALL, fields), id="", time=None))


def _bytes(value: bytes | int) -> bytes:
    return value[:MAX_FIELD] if isinstance(value, bytes) else str(value).encode("ascii")


def failure_of_refusal(job: Refused) -> Failure:
    """Return the failure of a job that was set aside, since it may not run."""
    shown = job.id[:MAX_SHOWN].decode("utf-8", "backslashreplace")
    return Failure(LogEntry(job_id=shown, status=LogStatus.REFUSED, message=job.reason, final=True))
