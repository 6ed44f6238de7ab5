"""What a hook is told: an attempt of a job, a job that has failed for good, or an event of the system."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from liquid_background.jobs.handover import decode_all


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt of a job, as a hook is told of it.

    Attributes:
        id: the job's.
        source_name: its name in the log.
        template: where it was made: a template, or the path of a Python function.
        line: the line there.
        attempt: number of this attempt, from 1.
        max_attempts: attempts that the job may have in all.
    """

    id: str
    source_name: str
    template: str
    line: int
    attempt: int
    max_attempts: int
    _payload: Mapping[str, Any] = field(repr=False, compare=False)

    @classmethod
    def of(cls, job_id: str, payload: Mapping[str, Any], attempt: int, max_attempts: int) -> Attempt:
        """Return an attempt of the job with that payload."""
        where = payload["source_name"], payload["template"], payload["line"]
        return cls(job_id, *where, attempt, max_attempts, payload)

    @property
    def parameters(self) -> dict[str, Any]:
        """Its parameters, as its body sees them; those of a Python function are in `args` and `kwargs`."""
        return decode_all(self._payload["parameters"])

    @property
    def handed_over(self) -> dict[str, Any]:
        """The values that were handed over from its page, by the paths as they are written."""
        return decode_all(self._payload["handed_over"])

    @property
    def function(self) -> str | None:
        """The path of the Python function that it calls, `module:name`; None when it renders Liquid."""
        path: str | None = self._payload.get("function")
        return path

    @property
    def traceparent(self) -> str:
        """The W3C `traceparent` of the span that made it, where one did: as it came, of whatever a payload may hold."""
        found = self._payload.get("traceparent")
        return found if isinstance(found, str) else ""

    @property
    def is_last(self) -> bool:
        """Whether no attempt follows if this one fails."""
        return self.attempt >= self.max_attempts


@dataclass(frozen=True, slots=True)
class Failure:
    """A job that has failed for good, as a hook is told of it.

    Attributes:
        job: its last attempt.
        error: the error as the job log has it, in one line.
        traceback: its traceback as text; empty when there is none.
        exception: the error as it was raised, for what takes exceptions; None when the job ran out of memory.
    """

    job: Attempt
    error: str
    traceback: str
    exception: BaseException | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """An event of the system, as a hook of `on_event` is told of it.

    Attributes:
        type: its name, such as job.failed.
        id: the same each time that it is told.
        date: when it is told; aware UTC.
        values: all that an alert's template sees as `event`, those three among it; see docs/alerts.md.
    """

    type: str
    id: str
    date: datetime
    values: Mapping[str, Any] = field(repr=False, compare=False)
