"""What a job, its outcome and a log entry are: frozen values and the limits on them, no I/O."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from os import urandom
from typing import Any, Final, Protocol, TypeAlias

Encoded: TypeAlias = Any
"""A value in the tagged JSON of `liquid_background.handover`: None, bool, int, float, str, list or dict."""

PAYLOAD_VERSION: Final = 1
FUNCTION: Final = "liquid_background.rq_entry.perform"
"""The one function that our RQ jobs name; a worker runs no other."""

MAX_DELAY: Final = 65_535.0  # minutes; platformOS API page, "Constraints"
MAX_ATTEMPTS: Final = 5  # platformOS API page; binds tags and consumers, not Python jobs
MAX_PARAMETERS: Final = 20  # platformOS API page
MAX_NAME: Final = 255  # characters of a parameter's name; platformOS API page
MAX_RETRIES: Final = 100  # design, section 6; binds Python jobs
MAX_RETRYING: Final = 7 * 24 * 3600.0  # seconds from the first wait to the last; design, section 6
MAX_TIMEOUT: Final = 86_400.0  # seconds an attempt; the setting JOB_TIMEOUT and a Python job's own end there
MAX_CONCURRENCY: Final = 100  # Gadget's queues
MAX_PAYLOAD: Final = 100 * 1024  # bytes of uncompressed JSON; design, section 3
MAX_BODY: Final = 64 * 1024  # bytes of UTF-8; design, section 3
MAX_LINE: Final = 2**31 - 1  # of a line or a column in a payload: far more than a template has
MAX_MADE: Final = 2**31 - 1  # of the jobs that made or may be made in a payload: far more than any may make

SOURCE_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,100}", re.ASCII)
JOB_ID: Final = SOURCE_NAME


class Priority(StrEnum):
    """The RQ queue that a job waits in; strict at claim time: high before default before low."""

    HIGH = "high"
    DEFAULT = "default"
    LOW = "low"


class JobStatus(StrEnum):
    """What a job's record says, in the public words; RQ's own stay inside the RQ records."""

    PENDING = "pending"  # waits: in a queue, for its due time, for a retry, or claimed and not started
    RUNNING = "running"  # an attempt has started
    COMPLETED = "completed"  # an attempt succeeded
    FAILED = "failed"  # the last attempt that it had failed, or it was refused
    CANCELLED = "cancelled"  # taken back before it completed

    @classmethod
    def from_rq(cls, status: str) -> JobStatus:
        """Return the public status for one of RQ's; an unknown word counts as pending."""
        return _FROM_RQ.get(status, cls.PENDING)


_FROM_RQ = {
    "started": JobStatus.RUNNING,
    "finished": JobStatus.COMPLETED,
    "failed": JobStatus.FAILED,
    "stopped": JobStatus.CANCELLED,
    "canceled": JobStatus.CANCELLED,
}


class LogStatus(StrEnum):
    """How an attempt ended, in the job log."""

    SUCCESS = "SUCCESS"  # the body rendered
    FAILED = "FAILED"  # the body raised, or hit a limit
    LOST = "LOST"  # the worker died in mid-attempt, or the record was gone
    CANCELLED = "CANCELLED"  # taken back
    REFUSED = "REFUSED"  # not a job that a worker may run


@dataclass(frozen=True, slots=True)
class ConcurrencyGroup:
    """A named queue of which only so many jobs may run at once."""

    name: str  # as SOURCE_NAME
    max_concurrency: int = 1  # from 1 to MAX_CONCURRENCY; each job carries its own


def new_id() -> str:
    """Return a random UUID, version 4, as 32 hex digits: what `uuid4().hex` is, without its object, for every block."""
    number = int.from_bytes(urandom(16), "big")
    return f"{number & ~(0xF << 76 | 0x3 << 62) | 0x4 << 76 | 0x2 << 62:032x}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One job to enqueue. Exactly one of `source`, `partial` and `function` says what runs."""

    source_name: str
    template: str
    line: int  # 1-based, where `source` starts in the template
    column: int = 0  # 0-based, where `source` starts in that line
    source: str | None = None  # Liquid, sliced from the template
    partial: str | None = None  # the name of a partial to render
    function: str | None = None  # "module:qualified.name" of a registered Python function
    parameters: Mapping[str, Encoded] = field(default_factory=dict)
    handed_over: Mapping[str, Encoded] = field(default_factory=dict)  # path as written, such as "user.email"
    priority: Priority = Priority.DEFAULT
    delay: float = 0.0  # minutes
    start_at: float | None = None  # seconds since 1970 by the store's clock, instead of a delay
    max_attempts: int = 1
    waits: tuple[float, ...] | None = None  # seconds before attempts 2, 3, …; None: the settings' at enqueue
    timeout: float | None = None  # seconds an attempt; None: the settings' at enqueue
    group: ConcurrencyGroup | None = None
    generation: int = 0  # how many jobs made it, one after the other, since a page or Python code made the first
    regain_parts: int = 1  # see `liquid_background.family`
    may_make: int | None = None  # jobs, with those that they make; None: as many as a first job
    id: str = field(default_factory=new_id)
    data: bytes | None = field(default=None, init=False, repr=False, compare=False)  # what `encode` made

    def payload(self) -> dict[str, Any]:
        """Return the versioned payload: what a worker needs, as plain JSON values."""
        return {**_named(self._shared()), **self._own()}

    def _shared(self) -> tuple[Any, ...]:
        """Return what the jobs of one block share: the values of _SHARED."""
        return (self.template, self.line, self.column, self.source, self.partial, self.function)

    def _own(self) -> dict[str, Any]:
        """Return the rest of the payload."""
        family = {}
        if self.may_make is not None:
            family = {"generation": self.generation, "may_make": self.may_make, "regain_parts": self.regain_parts}
        return {
            "source_name": self.source_name,
            "delay": self.delay,
            "max_attempts": self.max_attempts,
            "parameters": self.parameters,
            "handed_over": self.handed_over,
            **family,
        }

    def admit(self, generation: int, may_make: int, regain_parts: int = 1) -> None:
        """Take the place that its render gives it, before it is sent: only then are its siblings known."""
        if self.data is not None:
            plain = self.data if self.may_make is None else self.data[: self.data.rindex(_FAMILY)] + DATA_END
            place = b'%b%d,"may_make":%d,"regain_parts":%d' % (_FAMILY, generation, may_make, regain_parts)
            object.__setattr__(self, "data", plain.removesuffix(DATA_END) + place + DATA_END)
        object.__setattr__(self, "generation", generation)
        object.__setattr__(self, "may_make", may_make)
        object.__setattr__(self, "regain_parts", regain_parts)

    def encode(self) -> bytes:
        """Return the `data` field of the RQ record: (function, instance, args, kwargs) as JSON; encoded once."""
        if self.data is None:
            head = (_head if self.source is None else _kept_head)(self._shared())
            data = f"{head},{_encode_json(self._own())[1:]}],{{}}]"
            object.__setattr__(self, "data", data.encode("ascii"))
        assert self.data is not None
        return self.data


def encode_payload(payload: Mapping[str, Any]) -> bytes:
    """Return a payload that was read back as `Job.encode` had written it."""
    return _encode_json((FUNCTION, None, (payload,), {})).encode("ascii")


_SHARED: Final = ("template", "line", "column", "source", "partial", "function")


def _named(values: tuple[Any, ...]) -> dict[str, Any]:
    given = {name: value for name, value in zip(_SHARED, values, strict=True) if value is not None}
    return {"v": PAYLOAD_VERSION, **given}


def _head(values: tuple[Any, ...]) -> str:
    """Return the data of a record up to the job's own values."""
    return f'["{FUNCTION}",null,[{_encode_json(_named(values))[:-1]}'


# A body is long, and the same for many jobs; its length has been checked, where a partial's name could be anything.
_kept_head = lru_cache(maxsize=128)(_head)


_encode_json: Final = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


DATA_END: Final = b"}],{}]"
"""What the data of a record ends with, behind the last of its job's own values."""
_FAMILY: Final = b',"generation":'


@dataclass(frozen=True, slots=True, kw_only=True)
class LogEntry:
    """One record of the job log: how an attempt ended (with a status), or a line that a template logged."""

    job_id: str = ""  # empty for a line that a page logged
    source_name: str = ""
    template: str = ""
    line: int = 0
    attempt: int = 0
    max_attempts: int = 0
    status: LogStatus | None = None
    duration: int = 0  # milliseconds
    message: str = ""
    type: str = "job"  # "job" for an attempt's end; else the type that {% log %} gave, "info" by default
    final: bool = False  # exactly one entry of a job's run is final
    id: str = ""  # the stream's id, once read back
    time: datetime | None = None  # aware UTC, once read back


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How one attempt ended, and what it wants written in the same step."""

    result: Encoded = None  # the rendered text, or what a function returned; None when it failed
    error: str | None = None  # one line; None when it succeeded
    traceback: str = ""  # for RQ's exc_info
    retry: bool = True  # whether a failure may be tried again
    duration: int = 0  # milliseconds
    jobs: tuple[Job, ...] = ()  # made by the attempt; only a success sends them
    entries: tuple[LogEntry, ...] = ()  # logged by the attempt; sent either way

    @property
    def succeeded(self) -> bool:
        return self.error is None


class Performer(Protocol):
    """What a worker needs of an engine: it performs one attempt and says how it ended."""

    def perform(self, job_id: str, payload: dict[str, Any], attempt: int, max_attempts: int) -> Outcome:
        """Perform one attempt of a job. JobTimeout may be raised inside at the attempt's limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRecord:
    """A job read back from the store."""

    id: str
    source_name: str
    status: JobStatus
    priority: str
    delay: float  # minutes
    max_attempts: int
    attempts: int  # started so far in this run
    parameters: Mapping[str, Any]
    handed_over: Mapping[str, Any]
    source: str  # Liquid, or the name of the partial or function
    template: str
    line: int
    result: Any = None
    error: str | None = None
    created_at: datetime | None = None  # aware UTC, as are the next two
    started_at: datetime | None = None
    completed_at: datetime | None = None
