"""What a job, its outcome and a log entry are: frozen values and the limits on them, no I/O."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from os import urandom
from typing import Any, Final, NamedTuple, Protocol, TypeAlias, assert_never

Encoded: TypeAlias = Any
"""A value in the tagged JSON of `liquid_background.jobs.handover`: None, bool, int, float, str, list or dict."""

MAX_DELAY: Final = 65_535.0  # minutes; platformOS API page, "Constraints"
MAX_ATTEMPTS: Final = 5  # platformOS API page; binds tags and consumers, not Python jobs
MAX_PARAMETERS: Final = 20  # platformOS API page
MAX_NAME: Final = 255  # characters of a parameter's name; platformOS API page
MAX_RETRIES: Final = 100  # of a Python job: every wait is worked out beforehand and travels in its record
MAX_RETRYING: Final = 7 * 24 * 3600.0  # seconds of all waits together: what fails for a week needs a person
MAX_TIMEOUT: Final = 86_400  # seconds an attempt; the setting JOB_TIMEOUT and a Python job's own end there
MAX_CONCURRENCY: Final = 100  # jobs of a group that run at once
MAX_PAYLOAD: Final = 100 * 1024  # bytes of uncompressed JSON: a store in memory holds ids and small values, not records
MAX_BODY: Final = 64 * 1024  # bytes of UTF-8: it travels with each job; a partial travels by its name
MAX_SOURCE_NAME: Final = 400  # bytes: a dialect allows 100 characters of any kind
MAX_LINE: Final = 2**31 - 1  # of a line or a column in a payload: far more than a template has
MAX_TRACEBACK: Final = 20_000  # characters of an outcome's traceback: its end, where the error is
MAX_MADE: Final = 2**31 - 1  # of `generation` and `may_make` in a payload: far more than any job needs

SOURCE_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,100}", re.ASCII)
SHOWABLE_SOURCE_NAME: Final = re.compile(r"[^\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]{1,100}(?<!\*)")
"""What a dialect may let a source name be: one line, whatever is in it. Who shows one escapes it.

None ends in `*`: a filter of that name would mean all names that begin so, and one of `*` every job there is.
"""
JOB_ID: Final = SOURCE_NAME
SITE: Final = re.compile(r"[A-Za-z0-9_-]{1,40}", re.ASCII)
_NOT_IN_SOURCE_NAMES: Final = re.compile(r"[^A-Za-z0-9_-]+", re.ASCII)


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

    @property
    def has_ended(self) -> bool:
        """Whether no attempt follows unless somebody starts a new run."""
        match self:
            case JobStatus.PENDING | JobStatus.RUNNING:
                return False
            case JobStatus.COMPLETED | JobStatus.FAILED | JobStatus.CANCELLED:
                return True
            case _:
                assert_never(self)

    @property
    def may_be_retried(self) -> bool:
        """Whether somebody may start a new run."""
        match self:
            case JobStatus.PENDING | JobStatus.RUNNING | JobStatus.COMPLETED:
                return False
            case JobStatus.FAILED | JobStatus.CANCELLED:
                return True
            case _:
                assert_never(self)


_FROM_RQ = {
    "started": JobStatus.RUNNING,
    "finished": JobStatus.COMPLETED,
    "failed": JobStatus.FAILED,
    "stopped": JobStatus.CANCELLED,
    "canceled": JobStatus.CANCELLED,
}


def words_in_rq(status: JobStatus) -> tuple[str, ...]:
    """Return RQ's words for a status; those of pending are all others."""
    return tuple(word for word, of in _FROM_RQ.items() if of is status)


class LogStatus(StrEnum):
    """How an attempt ended, in the job log."""

    SUCCESS = "SUCCESS"  # the body rendered
    FAILED = "FAILED"  # the body raised, or hit a limit
    LOST = "LOST"  # the worker died in mid-attempt, or the record was gone
    CANCELLED = "CANCELLED"  # taken back
    REFUSED = "REFUSED"  # not a job that a worker may run

    @property
    def job_status(self) -> JobStatus:
        """What a job is after an attempt that ended so, when no other follows."""
        match self:
            case LogStatus.SUCCESS:
                return JobStatus.COMPLETED
            case LogStatus.FAILED | LogStatus.LOST | LogStatus.REFUSED:
                return JobStatus.FAILED
            case LogStatus.CANCELLED:
                return JobStatus.CANCELLED
            case _:
                assert_never(self)


class Ending(StrEnum):
    """How a worker ends an attempt, in the words of the step script."""

    SUCCESS = "success"  # it returned
    FAILED = "failed"  # it raised, or hit a limit
    CRASHED = "crashed"  # its process died
    UNBEGUN = "unbegun"  # its process died between the start and the body; the third time it counts as crashed
    CANCELLED = "cancelled"  # someone took it back
    BACK = "back"  # the worker stops; the attempt does not count

    @property
    def log_status(self) -> LogStatus:
        """What the job log says of an attempt that ended so."""
        match self:
            case Ending.SUCCESS:
                return LogStatus.SUCCESS
            case Ending.FAILED:
                return LogStatus.FAILED
            case Ending.CRASHED | Ending.UNBEGUN | Ending.BACK:
                return LogStatus.LOST
            case Ending.CANCELLED:
                return LogStatus.CANCELLED
            case _:
                assert_never(self)

    @property
    def is_failure(self) -> bool:
        """Whether a job fails that no attempt follows after one that ended so."""
        return self.log_status.job_status is JobStatus.FAILED


@dataclass(frozen=True, slots=True)
class Group:
    """A name with a maximum: of the jobs that carry it, only so many may run at once."""

    name: str  # as SOURCE_NAME
    max_concurrency: int = 1  # from 1 to MAX_CONCURRENCY; each job carries its own


def plain_name(name: str) -> str:
    """Return a name with _ for what source names do not allow; it may be longer than they are."""
    return _NOT_IN_SOURCE_NAMES.sub("_", name)


def new_id() -> str:
    """Return a random UUID, version 4, as 32 hex digits: what `uuid4().hex` is, without its object, for every block."""
    digits = urandom(16).hex()
    return f"{digits[:12]}4{digits[13:16]}{_VARIANT[digits[16]]}{digits[17:]}"


_VARIANT: Final = dict(zip("0123456789abcdef", "89ab" * 4, strict=True))
"""A random digit as one whose two high bits are those of a UUID's variant."""


_traced: Callable[[], str] | None = None


def carry_traces(current: Callable[[], str] | None) -> None:
    """Have each job that this process makes carry what is current then, as a W3C `traceparent`; None for nothing.

    It is the process's, as tracing is: see `liquid_background.otel`.
    """
    global _traced  # noqa: PLW0603
    _traced = current


def _traceparent() -> str:
    return "" if _traced is None else _traced()


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
    group: Group | None = None
    generation: int = 0  # how many jobs made it, one after the other, since a page or Python code made the first
    regain_parts: int = 1  # see `liquid_background.jobs.family`
    may_make: int | None = None  # jobs, with those that they make; None: as many as a first job
    edited_from: str = ""  # the id of the job that it was made from, with other values
    parent: str = field(default="", repr=False, compare=False)  # id of the job or page render that made it
    traceparent: str = field(default_factory=_traceparent, repr=False, compare=False)  # of the span that made it
    id: str = field(default_factory=new_id)
    data: bytes | None = field(default=None, init=False, repr=False, compare=False)  # what `encode_data` made


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


_SUCCESS, _FAILED = Ending.SUCCESS, Ending.FAILED  # a look at the class for one takes a microsecond in Python 3.11


class Outcome(NamedTuple):  # made once a job, so it has to be cheap
    """How one attempt ended, and what it wants written in the same step."""

    result: Encoded = None  # the rendered text, or what a function returned; None when it failed
    error: str | None = None  # one line: why it did not succeed
    raised: str = ""  # the class of the error; empty where none was raised
    traceback: str = ""  # for RQ's exc_info
    retry: bool = True  # whether a failure may be tried again
    duration: int = 0  # milliseconds
    jobs: tuple[Job, ...] = ()  # made by the attempt; only a success sends them
    entries: tuple[LogEntry, ...] = ()  # logged by the attempt; sent either way
    exception: BaseException | None = None  # the error as it was raised, for hooks that take it

    @property
    def succeeded(self) -> bool:
        return self.error is None

    @property
    def failed(self) -> bool:
        """Whether it counts as a failure: what has not succeeded need not be one."""
        return self.error is not None and self.ending.is_failure

    @property
    def ending(self) -> Ending:
        """How the attempt ended, as far as the attempt itself can tell."""
        return _SUCCESS if self.error is None else _FAILED

    def is_last(self, attempt: int, max_attempts: int) -> bool:
        """Return whether no attempt follows the one that ended so."""
        return not self.failed or not self.retry or attempt >= max_attempts

    def fails_job(self, attempt: int, max_attempts: int) -> bool:
        """Return whether a job has failed with the attempt that ended so: `on_failure` hooks hear of these."""
        return self.failed and self.is_last(attempt, max_attempts)


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
    edited_from: str = ""  # the id of the job that it was made from, with other values; empty for none
    parent: str = ""  # id of the job or the page render that made it; empty when neither did
    runs: str = ""  # what `source` is: "source", "partial" or "function"; empty when the record does not say
