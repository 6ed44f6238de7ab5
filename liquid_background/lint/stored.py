"""The check of a store against an application: jobs that wait there and need what the application has not any more."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from liquid_background.job import JobStatus
from liquid_background.jobs.filter import Filter
from liquid_background.jobs.queue.counting import count
from liquid_background.jobs.queue.payloads import Payloads, payloads
from liquid_background.jobs.store import Store
from liquid_background.language.environment import Environment
from liquid_background.lint.lacks import Lack
from liquid_background.lint.needs import Functions, Needs
from liquid_background.settings import Settings

MOST_LOOKED_AT: Final = 1_000_000
"""Jobs that one check looks at, if nobody says otherwise."""
_MOST_KINDS: Final = 1_000  # bodies of which it is kept what they lack; of more, some are looked into again
_MOST_ROWS: Final = 1_000  # source names and what they lack that are told


class Application(Functions, Protocol):
    """What an engine is to the check."""

    settings: Settings

    @property
    def environment(self) -> Environment:
        """The Liquid environment."""

    @property
    def store(self) -> Store:
        """The store."""


@dataclass(slots=True)
class Lacking:
    """How many jobs of a source name need one thing that is not there."""

    source_name: str
    lack: Lack
    first: str  # id of the first job that was met
    jobs: int = 0


@dataclass(slots=True)
class StoreChecked:
    """What a check of a store has found.

    Attributes:
        lacking: one for each source name and thing, in the order in which they were met.
        jobs: that lack something, each counted once.
        more: of these, jobs whose source names and lacks were too many to be told.
        unread: jobs whose records cannot be read.
        looked_at: jobs that were looked at.
        of: jobs that there were.
    """

    lacking: list[Lacking] = field(default_factory=list[Lacking])
    jobs: int = 0
    more: int = 0
    unread: int = 0
    looked_at: int = 0
    of: int = 0


def check_store(
    engine: Application,
    *,
    failed: bool = False,
    most: int = MOST_LOOKED_AT,
    progress: Callable[[int, int], None] = lambda looked_at, of: None,
) -> StoreChecked:
    """Return which jobs need a template, filter, tag, action, function or argument that an application lacks.

    It looks at jobs that wait, for their time or another attempt too, and at those that run, which may have to be tried
    again. Nothing is run and nothing is written. Jobs of one body are looked into once; what only a run tells, such as
    a partial that is named by a variable, is not known.

    Args:
        engine: the application.
        failed: whether it looks at failed jobs, too, which run again only when somebody retries them.
        most: jobs that it looks at.
        progress: told how many were looked at, and of how many.

    Raises:
        StoreUnavailable: when the store cannot be reached.
    """
    statuses = (JobStatus.RUNNING, JobStatus.PENDING, *((JobStatus.FAILED,) if failed else ()))
    of = sum(count(engine.store, engine.settings, Filter(status=status)) for status in statuses)
    checking, before = _Checking(Needs(engine.environment, engine)), 0
    found = checking.found
    for status in statuses:
        for part in payloads(engine.store, engine.settings, Filter(status=status)):
            checking.take(part)
            found.looked_at = before + part.looked_at
            found.of = max(of, found.looked_at)
            progress(found.looked_at, found.of)
            if found.looked_at >= most:
                return found
        before = found.looked_at
    found.of = found.looked_at  # what came and went meanwhile is no part that was left out
    return found


class _Checking:
    """Takes the jobs in, and counts what they lack."""

    def __init__(self, needs: Needs) -> None:
        self.found = StoreChecked()
        self._needs = needs
        self._kinds: dict[Hashable, tuple[Lack, ...]] = {}
        self._rows: dict[tuple[str, Lack], Lacking] = {}

    def take(self, part: Payloads) -> None:
        """Take in a part of the jobs."""
        self.found.unread += part.unread
        for job_id, payload in part.jobs:
            lacks = self._lacks(payload)
            if lacks:
                self._count(job_id, payload["source_name"], lacks)

    def _lacks(self, payload: Mapping[str, Any]) -> tuple[Lack, ...]:
        kind = _kind_of(payload)
        lacks = self._kinds.get(kind)
        if lacks is None:
            if len(self._kinds) >= _MOST_KINDS:
                self._kinds.clear()
            lacks = self._kinds[kind] = self._needs.lacks(payload)
        return lacks

    def _count(self, job_id: str, source_name: str, lacks: Sequence[Lack]) -> None:
        self.found.jobs += 1
        is_told = False
        for lack in lacks:
            row = self._rows.get((source_name, lack))
            if row is None:
                if len(self._rows) >= _MOST_ROWS:
                    continue
                row = self._rows[source_name, lack] = Lacking(source_name, lack, job_id)
                self.found.lacking.append(row)
            row.jobs += 1
            is_told = True
        self.found.more += not is_told


def _kind_of(payload: Mapping[str, Any]) -> Hashable:
    """Return what jobs have alike that need the same."""
    given = payload["parameters"]
    if "function" in payload:
        args, kwargs = given.get("args"), given.get("kwargs")
        named = frozenset(kwargs) if isinstance(kwargs, dict) else None
        return payload["function"], len(args) if isinstance(args, list) else -1, named
    body = payload.get("source"), payload.get("partial")
    return *body, payload["template"], payload["line"], payload["column"], frozenset(given)
