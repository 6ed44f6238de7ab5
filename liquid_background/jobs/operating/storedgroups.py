"""The failure groups as they stand in the store: their ids, what is known of each, their newest jobs. Reads only."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from itertools import count
from typing import Any, Final

from liquid_background.job import SOURCE_NAME, JobRecord, JobStatus
from liquid_background.jobs.operating.failuregroup import FIELDS, FailureGroup, decode_group, hours_until
from liquid_background.jobs.queue import keys
from liquid_background.jobs.queue.lookup import read_records
from liquid_background.jobs.queue.protocol import HOURS, MAX_FAILURES
from liquid_background.jobs.site import own_name
from liquid_background.jobs.store import Store, read_replies
from liquid_background.settings import Settings

_AT_ONCE: Final = 200  # groups that are read in one round trip
_IDS_AT_ONCE: Final = 1_000
_NEWEST: Final = 5  # jobs that are looked at of a group
_MOST: Final = 2 * MAX_FAILURES  # groups: as many as moves make, and some that races left


class StoredGroups:
    """What a store says of the failure groups of a site.

    Args:
        store: it.
        settings: with the site.
    """

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store = store
        self._settings = settings

    def ids(self) -> list[str]:
        """Return the ids of all groups, those first that were seen last; there are no more than moves make."""
        key = self._own(keys.FAILURE_GROUPS)
        [ids] = self._replies(lambda pipeline: pipeline.zrevrange(key, 0, _MOST - 1))
        return [each.decode("ascii", "replace") for each in ids or ()]

    def ids_of(self, source_name: str) -> list[str]:
        """Return the ids of the groups that have a failed job of a source name."""
        found: set[bytes] = set()
        if SOURCE_NAME.fullmatch(source_name):
            for ids in self._pages(keys.failed_of_name(source_name)):
                found.update(self._filed(ids))
            rest = keys.FAILED_UNNAMED
        else:
            rest = keys.FAILED_IDS
        for ids in self._pages(rest):
            found.update(self._recorded(ids, source_name))
        return [each.decode("ascii", "replace") for each in found]

    def _pages(self, key: str) -> Iterator[Sequence[bytes]]:
        """Yield the ids of an index, so many at a time."""
        for start in count(0, _IDS_AT_ONCE):
            ask = partial(_range, self._own(key), start)
            [ids] = self._replies(ask)
            if not ids:
                return
            yield ids

    def _filed(self, ids: Sequence[bytes]) -> Iterator[bytes]:
        """Yield the groups that jobs are filed under."""
        [filed] = self._replies(lambda pipeline: pipeline.hmget(self._own(keys.FAILED_OF), ids))
        yield from (each.partition(b" ")[0] for each in filed or () if each)

    def _recorded(self, ids: Sequence[bytes], source_name: str) -> Iterator[bytes]:
        """Yield the groups that the records of those jobs name that have a source name."""

        def ask(pipeline: Any) -> None:
            for each in ids:
                pipeline.hmget(b"rq:job:" + each, keys.FAILURE, "description")

        for failure, name in (row or (None, None) for row in self._replies(ask)):
            if failure and name == source_name.encode("utf-8", "backslashreplace"):
                yield failure

    def read(self, ids: Sequence[str]) -> list[FailureGroup]:
        """Return what is known of groups, without those of which nothing is."""
        now = datetime.fromtimestamp(self._store.time(0), UTC)
        parts = (ids[start : start + _AT_ONCE] for start in range(0, len(ids), _AT_ONCE))
        return [group for part in parts for group in self._read_part(part, now) if group is not None]

    def _read_part(self, ids: Sequence[str], now: datetime) -> Iterator[FailureGroup | None]:
        hours = hours_until(now)

        def ask(pipeline: Any) -> None:
            for each in ids:
                pipeline.hmget(self._own(keys.failure_about(each)), FIELDS)
                pipeline.hmget(self._own(keys.failure_hours(each)), hours)
                pipeline.zcard(self._own(keys.failed_of_group(each)))

        replies = self._replies(ask)
        for each, about, counts, failed in zip(ids, replies[::3], replies[1::3], replies[2::3], strict=True):
            yield decode_group(each, about or [None] * len(FIELDS), counts or [None] * HOURS, failed or 0, now)

    def newest_jobs(self, failure: str) -> Iterator[JobRecord]:
        """Yield its newest jobs, as their records say it."""
        key = self._own(keys.failed_of_group(failure))
        [ids] = self._replies(lambda pipeline: pipeline.zrevrange(key, 0, _NEWEST - 1))
        found = self.jobs([each.decode("utf-8", "backslashreplace") for each in ids or ()])
        yield from (job for job in found if job.status is JobStatus.FAILED)

    def jobs(self, ids: Sequence[str]) -> list[JobRecord]:
        """Return the jobs of these ids, without those that are gone."""
        return read_records(self._store, ids)

    def _own(self, key: str) -> str:
        return own_name(self._settings.site, key)

    def _replies(self, ask: Callable[[Any], object]) -> list[Any]:
        pipeline = self._store.client.pipeline(transaction=False)
        ask(pipeline)
        return read_replies(pipeline, self._store.url)


def _range(key: str, start: int, pipeline: Any) -> None:
    pipeline.zrange(key, start, start + _IDS_AT_ONCE - 1)
