"""A failure group as it is shown: what is known of the failed jobs of one place and one kind of error."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from liquid_background.job import JobRecord
from liquid_background.jobs.masking import hidden, values_of
from liquid_background.jobs.operating.story import source_line
from liquid_background.jobs.queue.causes import MAX_PLACE
from liquid_background.jobs.queue.likeness import likeness
from liquid_background.jobs.queue.protocol import HOURS, MAX_ERROR, MAX_SHOWN
from liquid_background.jobs.queue.reading import text, whole

MAX_BY: Final = 100
"""Characters that are kept of who silenced a group."""
_MOST: Final = 10**15 - 1  # of a number that a group's hash says
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

FIELDS: Final = (
    *("template", "line", "raised", "message", "error", "name", "sample", "count", "first", "last", "rest"),
    *("silenced_by", "silenced_at", "silenced_until"),
)
"""The fields of the hash that is kept of a group."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """That a group is not to be shown among the others for a while."""

    by: str
    since: datetime
    until: datetime | None  # None until somebody ends it


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureGroup:
    """Failed jobs of one template line, or function, and one class of error, with messages that are alike."""

    id: str
    template: str  # of a function, its path
    line: int
    raised: str  # class of the error; where none was raised, the log's word, such as LOST
    message: str  # without its changing parts, for each of which stands *
    error: str  # the newest, as it was
    source_name: str  # of the newest
    sample: str  # id of the newest
    failed: int  # jobs that have failed with it now
    count: int  # that have ever, those that were retried since among them
    first_seen: datetime
    last_seen: datetime
    hours: tuple[int, ...]  # how many failed in each of the last 48 hours, the current one last
    is_rest: bool  # it stands for all others of its template, whose groups were too many
    silence: Silence | None
    source_line: str = ""  # of the newest job's body: the one that raised the error, where that is known

    @property
    def place(self) -> str:
        """Where its jobs' bodies stand."""
        return f"{self.template}:{self.line}" if self.template and self.line else self.template


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownFailure:
    """A failure group with one of its jobs."""

    group: FailureGroup
    newest: Sequence[str]  # ids of its newest failed jobs
    job: JobRecord | None  # the newest of them; None when none is left
    source_line: str  # of that job's body: the one that raised the error, where that is known
    parameters: Mapping[str, Any]  # of that job, as its handed-over values with secret ones masked
    handed_over: Mapping[str, Any]


def decode_group(
    failure: str, about: Sequence[bytes | None], hours: Sequence[bytes | None], failed: int, now: datetime
) -> FailureGroup | None:
    """Return a group as the store has it; None when nothing is known of it, and what is garbage is blank.

    Args:
        failure: its id.
        about: the values of FIELDS.
        hours: how many failed in each hour, the current one last.
        failed: how many jobs have failed with it.
        now: by the store's clock.
    """
    template, line, raised, message, error, name, sample, count, first, last, rest, *silenced = about
    if first is None and last is None:
        return None
    return FailureGroup(
        id=failure,
        template=text(template, MAX_PLACE),
        line=whole(line, 0, _MOST),
        raised=text(raised, MAX_SHOWN),
        message=text(message, 2 * MAX_ERROR),
        error=text(error, MAX_ERROR),
        source_name=text(name, MAX_SHOWN),
        sample=text(sample, MAX_SHOWN),
        failed=failed,
        count=max(failed, whole(count, 0, _MOST)),
        first_seen=time_of(first),
        last_seen=time_of(last),
        hours=tuple(whole(each, 0, _MOST) for each in hours),
        is_rest=rest is not None,
        silence=_silence(silenced, now),
    )


def masked(group: FailureGroup, job: JobRecord, error: str, secret_names: Sequence[str]) -> FailureGroup:
    """Return a group with an error of one of its jobs, without what masking hides of its values, and the line.

    Args:
        group: as the store has it.
        job: one that failed with the error.
        error: as it was.
        secret_names: parts of names whose values are masked.
    """
    told = hidden(error, values_of(job), secret_names)
    message = group.message if told == error else likeness(told)
    return replace(group, error=told, message=message, source_line=source_line(replace(job, error=error)))


def _silence(silenced: Sequence[bytes | None], now: datetime) -> Silence | None:
    by, since, until = silenced
    if since is None:
        return None
    end = time_of(until) if until else None
    return None if end is not None and end <= now else Silence(by=text(by, MAX_SHOWN), since=time_of(since), until=end)


def time_of(milliseconds: bytes | None) -> datetime:
    """Return a time that the store has in milliseconds; 1970 for what is none."""
    try:
        return _EPOCH + timedelta(milliseconds=whole(milliseconds, 0, _MOST))
    except OverflowError:
        return _EPOCH


def milliseconds_of(time: datetime) -> int:
    """Return a time as the store has it."""
    return (time - _EPOCH) // timedelta(milliseconds=1)


def hours_until(now: datetime) -> list[int]:
    """Return the last hours since 1970 that a group counts by, the current one last."""
    hour = milliseconds_of(now) // 3_600_000
    return list(range(hour - HOURS + 1, hour + 1))
