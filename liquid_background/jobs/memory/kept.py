"""One job in memory: what the store has in its record, encoded and read back as there."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from liquid_background.errors import JobRefused
from liquid_background.job import Job, JobRecord, JobStatus, LogEntry, LogStatus, Outcome
from liquid_background.jobs.contract import states_of
from liquid_background.jobs.log.entry import clip, encoded
from liquid_background.jobs.queue import keys
from liquid_background.jobs.queue.editing import EDITED
from liquid_background.jobs.queue.opening import open_claimed
from liquid_background.jobs.queue.payload import decode_payload
from liquid_background.jobs.queue.protocol import CLAIMED, Argument
from liquid_background.jobs.queue.records import READ, decode_record, encode_job, waits_of
from liquid_background.jobs.queue.results import NOT_KEPT, NOT_KEPT_FINAL
from liquid_background.jobs.site import queue_name
from liquid_background.settings import Settings


@dataclass(slots=True, eq=False)
class Kept:
    """One job and where it stands. `turn` is given by whoever keeps it, in the order in which jobs come to a place."""

    job: Job
    sent: Mapping[str, bytes]  # the fields that its sending wrote
    waits: tuple[float, ...]  # before attempts 2, 3, …
    created_at: bytes
    came_at: bytes  # to where it waits
    state: str  # in RQ's words
    due: float  # seconds since 1970; of what is in a queue, since when it is there
    turn: int
    site: str
    attempts: int = 0
    is_final: bool = False  # the run is over; the next attempt starts a new one
    is_cancelled: bool = False  # someone wants the running attempt ended
    error: bytes = b""
    traceback: str = ""  # of the attempt that it failed with
    result: bytes | None = None
    started_at: bytes | None = None
    ended_at: bytes | None = None

    @classmethod
    def of(cls, job: Job, settings: Settings, now: float, turn: int) -> Kept:
        """Return a job as it is sent at a time.

        Raises:
            JobRefused: when its id or number of attempts is outside its range.
        """
        values = encode_job(job, settings)
        written: Mapping[str, Argument] = {
            "data": values.data,
            "origin": queue_name(settings.site, values.queue),
            "timeout": values.timeout,
            "retry_intervals": values.waits,
            "description": values.source_name,
        }
        sent = {field: _field(value) for field, value in written.items()}
        due = max(now, now + job.delay * 60 if job.start_at is None else job.start_at)
        state = "scheduled" if due > now else "queued"
        return cls(job, sent, tuple(waits_of(job, settings)), _stamp(now), _stamp(now), state, due, turn, settings.site)

    @property
    def status(self) -> JobStatus:
        return JobStatus.from_rq(self.state)

    def begin(self) -> None:
        """Begin an attempt; the first behind the end of a run is the first of a new one."""
        if self.is_final:
            self.attempts, self.is_final, self.error, self.ended_at = 0, False, b"", None
        self.state, self.started_at = "started", _stamp(time.time())
        self.attempts += 1

    def requeue(self, wait: float, turn: int) -> None:
        """Have it wait for its next attempt, so many seconds at least."""
        now = time.time()
        self.state, self.due, self.turn = "scheduled" if wait else "queued", now + wait, turn
        self.came_at = _stamp(now)

    def reopen(self, turn: int) -> None:
        """Have it wait for a new run, of which nothing is known yet."""
        self.error, self.started_at, self.ended_at = b"", None, None
        self.requeue(0.0, turn)

    def close(self, status: LogStatus, turn: int) -> None:
        """End its run."""
        [self.state] = states_of(status.job_status)
        self.turn, self.ended_at, self.is_final, self.is_cancelled = turn, _stamp(time.time()), True, False

    def fail(self, error: str | None, traceback: str = "") -> None:
        """Note why an attempt failed; nothing when it has not."""
        self.traceback = traceback
        self.error = encoded(clip(error or ""))

    def place(self) -> tuple[str, int]:
        """Return what lists are ordered by: when it came to where it is, and its turn there."""
        ended = self.ended_at if self.status.has_ended else None
        started = self.started_at if self.status is JobStatus.RUNNING else None
        return ((ended or started or self.came_at).decode("ascii"), self.turn)

    def payload(self) -> Mapping[str, Any]:
        """Return the payload that a worker reads; blank when it could not read it."""
        try:
            return decode_payload(self.sent["data"])
        except JobRefused:
            return {}

    def edited_fields(self) -> list[bytes | None]:
        """Return what an edited job is made from."""
        group = self.job.group
        named = {keys.GROUP: group.name.encode(), keys.GROUP_LIMIT: b"%d" % group.max_concurrency} if group else {}
        return [{**self.sent, **named}.get(name) for name in EDITED]

    def entry(self, status: LogStatus, attempt: int, final: bool, outcome: Outcome | None = None) -> LogEntry:
        """Return what the log says of an attempt's end."""
        return LogEntry(
            job_id=self.job.id,
            source_name=self.job.source_name,
            template=self.job.template,
            line=self.job.line,
            attempt=attempt,
            max_attempts=self.job.max_attempts,
            status=status,
            duration=outcome.duration if outcome else 0,
            message=(outcome.error or "") if outcome else "",
            final=final,
        )

    def record(self) -> JobRecord:
        """Return the job as it is read back."""
        fields = self._fields()
        return decode_record(self.job.id, [*(fields[name] for name in READ), self.result], self.site)

    def check(self, settings: Settings) -> None:
        """Accept a job that a worker may run.

        Raises:
            JobRefused: naming what is wrong with it.
        """
        fields = self._fields()
        values = [fields.get(name) for name in CLAIMED]
        open_claimed(self.job.id.encode("ascii"), self.job.priority, b"", values, settings, now=time.time())

    def _fields(self) -> dict[str, bytes | None]:
        return {
            **self.sent,
            "status": self.state.encode("ascii"),
            keys.FINAL: (b"%d" % (NOT_KEPT_FINAL if self.result == NOT_KEPT else 1)) if self.is_final else None,
            keys.ATTEMPT: b"%d" % self.attempts,
            keys.ERROR: self.error,
            "created_at": self.created_at,
            "started_at": self.started_at,
            "ended_at": self.ended_at,
        }


def _field(value: Argument) -> bytes:
    return value if isinstance(value, bytes) else encoded(str(value))


def _stamp(seconds: float) -> bytes:
    return datetime.fromtimestamp(seconds, UTC).strftime(keys.TIME_FORMAT).encode("ascii")
