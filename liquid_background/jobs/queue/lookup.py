"""Jobs read back: one by its id, a page of them, all that a filter means, how many."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, Unpack

from liquid_background.job import JobRecord
from liquid_background.jobs.contract import Given, Records, ambiguous, not_found
from liquid_background.jobs.filter import Filter
from liquid_background.jobs.pages import Conditions, Count, Page, filter_of
from liquid_background.jobs.queue import counting, scripts
from liquid_background.jobs.queue.beginnings import ids_like
from liquid_background.jobs.queue.finding import Found, scan
from liquid_background.jobs.queue.merging import Merged
from liquid_background.jobs.queue.protocol import MAX_DATA, Argument
from liquid_background.jobs.queue.reading import text
from liquid_background.jobs.queue.records import MAX_RESULT_READ, READ, decode_record
from liquid_background.jobs.queue.results import traceback_of
from liquid_background.jobs.store import Store
from liquid_background.settings import Settings

_IDS_AT_ONCE: Final = 100  # that one call reads: a few milliseconds of the store's time
_NAMED: Final = 6  # ids that begin so which are looked for: a few to name, and whether there are more
_LONGEST_TRACE: Final = 1024 * 1024  # bytes: stock workers keep the whole of it
_READ_AT_ONCE: Final = 1024 * 1024  # bytes, with those of one record more: five milliseconds of the store's time


class Lookup:
    """What an application is told of the jobs in a store."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self.store = store
        self.settings = settings

    def get(self, job_id: str) -> JobRecord:
        """Return one job; what its record says in garbage is blank.

        Raises:
            JobNotFound: when no record has that id.
        """
        found = self._fetch([job_id])
        if not found:
            raise not_found(job_id)
        return found[0]

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

        Args:
            filter: what is meant; a status stands for the filter of that alone, nothing for every job.
            source_name: of that name only; a name that ends in * is what names begin with.
            limit: how many at most.
            after: the cursor of a page, to go on behind it.
            conditions: fields of a filter, in the place of those that it has.

        Raises:
            FilterError: when a condition is none, the limit is negative, or the cursor is none.
        """
        records: Records = []
        last = Page()
        for last in self.pages(filter, source_name, limit, after=after, **conditions):
            records += last
        return Page(records, cursor=last.cursor, looked_at=last.looked_at, of=last.of, total=last.total)

    def pages(
        self,
        filter: Given = None,
        source_name: str | None = None,
        limit: int = 50,
        *,
        after: str | None = None,
        **conditions: Unpack[Conditions],
    ) -> Iterator[Page]:
        """Yield what `list` returns in parts, as it is found: some are empty, and say how much was looked at.

        Raises:
            FilterError: as `list` does.
        """
        wanted = filter_of(filter, source_name, conditions, limit)
        merged = Merged(self.store, self.settings, wanted, limit, after)
        total = counting.known_count(self.store, self.settings, wanted, merged.places, merged.sizes)
        return self._pages(wanted, merged, limit, total)

    def _pages(self, wanted: Filter, merged: Merged, limit: int, total: int | None) -> Iterator[Page]:
        def page(records: Records) -> Page:
            return Page(records, cursor=merged.cursor(), looked_at=merged.looked_at, of=merged.of, total=total)

        left, ids = limit, []
        hits = merged.hits() if limit else iter(())
        for hit in hits:
            if hit is not None:
                ids.append(hit.id)
            if len(ids) in (left, _IDS_AT_ONCE) or (hit is None and ids):
                records, ids = self._still(wanted, ids), []
                left -= len(records)
                yield page(records)
                if not left:
                    return
            elif hit is None:
                yield page([])
        yield page(self._still(wanted, ids))

    def _still(self, wanted: Filter, ids: Sequence[str]) -> Records:
        """Return the jobs of these ids that are still of the status that is meant."""
        return [record for record in self._fetch(ids) if wanted.status in (None, record.status)]

    def find(
        self, filter: Given = None, source_name: str | None = None, **conditions: Unpack[Conditions]
    ) -> Iterator[JobRecord]:
        """Yield all jobs that a filter means, as they are found: from place to place, in each the newest first.

        Delayed jobs come as they are due. A job that moves on meanwhile may come again.

        Raises:
            FilterError: when a condition is none.
        """
        wanted = filter_of(filter, source_name, conditions)
        return self._find(wanted, scan(self.store, self.settings, wanted))

    def _find(self, wanted: Filter, chunks: Iterator[Found]) -> Iterator[JobRecord]:
        for chunk in chunks:
            yield from self._still(wanted, chunk.ids)

    def count(self, filter: Given = None, source_name: str | None = None, **conditions: Unpack[Conditions]) -> int:
        """Return how many jobs a filter means. By status and queue alone the store tells; else each is looked at.

        Raises:
            FilterError: when a condition is none.
        """
        return counting.count(self.store, self.settings, filter_of(filter, source_name, conditions))

    def counting(
        self, filter: Given = None, source_name: str | None = None, **conditions: Unpack[Conditions]
    ) -> Iterator[Count]:
        """Yield how many jobs a filter means as far as it is known: the last one says all.

        Raises:
            FilterError: when a condition is none.
        """
        return counting.counting(self.store, self.settings, filter_of(filter, source_name, conditions))

    def traceback(self, job_id: str) -> str:
        """Return the traceback of the attempt that a job failed with, as it was raised; empty when it has none.

        Raises:
            JobNotFound: when no record has that id.
        """
        self.get(job_id)
        kept = scripts.run(self.store, "trace", [job_id, _LONGEST_TRACE])
        return traceback_of(kept) if kept else ""

    def resolve(self, beginning: str) -> str:
        """Return the id that is given whole or by its beginning: of a `RedisQueue`, also behind its prefix's digest.

        Raises:
            JobNotFound: when no job has such an id, or several have: then it names a few.
        """
        if self._fetch([beginning]):
            return beginning
        found = ids_like(self.store, beginning, _NAMED)
        if not found:
            raise not_found(beginning)
        if found[1:]:
            raise ambiguous(beginning, found)
        return found[0]

    def _fetch(self, ids: Sequence[str]) -> Records:
        return read_records(self.store, ids)


def read_records(store: Store, ids: Sequence[str]) -> Records:
    """Return the jobs of these ids, without those that have no record.

    Raises:
        StoreUnavailable: when the store cannot be reached.
    """
    found = read_fields(store, ids, READ, MAX_RESULT_READ)
    return [decode_record(text(job_id, len(job_id)), row, store.site) for job_id, row in found]


def read_fields(
    store: Store, ids: Sequence[str], fields: Sequence[str], longest_result: int = 0
) -> Iterator[tuple[bytes, Sequence[bytes | None]]]:
    """Yield ids that have a record, each with fields of it and, behind them, the result.

    Args:
        store: where they are.
        ids: of jobs.
        fields: names of fields, of which those are None that are not there or too long.
        longest_result: bytes of a result that is read.

    Raises:
        StoreUnavailable: when the store cannot be reached.
    """
    head: list[Argument] = [MAX_DATA, longest_result, _READ_AT_ONCE, len(fields), *fields]
    names = [*map(_bytes, ids)]
    done = 0
    while done < len(names):
        part = names[done : done + _IDS_AT_ONCE]
        rows = scripts.run(store, "read", [*head, *part])
        yield from ((job_id, row) for job_id, row in zip(part, rows, strict=False) if row)
        done += len(rows)  # fewer than ids when they are large


def _bytes(job_id: str) -> bytes:
    try:
        return job_id.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return job_id.encode("utf-8", "backslashreplace")
