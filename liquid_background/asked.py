"""What operators ask an engine, beside its jobs and its log: each question is answered by the room that knows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from math import inf
from time import monotonic
from typing import Final

from liquid_background.errors import FilterError, JobNotFound
from liquid_background.job import JobRecord, LogEntry
from liquid_background.jobs.contract import APPLICATION, Jobs
from liquid_background.jobs.filter import Filter
from liquid_background.jobs.masking import hidden, shown, values_of
from liquid_background.jobs.operating.audit import Audit
from liquid_background.jobs.operating.failures import Failures
from liquid_background.jobs.operating.forgetting import Forgetting, Forgotten, Progress
from liquid_background.jobs.operating.operations import Operations
from liquid_background.jobs.operating.pauses import Queues
from liquid_background.jobs.operating.statistics import Part, Statistics, statistics
from liquid_background.jobs.operating.story import PATIENCE, Story, story
from liquid_background.jobs.operating.totals import Totals, totals
from liquid_background.jobs.operating.usage import Usage, usage
from liquid_background.jobs.queue import Queue
from liquid_background.jobs.queue.lookup import read_records
from liquid_background.jobs.queue.overview import Overview, overview
from liquid_background.jobs.queue.waiting import Waiting, waiting
from liquid_background.jobs.store import Store
from liquid_background.lazy import kept
from liquid_background.settings import Settings
from liquid_background.threads import Threads

_WHOLE_ID: Final = 32
"""Characters of an id that this library made."""
_FEW: Final = 500  # ids that are looked at whatever time that takes


class Asked:
    """The questions, as attributes and methods of an engine."""

    settings: Settings

    @property
    def store(self) -> Store:
        """The store, connected on first use."""
        raise NotImplementedError

    @property
    def jobs(self) -> Jobs:
        """The jobs."""
        raise NotImplementedError

    def waiting(self, jobs: Sequence[JobRecord]) -> Sequence[Waiting]:
        """Return for each job what it waits for: its time, a slot of its group, or the end of a pause.

        Raises:
            StoreUnavailable: when the store cannot be reached.
        """
        return waiting(self.store, jobs)

    async def waiting_async(self, jobs: Sequence[JobRecord]) -> Sequence[Waiting]:
        """Do what `waiting` does, without holding up the event loop."""
        return await self._operator_threads.run(self.waiting, jobs)

    def story(self, job_id: str, *, patience: float = PATIENCE) -> Story:
        """Return all that is known of a job, with what masking hides masked: attempts, source, log, traceback, family.

        Args:
            job_id: its id.
            patience: seconds that its children are looked for; what is not found by then is left out.

        Raises:
            JobNotFound: when no record has that id.
            StoreUnavailable: when the store cannot be reached.
        """
        return story(self.jobs, self.store, job_id, self.settings.secret_names, patience)

    async def story_async(self, job_id: str, *, patience: float = PATIENCE) -> Story:
        """Do what `story` does, without holding up the event loop."""
        return await self._operator_threads.run(self.story, job_id, patience=patience)

    def whole_filter(self, filter: Filter, *, patience: float = inf) -> Filter:
        """Return a filter with the ids whole that were given by their beginnings: of a failure group, of a parent.

        Args:
            filter: as it was given.
            patience: seconds that a parent is looked for by the beginning of its id.

        Raises:
            FailureNotFound: when no failure group's id begins so, or several do.
            FilterError: when several jobs' ids begin as the parent's is given, or not all were looked at by then.
            StoreUnavailable: when the store cannot be reached.
        """
        if filter.failure:
            filter = replace(filter, failure=self.failures.resolve(filter.failure))
        if filter.parent:
            try:
                filter = replace(filter, parent=self.jobs.get(filter.parent).id)
            except JobNotFound:
                filter = replace(filter, parent=self._whole_parent(filter.parent, patience))
        return filter

    def _whole_parent(self, beginning: str, patience: float) -> str:
        if len(beginning) >= _WHOLE_ID:
            return beginning  # of a page render, or of a job that is gone
        found, until = list[str](), monotonic() + patience
        for page in self.jobs.pages(id_prefix=beginning, limit=2):
            found += [job.id for job in page]
            if _FEW < page.of > page.looked_at and len(found) < 2 and monotonic() > until:
                raise FilterError(f"not all jobs were looked at for a parent {beginning[:120]!r}: give its whole id")
        if len(found) > 1:
            raise FilterError(f"several jobs have ids that begin with {beginning[:120]!r}: give more of it")
        return found[0] if found else beginning

    async def whole_filter_async(self, filter: Filter, *, patience: float = inf) -> Filter:
        """Do what `whole_filter` does, without holding up the event loop."""
        return await self._operator_threads.run(self.whole_filter, filter, patience=patience)

    def shown(self, jobs: Sequence[JobRecord]) -> Sequence[JobRecord]:
        """Return jobs as people are shown them: with what masking hides masked in values, errors and results."""
        return [shown(job, self.settings.secret_names) for job in jobs]

    def shown_entries(self, entries: Sequence[LogEntry]) -> Sequence[LogEntry]:
        """Return log entries as people are shown them: without what masking hides of their jobs' values.

        Of a job that is gone nobody knows what to mask.

        Raises:
            StoreUnavailable: when the store cannot be reached.
        """
        ids = dict.fromkeys(entry.job_id for entry in entries if entry.job_id)
        values = {job.id: values_of(job) for job in read_records(self.store, [*ids])}
        secret = self.settings.secret_names
        return [
            replace(entry, message=hidden(entry.message, values.get(entry.job_id, {}), secret)) for entry in entries
        ]

    async def shown_entries_async(self, entries: Sequence[LogEntry]) -> Sequence[LogEntry]:
        """Do what `shown_entries` does, without holding up the event loop."""
        return await self._operator_threads.run(self.shown_entries, entries)

    def stats(self, source_name: str = "", since: datetime | None = None, *, only: Part | None = None) -> Statistics:
        """Return what jobs have done, by source name: attempts, failures, times waited and run.

        Args:
            source_name: literal, or `prefix*`; empty for all.
            since: aware, at most 31 days ago; None for all time.
            only: what is wanted beside the total: "names", of which a month is read sooner, or "moments".

        Raises:
            FilterError: when counts of that time are not kept any more, or it has no time zone.
            StoreUnavailable: when the store cannot be reached.
        """
        return statistics(self.store, source_name, since, only=only)

    async def stats_async(
        self, source_name: str = "", since: datetime | None = None, *, only: Part | None = None
    ) -> Statistics:
        """Do what `stats` does, without holding up the event loop."""
        return await self._operator_threads.run(self.stats, source_name, since, only=only)

    def totals(self) -> Totals:
        """Return what jobs have come to of all time, by queue and source name, and how things stand now.

        Raises:
            StoreUnavailable: when the store cannot be reached.
        """
        return totals(self.store, self.queues.counts())

    async def totals_async(self) -> Totals:
        """Do what `totals` does, without holding up the event loop."""
        return await self._operator_threads.run(self.totals)

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

    @property
    def queues(self) -> Queues:
        """The queues, and what is paused: `pause(queue=, source_name= or group=)`, `resume(…)`; see docs/pausing.md."""
        return Queues(lambda: Queue(self.store, self.settings), self._operator_threads)

    def overview(self) -> Overview:
        """Return the queues with the numbers of their jobs and since when the oldest waits, and the workers that live.

        Raises:
            StoreUnavailable: when the store cannot be reached.
        """
        return overview(self.store, self.queues.counts())

    async def overview_async(self) -> Overview:
        """Do what `overview` does, without holding up the event loop."""
        return await self._operator_threads.run(self.overview)

    def usage(self) -> Usage:
        """Return what jobs take in the store's memory: an estimate, by kind, status and source name.

        Raises:
            StoreUnavailable: when the store cannot be reached.
        """
        return usage(self.store)

    async def usage_async(self) -> Usage:
        """Do what `usage` does, without holding up the event loop."""
        return await self._operator_threads.run(self.usage)

    def forget(
        self,
        text: str,
        *,
        by: str = APPLICATION,
        dry_run: bool = False,
        including_waiting: bool = False,
        progress: Progress | None = None,
    ) -> Forgotten:
        """Delete jobs that have ended, log entries and the like that carry a text; what is left is said.

        It may be stopped anywhere, and is begun again then. See docs/forgetting.md for what it cannot reach.

        Args:
            text: looked for exactly as it is given, three characters at least.
            by: whom the audit names. It does not say the text.
            dry_run: whether it only counts.
            including_waiting: whether jobs that wait are taken back and deleted, too.
            progress: told what is gone through, how much of it, and of how much.

        Raises:
            FilterError: when the text is too short.
            StoreUnavailable: when the store cannot be reached, or takes no writes; what is deleted by then is gone.
        """
        forgetting = Forgetting(
            self.store, self.settings, text, dry_run=dry_run, including_waiting=including_waiting, progress=progress
        )
        return forgetting.run(by)

    async def forget_async(
        self, text: str, *, by: str = APPLICATION, dry_run: bool = False, including_waiting: bool = False
    ) -> Forgotten:
        """Do what `forget` does, without holding up the event loop."""
        run = self._operator_threads.run
        return await run(self.forget, text, by=by, dry_run=dry_run, including_waiting=including_waiting)

    @property
    def failures(self) -> Failures:
        """The failed jobs in groups: `list()`, `show(id)`, `silence(id, by)`, `unsilence(id)`; see docs/failures.md."""
        return self._failures

    @kept
    def _failures(self) -> Failures:
        return Failures(lambda: self.store, self.settings)
