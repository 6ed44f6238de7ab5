"""The page processes of a server: one takes a request, and is replaced when it dies or outstays the limit."""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from typing import Final

from liquid_background.jobs.log import steady
from liquid_background.language.pages import MOST_READING, PAGES, SiteLoader
from liquid_background.web.site.crowd import most_connections
from liquid_background.web.site.errorpage import RETRY, error_answer, error_line
from liquid_background.web.site.messages import Answer, PageRequest, plain
from liquid_background.web.site.page import route
from liquid_background.web.site.pageprocess import GRACE, PageFailed, PageProcess, sending_limit
from liquid_background.web.site.places import Places
from liquid_background.web.site.renderer import Renderer

logger = logging.getLogger("liquid_background.web")

_BURIED: Final = 1.0  # seconds in which a process that was stopped leaves its place


class PagePool:
    """The page processes of a server.

    1. Pages are looked up here, in an index that is read before the first request: their processes need none.
    2. A request gets one of the places, and takes a process that waits; when none does, one more is forked.
    3. A process that died or was killed is replaced when the next request needs it.

    Args:
        renderer: what a process is made of.
        most: different pages that are rendered at the same time.
    """

    def __init__(self, renderer: Renderer, most: int) -> None:
        self._renderer = renderer
        self._most = most
        self._environment = renderer.engine.environment
        self._recycle = renderer.engine.settings.recycle_jobs
        # An environment may have a time of its own. None is no limit there, but a server has to have one.
        self._limit = self._environment.page_timeout or renderer.engine.settings.page_timeout
        self._sending = sending_limit(renderer.engine.settings)
        self._places = Places(most, self._limit + GRACE + _BURIED, most=most_connections() * 3 // 5)
        self._idle: list[PageProcess] = []
        self._all: set[PageProcess] = set()
        self._stopping = False

    def read_routes(self) -> None:
        """Read the pages' front matter, which takes its time for thousands of them."""
        if isinstance(self._environment.loader, SiteLoader):
            left = self._environment.loader.routes.read(MOST_READING)
            if left:
                logger.warning(
                    "%d pages wait to be read after %g s: until then they are not found by a slug", left, MOST_READING
                )

    async def start(self) -> None:
        """Fork the first process.

        Raises:
            OSError: when the system has no room for it.
        """
        self._idle.append(await self._fork())

    async def render(self, asked: PageRequest) -> Answer:
        """Have a request answered by its page, in a process."""
        routed = route(self._environment, asked, show_errors=self._renderer.show_errors)
        return routed if isinstance(routed, Answer) else await self._answer(replace(routed, since=time.monotonic()))

    async def _answer(self, asked: PageRequest) -> Answer:
        try:
            return await self._render(asked)
        except PageFailed as error:
            if self._stopping:
                logger.error(
                    "%s (the server is stopping)", error_line(error.trouble.message, error.trouble, asked.page)
                )
                return plain(503, "The server is stopping.", RETRY)
            logger.error("%s", error_line(error.trouble.message, error.trouble, asked.page))
            return error_answer(error.trouble, asked.header("accept"), self._renderer.show_errors)
        except TimeoutError as error:
            logger.error("no process for %s: %s", steady(f"{PAGES}/{asked.page}"), error)
            return plain(503, "The server is busy.", RETRY)
        except OSError as error:
            logger.error("no process for a page: %s", error.strerror or error)
            return plain(503, "The server is busy.", RETRY)

    async def _render(self, asked: PageRequest) -> Answer:
        try:
            return await self._render_once(asked)
        except PageFailed as error:
            if error.began or self._stopping:
                raise
        return await self._render_once(asked)  # it was killed while it waited, and another one can take the request

    async def _render_once(self, asked: PageRequest) -> Answer:
        async with self._places.place(asked.page, len(asked.body)):
            process = await self._next()
            started = time.monotonic()
            try:
                return await process.render(asked, self._limit, self._sending)
            finally:
                self._places.ended(asked.page, (time.monotonic() - started) / self._limit)
                await self._give_back(process)

    async def _next(self) -> PageProcess:
        while self._idle:
            process = self._idle.pop()
            if process.is_usable:
                return process
            await self._end(process)
        return await self._fork()

    async def _fork(self) -> PageProcess:
        # Those whose end nobody waited for: it took too long, or the request was cancelled once more.
        self._all = {process for process in self._all if process.is_usable or not process.bury()}
        process = await PageProcess.start(self._renderer)
        self._all.add(process)
        return process

    async def _give_back(self, process: PageProcess) -> None:
        if process.is_usable and process.rendered < self._recycle and len(self._all) <= self._most:
            self._idle.append(process)
        else:
            await self._end(process)

    async def _end(self, process: PageProcess) -> None:
        """End a process; one that does not end is kept for `close`."""
        await process.end()
        if process.is_gone:
            self._all.discard(process)

    def stop(self) -> None:
        """Kill what still renders; the requests are answered."""
        self._stopping = True
        for process in self._all:
            process.kill()
        self._places.close()

    async def close(self) -> None:
        """Kill and bury every process."""
        self.stop()
        for process in list(self._all):
            await process.end()
        self._all.clear()
