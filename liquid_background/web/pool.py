"""The page processes of a server: one takes a request, and is replaced when it dies or outstays the limit."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from liquid_background.jobs.log import printable
from liquid_background.web.errorpage import error_answer
from liquid_background.web.messages import Answer, PageRequest, plain
from liquid_background.web.pageprocess import PageFailed, PageProcess
from liquid_background.web.renderer import Renderer

logger = logging.getLogger("liquid_background.web")

_MOST_WAITING: Final = 100  # requests for one path; more would take the connections that others need


class PagePool:
    """The page processes of a server.

    1. A request takes a process that waits; when none does, one more is forked, up to `most`.
    2. One path gets at most half of them, so that a stuck page leaves the others room, however often it is asked for.
    3. A process that died or was killed is replaced when the next request needs it.

    Args:
        renderer: what a process is made of.
        most: processes at most.
    """

    def __init__(self, renderer: Renderer, most: int) -> None:
        self._renderer = renderer
        self._most = most
        self._share = max(1, most // 2)
        self._recycle = renderer.engine.settings.recycle_jobs
        # An environment may have a time of its own. None is no limit there, but a server has to have one.
        self._limit = renderer.engine.environment.page_timeout or renderer.engine.settings.page_timeout
        self._idle: list[PageProcess] = []
        self._all: set[PageProcess] = set()
        self._taken: Counter[str] = Counter()  # processes, by the path that they are at
        self._waiting: Counter[str] = Counter()  # requests, by path
        self._changed = asyncio.Event()
        self._stopping = False

    async def start(self) -> None:
        """Fork the first process.

        Raises:
            OSError: when the system has no room for it.
        """
        self._idle.append(await self._fork())

    async def render(self, asked: PageRequest) -> Answer:
        """Have a request answered by a process of its own."""
        try:
            try:
                return await self._render(asked)
            except PageFailed as error:
                if error.began or self._stopping:
                    raise
            return await self._render(asked)  # it was killed while it waited, and another one can take the request
        except PageFailed as error:
            if self._stopping:
                return plain(503, "The server is stopping.")
            logger.error("%s", printable(error.trouble.message))
            return error_answer(error.trouble, asked.header("accept"), self._renderer.show_errors)
        except TimeoutError:
            return plain(503, "The server is busy.", ("retry-after", "5"))
        except OSError as error:
            logger.error("no process for a page: %s", error.strerror or error)
            return plain(503, "The server is busy.", ("retry-after", "5"))

    async def _render(self, asked: PageRequest) -> Answer:
        async with self._taking(asked.path) as process:
            return await process.render(asked, self._limit)

    @asynccontextmanager
    async def _taking(self, path: str) -> AsyncIterator[PageProcess]:
        await self._room_for(path)
        try:
            process = await self._next()
            try:
                yield process
            finally:
                await self._give_back(process)
        finally:
            _count_down(self._taken, path)
            self._tell_waiting()

    async def _room_for(self, path: str) -> None:
        """Wait for a place in the pool, and take it.

        Raises:
            TimeoutError: when that takes too long, too many wait already, or the server ends.
        """
        if self._waiting[path] >= _MOST_WAITING:
            raise TimeoutError
        self._waiting[path] += 1
        try:
            async with asyncio.timeout(self._limit):
                while not (self._stopping or self._has_room(path)):
                    await self._changed.wait()
            if self._stopping:
                raise TimeoutError
            self._taken[path] += 1
        finally:
            _count_down(self._waiting, path)

    def _tell_waiting(self) -> None:
        """Have the requests that wait look again; awaits nothing, so that no cancellation can prevent it."""
        self._changed.set()
        self._changed = asyncio.Event()

    def _has_room(self, path: str) -> bool:
        return self._taken[path] < self._share and self._taken.total() < self._most

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
        if process.is_usable and process.rendered < self._recycle:
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
        self._tell_waiting()

    async def close(self) -> None:
        """Kill and bury every process."""
        self.stop()
        for process in list(self._all):
            await process.end()
        self._all.clear()


def _count_down(counter: Counter[str], path: str) -> None:
    """Count one less, and forget what nobody asks for any more."""
    counter[path] -= 1
    if not counter[path]:
        del counter[path]
