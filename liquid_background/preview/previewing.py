"""The part of an engine that previews pages."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final, Unpack

from liquid_background.errors import PageNotFound, SettingsError
from liquid_background.jobs.queue.records import payload_in
from liquid_background.jobs.store import Store
from liquid_background.language.dry import DryRuns
from liquid_background.language.environment import Environment
from liquid_background.language.executor import Functions
from liquid_background.language.rendering import Request
from liquid_background.preview.child import in_child
from liquid_background.preview.document import as_json, from_json
from liquid_background.preview.values import Preview
from liquid_background.preview.walking import Limits, Walk
from liquid_background.settings import Settings

MOST_JOBS: Final = 100
"""Jobs that a preview shows, unless it is asked for more."""
DEEPEST: Final = 10
"""Jobs one after the other that it runs, of which each makes the next."""
SECONDS: Final = 10.0
"""Seconds that it may take."""
_NOT_FOUND: Final = "page_not_found"


class Previewing(Functions):
    """Answers what a page would do, without doing it."""

    settings: Settings

    @property
    def environment(self) -> Environment:
        """The Liquid environment."""
        raise NotImplementedError

    @property
    def store(self) -> Store:
        """The store, connected on first use."""
        raise NotImplementedError

    def preview(
        self,
        page: str,
        data: Mapping[str, Any] | None = None,
        *,
        jobs: int = MOST_JOBS,
        depth: int = DEEPEST,
        seconds: float = SECONDS,
        **request: Unpack[Request],
    ) -> Preview:
        """Return what a page would send, and what comes of that, to the end of the chain; nothing of it is done.

        It runs in a process of its own, which is held to the time, to MEMORY_LIMIT, and writes no file. No store is
        needed. Of the application's code that is called which was registered with `pure=True`, or given as `preview=`.

        Args:
            page: name of a template in pages/.
            data: the page's variables.
            jobs: that are shown, and run dry.
            depth: how many jobs are run of which each makes the next.
            seconds: that it may take.
            request: params, session, cookies, headers, current_user.

        Raises:
            PageNotFound: when there is no such page.
            PreviewStopped: when it took too long, or too much memory.
            SettingsError: when one of the limits is not above 0.
        """
        return self._preview(lambda walk: walk.go(page, data, request), jobs, depth, seconds)

    async def preview_async(
        self,
        page: str,
        data: Mapping[str, Any] | None = None,
        *,
        jobs: int = MOST_JOBS,
        depth: int = DEEPEST,
        seconds: float = SECONDS,
        **request: Unpack[Request],
    ) -> Preview:
        """Do what `preview` does, without holding up the event loop."""
        limits: dict[str, Any] = {"jobs": jobs, "depth": depth, "seconds": seconds}
        return await asyncio.to_thread(partial(self.preview, page, data, **limits, **request))

    def preview_job(
        self, job_id: str, *, jobs: int = MOST_JOBS, depth: int = DEEPEST, seconds: float = SECONDS
    ) -> Preview:
        """Return what a job of the store would do against the templates as they are now; nothing of it is done.

        Args:
            job_id: its id.
            jobs: as in `preview`, as are the others.
            depth: how many jobs are run of which each makes the next.
            seconds: that it may take.

        Raises:
            JobNotFound: when no record has that id.
            JobRefused: when the record is not one that a worker may run.
            PreviewStopped: when it took too long, or too much memory.
            StoreUnavailable: when the store cannot be reached.
        """
        payload = payload_in(self.store, job_id)
        return self._preview(lambda walk: walk.go_from(job_id, payload), jobs, depth, seconds)

    async def preview_job_async(
        self, job_id: str, *, jobs: int = MOST_JOBS, depth: int = DEEPEST, seconds: float = SECONDS
    ) -> Preview:
        """Do what `preview_job` does, without holding up the event loop."""
        return await asyncio.to_thread(self.preview_job, job_id, jobs=jobs, depth=depth, seconds=seconds)

    def _preview(self, go: Callable[[Walk], Preview], jobs: int, depth: int, seconds: float) -> Preview:
        for name, value in (("jobs", jobs), ("depth", depth), ("seconds", seconds)):
            if not value > 0:
                raise SettingsError(f"{name} is {value!r}; it must be above 0")
        limits, environment = Limits(jobs=jobs, depth=depth, seconds=seconds), self.environment

        def work() -> dict[str, Any]:
            try:
                return as_json(go(Walk(DryRuns(environment, self), self.settings, limits)))
            except PageNotFound as error:
                return {_NOT_FOUND: str(error)}

        found = in_child(work, seconds=seconds, megabytes=self.settings.memory_limit)
        if _NOT_FOUND in found:
            raise PageNotFound(found[_NOT_FOUND])
        return from_json(found)
