"""The job log of a store, as an engine gives it to applications."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

from liquid_background.job import LogEntry, LogStatus
from liquid_background.jobs.contract import Log, Reading
from liquid_background.jobs.log.following import LogReader, follow
from liquid_background.jobs.log.stream import entries, last_id
from liquid_background.jobs.store import Store


class StoredLog(Log):
    """The log of one store.

    Args:
        store: returns the store, connected.
        patient: returns it over a connection on which a follower may block for longer than a page may wait.
    """

    def __init__(self, store: Callable[[], Store], patient: Callable[[], Store]) -> None:
        self._store = store
        self._patient = patient

    def entries(
        self,
        source_name: str | None = None,
        limit: int = 100,
        *,
        status: LogStatus | str | None = None,
        type: str | None = None,
        since: datetime | None = None,
        before: str | None = None,
    ) -> list[LogEntry]:
        """Return the newest entries that match, oldest first.

        Args:
            source_name: literal; None for any.
            limit: entries at most.
            status: of attempts' ends.
            type: of lines of templates; `job` of attempts' ends.
            since: aware; entries of that time and later.
            before: id of an entry; older ones than that.

        Raises:
            StoreUnavailable: when the store cannot be reached.
        """
        store = self._store()
        return entries(
            store.client,
            source_name=source_name,
            status=status,
            type=type,
            since=since,
            before=before,
            limit=limit,
            site=store.site,
        )

    def follow(
        self,
        source_name: str | None = None,
        *,
        status: LogStatus | str | None = None,
        type: str | None = None,
        after: str | None = None,
    ) -> Iterator[LogEntry]:
        """Yield entries as they are written, for ever: from behind the entry id `after`, or from now.

        A log that was cut short, as by a failover, goes on from there; one that was put in its place, from its start.
        """
        store, wanted = self._patient(), {"source_name": source_name, "status": status, "type": type}
        return follow(store.client, after=after, site=store.site, **wanted)

    def reader(
        self,
        source_name: str | None = None,
        *,
        status: LogStatus | str | None = None,
        type: str | None = None,
        after: str | None = None,
    ) -> Reading:
        """Return what follows the log as `follow` does, and gives at each call what there is by then.

        Raises:
            StoreUnavailable: when the store cannot be reached.
        """
        store, wanted = self._store(), {"source_name": source_name, "status": status, "type": type}
        start = last_id(store.client, store.site) if after is None else after
        return LogReader(store.client, after=start, site=store.site, **wanted)
