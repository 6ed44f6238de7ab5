"""What a worker says in its own log, by `logging`: its start and stop, and each job that fails for good."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Final

from liquid_background.job import Priority
from liquid_background.jobs.log import format_entry, printable
from liquid_background.jobs.log.lines import steady
from liquid_background.jobs.queue.failures import Failure
from liquid_background.settings import Settings
from liquid_background_worker.slot import Slot
from liquid_background_worker.version import own_version

logger = logging.getLogger("liquid_background.worker")
jobs_logger = logging.getLogger("liquid_background.worker.jobs")

FIELDS: Final = "liquid_background"
"""The attribute of a log record that holds what it says by names."""
_BURST: Final = 1_000  # failures that are told of at once
_PER_SECOND: Final = 10.0  # failures that are told of for long
_COUNTED: Final = 10.0  # seconds between two lines that say how many were left out
_REMEMBERED: Final = 1_000  # failures that are known when they are told of twice
_INDENT: Final = "  "


class Shown(str):
    """A message in which all that could start a line, or move or colour one, is shown escaped already."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Identity:
    """What a worker is."""

    name: str
    store: str  # `Store.url`
    site: str
    queues: tuple[str, ...]  # that it serves
    app: str  # the setting, empty without one
    app_version: str  # empty where none is known
    runs: str  # what its registration says of the application


@dataclass(slots=True)
class Ran:
    """What a worker has run when it stops, and why it does."""

    why: str = "the burst is over"
    completed: int = 0
    failed: int = 0
    since: float = field(default_factory=monotonic)

    def add(self, slot: Slot) -> None:
        """Add the attempts of a child that has ended."""
        completed, failed, _ = slot.counters()
        self.completed += completed
        self.failed += failed


def say(to: logging.Logger, level: int, message: str, fields: Mapping[str, Any], traceback: str = "") -> None:
    """Log a message that is printable, with the names and values of what it says."""
    if not to.isEnabledFor(level):
        return
    record = to.makeRecord(to.name, level, __file__, 0, Shown(message), (), None, extra={FIELDS: dict(fields)})
    if traceback:  # where every formatter adds what it knows of an error, below the message
        record.exc_text = "\n".join(_INDENT + printable(line) for line in traceback.rstrip("\n").split("\n"))
        setattr(record, f"{FIELDS}_traceback", traceback)
    to.handle(record)


def say_start(who: Identity, processes: int, settings: Settings) -> None:
    """Say who starts, in how many processes, within which limits."""
    fields = {
        "event": "start",
        "worker": who.name,
        "version": own_version(),
        "app": who.app or None,
        "app_version": who.app_version or None,
        "store": who.store,
        "site": who.site or None,
        "queues": list(who.queues),
        "processes": processes,
        "job_timeout": settings.job_timeout,
        "memory_limit_mb": settings.memory_limit,
        "lease": settings.lease,
    }
    app = " ".join(map(steady, filter(None, (who.app or "no app", who.app_version))))
    children = "1 process" if processes == 1 else f"{processes} processes"
    site = f"site {who.site}, " if who.site else ""
    line = (
        f"worker {steady(who.name)} starts: liquid-background {fields['version']}, {app}, "
        f"store {printable(who.store)}, {site}"
        f"queues {', '.join(who.queues)}, {children}, "
        f"limits {_limits(settings)} and {settings.memory_limit} MB a job, lease {settings.lease:g} s"
    )
    say(logger, logging.INFO, line, fields)


def _limits(settings: Settings) -> str:
    """Return how long a job may take: of each priority, where they differ."""
    seconds = {queue: settings.job_timeout_of(queue) for queue in Priority}
    if len({*seconds.values()}) == 1:
        return f"{seconds[Priority.HIGH]:g} s"
    return ", ".join(f"{most:g} s ({queue})" for queue, most in seconds.items())


def say_stop(who: Identity, ran: Ran) -> None:
    """Say who stops, why, and what it has done."""
    attempts, seconds = ran.completed + ran.failed, monotonic() - ran.since
    shown = "1 attempt" if attempts == 1 else f"{attempts} attempts"
    line = (
        f"worker {steady(who.name)} stops: {ran.why}; it ran {shown}, {ran.failed} of them failed, in {seconds:.1f} s"
    )
    fields = {"event": "stop", "worker": who.name, "why": ran.why, "attempts": attempts, "failed": ran.failed}
    say(logger, logging.INFO, line, {**fields, "seconds": round(seconds, 1)})


class Failures:
    """Tells of each job that fails for good in one record; of a storm of them it shows some, and counts the rest."""

    def __init__(self) -> None:
        self._told: dict[tuple[str, str], None] = {}  # the newest last
        self._room = float(_BURST)
        self._since = monotonic()
        self._left_out = 0
        self._count_at = 0.0

    def tell_all(self, reports: Iterable[Failure | int]) -> None:
        """Tell of failures; a number is of those that nothing else is known of."""
        for report in reports:
            if isinstance(report, int):
                self._leave_out(report)
            elif not report.entry.final:
                _say_failure(report, logging.DEBUG)
            elif self._is_new(report):
                self._tell(report)

    def _is_new(self, failure: Failure) -> bool:
        """Whether it has not been told of: a child may die right after it told its supervisor, and is settled then."""
        key = (failure.entry.job_id, failure.token)
        if failure.token:
            if key in self._told:
                return False
            self._told[key] = None
            if len(self._told) > _REMEMBERED:
                del self._told[next(iter(self._told))]
        return True

    def _tell(self, failure: Failure) -> None:
        now = monotonic()
        self._room, self._since = min(_BURST, self._room + (now - self._since) * _PER_SECOND), now
        if self._room < 1:
            self._leave_out(1)
            return
        self._room -= 1
        _say_failure(failure, logging.ERROR)

    def _leave_out(self, count: int) -> None:
        if not self._left_out:
            self._count_at = monotonic() + _COUNTED
        self._left_out += count

    def count(self, *, at_once: bool = False) -> None:
        """Say now and then, or at once, how many failures were left out."""
        if self._left_out and (at_once or monotonic() >= self._count_at):
            jobs = "1 more job" if self._left_out == 1 else f"{self._left_out} more jobs"
            line = f"{jobs} failed that no line here tells of: 'poscli logs --status FAILED' does"
            say(jobs_logger, logging.ERROR, line, {"event": "left out", "count": self._left_out})
            self._left_out = 0


def _say_failure(failure: Failure, level: int) -> None:
    entry = failure.entry
    shown = format_entry(entry) if entry.source_name else f"background job - {entry.status}: {printable(entry.message)}"
    fields = {
        "event": "failure",
        "job_id": entry.job_id,
        "source_name": entry.source_name,
        "template": entry.template,
        "line": entry.line,
        "attempt": entry.attempt,
        "max_attempts": entry.max_attempts,
        "status": str(entry.status),
        "duration_ms": entry.duration,
        "error": entry.message,
        "final": entry.final,
    }
    say(jobs_logger, level, f"{shown} [job {steady(entry.job_id)}]", fields, failure.traceback)
