"""Jobs in memory read back as those of the store are: a page of them, all that a filter means, how many."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final, TypeAlias, Unpack

from liquid_background.job import JobRecord
from liquid_background.jobs.contract import Given, ambiguous, not_found
from liquid_background.jobs.filter import Filter
from liquid_background.jobs.memory.kept import Kept
from liquid_background.jobs.pages import Conditions, Count, Page, filter_of
from liquid_background.jobs.queue import cursors, keys
from liquid_background.jobs.queue.matching import check_values, error_fits, payload_fits
from liquid_background.jobs.twins import Twins
from liquid_background.settings import Settings

AllKept: TypeAlias = list[Kept]  # by this name, since the class has a method `list`
_KIND: Final = "memory"


class Lookup(Twins):
    """What is told of jobs in memory."""

    settings: Settings

    def _all(self) -> AllKept:
        """Return every job."""
        raise NotImplementedError

    def list(
        self,
        filter: Given = None,
        source_name: str | None = None,
        limit: int = 50,
        *,
        after: str | None = None,
        **conditions: Unpack[Conditions],
    ) -> Page:
        """Return the jobs that a filter means, the newest first, at most so many.

        Raises:
            FilterError: when a condition is none, the limit is negative, or the cursor is none.
        """
        found = self._found(filter_of(filter, source_name, conditions, limit))
        below = _place_of(after) if after else None
        left = [kept for kept in found if below is None or kept.place() < below]
        shown = left[:limit]
        last = shown[-1].place() if shown else below
        cursor = cursors.write(_KIND, {"below": last}) if len(left) > len(shown) else None
        of = len(self._all())
        return Page([kept.record() for kept in shown], cursor=cursor, looked_at=of, of=of, total=len(found))

    def pages(
        self,
        filter: Given = None,
        source_name: str | None = None,
        limit: int = 50,
        *,
        after: str | None = None,
        **conditions: Unpack[Conditions],
    ) -> Iterator[Page]:
        """Yield what `list` returns, in one part.

        Raises:
            FilterError: as `list` does.
        """
        return iter([self.list(filter, source_name, limit, after=after, **conditions)])

    def find(
        self, filter: Given = None, source_name: str | None = None, **conditions: Unpack[Conditions]
    ) -> Iterator[JobRecord]:
        """Yield all jobs that a filter means.

        Raises:
            FilterError: when a condition is none.
        """
        return iter([kept.record() for kept in self._found(filter_of(filter, source_name, conditions))])

    def count(self, filter: Given = None, source_name: str | None = None, **conditions: Unpack[Conditions]) -> int:
        """Return how many jobs a filter means.

        Raises:
            FilterError: when a condition is none.
        """
        return len(self._found(filter_of(filter, source_name, conditions)))

    def counting(
        self, filter: Given = None, source_name: str | None = None, **conditions: Unpack[Conditions]
    ) -> Iterator[Count]:
        """Yield how many jobs a filter means, once.

        Raises:
            FilterError: when a condition is none.
        """
        found, of = self.count(filter, source_name, **conditions), len(self._all())
        return iter([Count(found=found, looked_at=of, of=of, is_whole=True)])

    def resolve(self, beginning: str) -> str:
        """Return the id that is given whole or by its beginning.

        Raises:
            JobNotFound: when no job has such an id, or several have.
        """
        ids = [kept.job.id for kept in self._all()]
        found = [beginning] if beginning in ids else [each for each in ids if beginning and each.startswith(beginning)]
        if not found:
            raise not_found(beginning)
        if found[1:]:
            raise ambiguous(beginning, found)
        return found[0]

    def _found(self, wanted: Filter) -> AllKept:
        check_values(wanted, self.settings.secret_names)
        found = [kept for kept in self._all() if _fits(wanted, kept, self.settings.secret_names)]
        return sorted(found, key=Kept.place, reverse=True)


def _place_of(cursor: str) -> tuple[str, int]:
    try:
        time, turn = cursors.read(_KIND, cursor)["below"]
        return str(time), int(turn)
    except (KeyError, TypeError, ValueError) as error:
        raise cursors.no_cursor(cursor) from error


def _fits(wanted: Filter, kept: Kept, secret_names: tuple[str, ...]) -> bool:
    record, (time, _) = kept.record(), kept.place()
    came = datetime.strptime(time, keys.TIME_FORMAT).replace(tzinfo=UTC)
    return (
        wanted.status in (None, record.status)
        and wanted.has_name(record.source_name)
        and wanted.queue in ("", record.priority)
        and wanted.group in ("", kept.job.group.name if kept.job.group else None)
        and not wanted.failure  # no groups are kept of these
        and error_fits(wanted, record.error or "", kept.payload(), secret_names)
        and (wanted.since is None or came >= wanted.since)
        and (wanted.until is None or came < wanted.until)
        and record.id.startswith(wanted.id_prefix)
        and payload_fits(wanted, kept.payload(), secret_names)
    )
