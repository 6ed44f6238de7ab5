"""The asynchronous twins of what applications ask and do about jobs, for every store of them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from typing import Any, ParamSpec, TypeVar, Unpack

from liquid_background.job import Job, JobRecord, LogEntry
from liquid_background.jobs.contract import APPLICATION, Given, Ids, Jobs, QueueCounts
from liquid_background.jobs.pages import Conditions, Count, Page
from liquid_background.lazy import kept
from liquid_background.threads import Threads

P = ParamSpec("P")
T = TypeVar("T")


class Twins(Jobs):
    """Does in a thread, which has the caller's context variables, what the methods of the same names do."""

    @kept
    def _threads(self) -> Threads:
        return Threads()

    async def send_async(self, jobs: Sequence[Job], entries: Sequence[LogEntry] = ()) -> Ids:
        """Do what `send` does, without holding up the event loop."""
        return await self._threads.run(self.send, jobs, entries)

    async def get_async(self, job_id: str) -> JobRecord:
        """Do what `get` does, without holding up the event loop."""
        return await self._threads.run(self.get, job_id)

    async def resolve_async(self, beginning: str) -> str:
        """Do what `resolve` does, without holding up the event loop."""
        return await self._threads.run(self.resolve, beginning)

    async def list_async(
        self,
        filter: Given = None,
        source_name: str | None = None,
        limit: int = 50,
        *,
        after: str | None = None,
        **conditions: Unpack[Conditions],
    ) -> Page:
        """Do what `list` does, without holding up the event loop."""
        return await self._threads.run(self.list, filter, source_name, limit, after=after, **conditions)

    def pages_async(
        self,
        filter: Given = None,
        source_name: str | None = None,
        limit: int = 50,
        *,
        after: str | None = None,
        **conditions: Unpack[Conditions],
    ) -> AsyncIterator[Page]:
        """Do what `pages` does, without holding up the event loop."""
        return self._each(lambda: self.pages(filter, source_name, limit, after=after, **conditions))

    def find_async(
        self, filter: Given = None, source_name: str | None = None, **conditions: Unpack[Conditions]
    ) -> AsyncIterator[JobRecord]:
        """Do what `find` does, without holding up the event loop."""
        return self._each(lambda: self.find(filter, source_name, **conditions))

    async def _each(self, begin: Callable[[], Iterator[T]]) -> AsyncIterator[T]:
        found = await self._threads.run(begin)
        end = object()
        while (each := await self._threads.run(next, found, end)) is not end:
            yield each  # type: ignore[misc]

    async def count_async(
        self, filter: Given = None, source_name: str | None = None, **conditions: Unpack[Conditions]
    ) -> int:
        """Do what `count` does, without holding up the event loop."""
        return await self._threads.run(self.count, filter, source_name, **conditions)

    def counting_async(
        self, filter: Given = None, source_name: str | None = None, **conditions: Unpack[Conditions]
    ) -> AsyncIterator[Count]:
        """Do what `counting` does, without holding up the event loop."""
        return self._each(lambda: self.counting(filter, source_name, **conditions))

    async def traceback_async(self, job_id: str) -> str:
        """Do what `traceback` does, without holding up the event loop."""
        return await self._threads.run(self.traceback, job_id)

    async def retry_async(
        self, job_id: str, *, set: Mapping[str, Any] | None = None, by: str = APPLICATION
    ) -> JobRecord:
        """Do what `retry` does, without holding up the event loop."""
        return await self._threads.run(self.retry, job_id, set=set, by=by)

    async def cancel_async(self, job_id: str, *, by: str = APPLICATION) -> JobRecord:
        """Do what `cancel` does, without holding up the event loop."""
        return await self._threads.run(self.cancel, job_id, by=by)

    async def delete_async(self, job_id: str, *, by: str = APPLICATION) -> None:
        """Do what `delete` does, without holding up the event loop."""
        await self._threads.run(self.delete, job_id, by=by)

    async def counts_async(self) -> Sequence[QueueCounts]:
        """Do what `counts` does, without holding up the event loop."""
        return await self._threads.run(self.counts)
