"""The failures of a site, in groups: listed, shown, silenced."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final, Literal, NoReturn, TypeAlias

from liquid_background.errors import FailureNotFound, FilterError
from liquid_background.job import JobRecord
from liquid_background.jobs.contract import APPLICATION
from liquid_background.jobs.masking import mask
from liquid_background.jobs.operating.failuregroup import (
    MAX_BY,
    FailureGroup,
    ShownFailure,
    masked,
    milliseconds_of,
)
from liquid_background.jobs.operating.storedgroups import StoredGroups
from liquid_background.jobs.operating.story import source_line
from liquid_background.jobs.queue import indexes, scripts
from liquid_background.jobs.queue.causes import FAILURE_ID
from liquid_background.jobs.store import Store
from liquid_background.nearest import nearest
from liquid_background.settings import Settings
from liquid_background.threads import Threads

Order: TypeAlias = Literal["last", "count"]
_LONGEST: Final = 5.0
"""Seconds for which a question waits until the indexes say what the records do: after an upgrade that may take long."""


class Groups(list[FailureGroup]):
    """Failure groups; by this name, since what returns them is a method `list`.

    Args:
        groups: they.
        unfiled: how many failed jobs may be missing in them, as after an upgrade: workers, and `poscli store reindex`,
            file those.
    """

    def __init__(self, groups: Iterable[FailureGroup] = (), unfiled: int = 0) -> None:
        super().__init__(groups)
        self.unfiled = unfiled


GONE: Final = "(not shown: its jobs are gone, and with them the values that would be masked in it)"


class Failures:
    """Failed jobs by what they have in common: a template line, or a function, and an error."""

    def __init__(self, store: Callable[[], Store], settings: Settings) -> None:
        self._connected = store
        self._settings = settings
        self._threads = Threads()

    @property
    def _store(self) -> Store:
        return self._connected()

    @property
    def _stored(self) -> StoredGroups:
        return StoredGroups(self._store, self._settings)

    def list(
        self,
        *,
        source_name: str = "",
        template: str = "",
        since: datetime | None = None,
        silenced: bool = False,
        order: Order = "last",
    ) -> Groups:
        """Return the groups that have failed jobs.

        Args:
            source_name: only those with a failed job of that name; it is literal.
            template: only those of that template, or function.
            since: only those that were last seen then or later.
            silenced: whether those that somebody silenced are among them.
            order: `last`, by when they were last seen, or `count`, by their failed jobs; the most first.

        Raises:
            FilterError: when `since` has no time zone, or there is no such order.
            StoreUnavailable: when the store cannot be reached.
        """
        if since is not None and since.tzinfo is None:
            raise FilterError(f"since is {since}, which has no time zone: give an aware time")
        if order not in ("last", "count"):
            raise FilterError(f"failures have no order {str(order)[:80]!r}: give last or count")
        unfiled = self._bring_in_line()
        stored = self._stored
        groups = stored.read(stored.ids_of(source_name) if source_name else stored.ids())
        found = [
            group
            for group in groups
            if group.failed
            and (silenced or group.silence is None)
            and template in ("", group.template)
            and (since is None or group.last_seen >= since)
        ]
        found.sort(key=lambda group: group.last_seen if order == "last" else group.failed, reverse=True)
        return Groups(self._shown(found), unfiled)

    async def list_async(
        self,
        *,
        source_name: str = "",
        template: str = "",
        since: datetime | None = None,
        silenced: bool = False,
        order: Order = "last",
    ) -> Groups:
        """Return what `list` does."""
        given: dict[str, Any] = {"source_name": source_name, "template": template, "since": since}
        return await self._threads.run(self.list, **given, silenced=silenced, order=order)

    def show(self, failure: str) -> ShownFailure:
        """Return a group with its newest job.

        Args:
            failure: its id, or as much of its beginning as no other has.

        Raises:
            FailureNotFound: when there is none, or several begin so.
            StoreUnavailable: when the store cannot be reached.
        """
        self._bring_in_line()
        group = self._read(self._named(failure))
        jobs = list(self._stored.newest_jobs(group.id))
        job = jobs[0] if jobs else None
        secret = self._settings.secret_names
        return ShownFailure(
            group=group,
            newest=[each.id for each in jobs],
            job=job,
            source_line=source_line(job) if job else "",
            parameters=mask(job.parameters, secret) if job else {},
            handed_over=mask(job.handed_over, secret) if job else {},
        )

    async def show_async(self, failure: str) -> ShownFailure:
        """Return what `show` does."""
        return await self._threads.run(self.show, failure)

    def known(self, failures: Collection[str]) -> Groups:
        """Return the groups of these ids, given whole, as far as anything is known of them; in any order.

        Raises:
            StoreUnavailable: when the store cannot be reached.
        """
        return self._shown(self._stored.read([each for each in {*failures} if FAILURE_ID.fullmatch(each)]))

    async def known_async(self, failures: Collection[str]) -> Groups:
        """Return what `known` does."""
        return await self._threads.run(self.known, failures)

    def silence(self, failure: str, by: str, until: datetime | None = None) -> FailureGroup:
        """Have a group left out of lists, until a time or until somebody ends it; its jobs go on as they would.

        Args:
            failure: its id, or as much of its beginning as no other has.
            by: who wants it so.
            until: when it is shown again.

        Raises:
            FilterError: when `until` has no time zone, or is past.
            FailureNotFound: when there is none, or several begin so.
            StoreUnavailable: when the store cannot be reached.
        """
        if until is not None and (until.tzinfo is None or until <= datetime.now(UTC)):
            raise FilterError(f"until is {until}: give an aware time that is to come")
        name = by[:MAX_BY] or "-"
        return self._mark(failure, [name, str(milliseconds_of(until)) if until else "", name])

    async def silence_async(self, failure: str, by: str, until: datetime | None = None) -> FailureGroup:
        """Do what `silence` does."""
        return await self._threads.run(self.silence, failure, by, until)

    def unsilence(self, failure: str, by: str = APPLICATION) -> FailureGroup:
        """Have a group shown in lists again.

        Args:
            failure: its id, or as much of its beginning as no other has.
            by: whom the audit names.

        Raises:
            FailureNotFound: when there is none, or several begin so.
            StoreUnavailable: when the store cannot be reached.
        """
        return self._mark(failure, ["", "", by[:MAX_BY] or "-"])

    async def unsilence_async(self, failure: str, by: str = APPLICATION) -> FailureGroup:
        """Do what `unsilence` does."""
        return await self._threads.run(self.unsilence, failure, by)

    def resolve(self, beginning: str) -> str:
        """Return the id of a group that is given whole or by its beginning.

        Raises:
            FailureNotFound: when there is none, or several begin so.
            StoreUnavailable: when the store cannot be reached.
        """
        self._bring_in_line()
        found = self._named(beginning)
        return self._read(found).id

    async def resolve_async(self, beginning: str) -> str:
        """Return what `resolve` does."""
        return await self._threads.run(self.resolve, beginning)

    # What they are made of.

    def _bring_in_line(self) -> int:
        """Have the indexes say what the records do; return how many jobs may still be unfiled."""
        return indexes.bring_in_line(self._store, _LONGEST)

    def _mark(self, failure: str, silence: Sequence[str]) -> FailureGroup:
        group = self._named(failure)
        if not scripts.run(self._store, "silence", [group, *silence], "the failure group may have been marked"):
            self._raise_missing(failure)
        return self._read(group)

    def _read(self, failure: str) -> FailureGroup:
        found = self._stored.read([failure])
        if not found:
            self._raise_missing(failure)
        return self._shown(found)[0]

    def _shown(self, groups: Sequence[FailureGroup]) -> Groups:
        """Return groups as people are shown them: a group keeps an error as it was, and its job what to mask in it."""
        jobs = {job.id: job for job in self._stored.jobs([group.sample for group in groups if group.sample])}
        return Groups(self._masked(group, jobs.get(group.sample)) for group in groups)

    def _masked(self, group: FailureGroup, sample: JobRecord | None) -> FailureGroup:
        if sample is not None:
            return masked(group, sample, group.error, self._settings.secret_names)
        other = next(iter(self._stored.newest_jobs(group.id)), None)
        if other is None:
            return replace(group, error=GONE, message=GONE)
        return masked(group, other, other.error or "", self._settings.secret_names)

    def _named(self, failure: str) -> str:
        """Return the id that is meant."""
        if FAILURE_ID.fullmatch(failure):
            return failure
        known = self._stored.ids()
        alike = [each for each in known if failure and each.startswith(failure)]
        if len(alike) > 1:
            raise FailureNotFound(f"{len(alike)} failure groups begin with {failure!r}: {', '.join(alike[:5])}")
        if not alike:
            self._raise_missing(failure)
        return alike[0]

    def _raise_missing(self, failure: str) -> NoReturn:
        near = nearest(failure, self._stored.ids())
        hint = f"did you mean {near!r}?" if near else "its jobs were retried or have expired, or it never was"
        raise FailureNotFound(f"no failure group has the id {failure[:80]!r}; {hint}")
