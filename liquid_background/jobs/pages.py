"""What a list of jobs is asked by and what it returns: conditions one by one, and pages with a cursor."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypedDict

from liquid_background.errors import FilterError
from liquid_background.job import JobRecord, JobStatus
from liquid_background.jobs.filter import Filter


class Conditions(TypedDict, total=False):
    """The fields of a filter, given one by one."""

    status: JobStatus | str | None
    template: str
    queue: str
    group: str
    failure: str
    error: str
    values: Mapping[str, object]
    since: datetime | None
    until: datetime | None
    parent: str
    id_prefix: str


class Page(list[JobRecord]):
    """Jobs that were asked for, newest first, and how the list goes on.

    Args:
        records: the jobs.
        cursor: for `after`, to go on behind them, or behind what was looked at; None when there are no more.
        looked_at: how many ids have been looked at so far, those of the pages before included.
        of: how many ids there are to look at.
        total: how many jobs there are that fit, where the store knows that without looking at each.
    """

    def __init__(
        self,
        records: Iterable[JobRecord] = (),
        *,
        cursor: str | None = None,
        looked_at: int = 0,
        of: int = 0,
        total: int | None = None,
    ) -> None:
        super().__init__(records)
        self.cursor = cursor
        self.looked_at = looked_at
        self.of = of
        self.total = total


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """How many jobs a filter means, as far as that is known."""

    found: int
    looked_at: int  # ids so far; 0 where the store knows the number without looking at each
    of: int  # ids that there are to look at
    is_whole: bool  # whether it is all of them


def filter_of(
    given: Filter | JobStatus | str | None, source_name: str | None, conditions: Conditions, limit: int = 0
) -> Filter:
    """Return the filter that a call means by its arguments; those beside a filter take the place of what it says.

    Raises:
        FilterError: when a condition is none, or the limit is negative.
    """
    if limit < 0:
        raise FilterError(f"a list of at most {limit} jobs: give a limit from 0")
    named: dict[str, Any] = dict(conditions)
    if source_name:
        named["source_name"] = source_name
    if isinstance(given, Filter):
        return replace(given, **named)
    if given and named.get("status") not in (None, "", given):
        raise FilterError(f"jobs of the status {str(given)[:120]!r} and of {named['status']!r}: give one of them")
    named["status"] = given or named.get("status") or None
    return Filter(**named)
