"""What operators ask an engine, beside its jobs and its log: each question is answered by the room that knows."""

from __future__ import annotations

import asyncio
from datetime import datetime

from liquid_background.jobs.operating.audit import Audit
from liquid_background.jobs.operating.operations import Operations
from liquid_background.jobs.operating.statistics import Statistics, statistics
from liquid_background.jobs.store import Store
from liquid_background.lazy import kept
from liquid_background.settings import Settings
from liquid_background.threads import Threads


class Asked:
    """The questions, as attributes and methods of an engine."""

    settings: Settings

    @property
    def store(self) -> Store:
        """The store, connected on first use."""
        raise NotImplementedError

    def stats(self, source_name: str = "", since: datetime | None = None) -> Statistics:
        """Return what jobs have done, by source name: attempts, failures, times waited and run.

        Args:
            source_name: literal, or `prefix*`; empty for all.
            since: aware, at most 31 days ago; None for all time.

        Raises:
            FilterError: when counts of that time are not kept any more, or it has no time zone.
            StoreUnavailable: when the store cannot be reached.
        """
        return statistics(self.store, source_name, since)

    async def stats_async(self, source_name: str = "", since: datetime | None = None) -> Statistics:
        """Do what `stats` does, in a thread."""
        return await asyncio.to_thread(self.stats, source_name, since)

    @kept
    def _operator_threads(self) -> Threads:
        return Threads()

    @property
    def operations(self) -> Operations:
        """Retry, cancel or delete all that match a filter: `start`, `get`, `list`, `abort`, `follow`; async twins."""
        return Operations(self.store, self.settings, self._operator_threads)

    @property
    def audit(self) -> Audit:
        """Who did what: `entries(limit=100, since=None)`, `note(action, about, by)`; see docs/operations.md."""
        return Audit(self.store)
