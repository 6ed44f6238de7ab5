"""The page processes of a server: one takes a request, and is replaced when it dies or outstays the limit."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from liquid_background.joblog import printable
from liquid_background.web.errorpage import Trouble, error_answer
from liquid_background.web.messages import Answer, PageRequest, answer_of, plain, read, request_frame
from liquid_background.web.renderer import Renderer

logger = logging.getLogger("liquid_background.web")

_GRACE: Final = 1.0  # seconds beyond PAGE_TIMEOUT, in which a page may end by itself with a better message
_SENDING: Final = 15.0  # seconds that a store may take for the jobs of a page: longer than a connection waits
_MOST_WAITING: Final = 100  # requests for one path; more would take the connections that others need
_REAP: Final = 0.005  # seconds between two looks at a process that is to end
_PATIENCE: Final = 5.0  # seconds until the kernel has taken a killed process away


class PageFailed(Exception):
    """Raised when a page process gave no answer and is gone; `began` tells whether the page's template ran."""

    def __init__(self, trouble: Trouble, *, began: bool = True) -> None:
        super().__init__(trouble.message)
        self.trouble = trouble
        self.began = began


class PageProcess:
    """One page process, as the server sees it."""

    def __init__(self, pid: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.pid = pid
        self.rendered = 0
        self._reader = reader
        self._writer = writer
        self._killed = False
        self._ended: int | None = None

    @classmethod
    async def start(cls, renderer: Renderer) -> PageProcess:
        """Fork a page process.

        Raises:
            OSError: when the system has no room for one more.
        """
        pid, channel = renderer.fork()
        return cls(pid, *await asyncio.open_unix_connection(sock=channel))

    @property
    def is_usable(self) -> bool:
        """Whether it can take a request; it may have been killed while it waited for one."""
        return not (self._killed or self._reader.at_eof() or self._writer.is_closing())

    async def render(self, asked: PageRequest, limit: float) -> Answer:
        """Have it answer a request.

        Args:
            asked: the request.
            limit: seconds that the page may take, without the sending of its jobs.

        Raises:
            PageFailed: when it died or took too long; it is gone then.
        """
        page, step = f"/{asked.path}", ""
        try:
            async with asyncio.timeout(limit + _GRACE) as time_limit:
                self._writer.write(request_frame(asked))
                await self._writer.drain()
                while True:
                    head, body = await read(self._reader)
                    if "status" in head:
                        self.rendered += 1
                        return answer_of(head, body)
                    page, step = head.get("page", page), head["step"]
                    if step == "sending":
                        time_limit.reschedule(asyncio.get_running_loop().time() + _SENDING)
        except TimeoutError:
            await self.end()
            raise PageFailed(_too_long(page, step, limit)) from None
        except (asyncio.IncompleteReadError, OSError):
            await self.end()
            raise PageFailed(_died(page, step, self._ended), began=bool(step)) from None
        except asyncio.CancelledError:
            self.kill()
            raise

    def kill(self) -> None:
        """End it at once, whatever it is at, with what it started."""
        self._killed = True
        for kill in (os.kill, os.killpg) if self._ended is None else (os.killpg,):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                kill(self.pid, signal.SIGKILL)

    async def end(self) -> None:
        """Wait for a process that is dying or hung up on, kill it when it does not go by itself, and bury it."""
        self._writer.close()
        asked = time.monotonic()
        while self._ended is None and time.monotonic() - asked < _PATIENCE:
            if not self._reader.at_eof() or time.monotonic() - asked > _GRACE:
                self.kill()
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self._ended = os.waitstatus_to_exitcode(status)
                self.kill()
            else:
                await asyncio.sleep(_REAP)


def _too_long(page: str, step: str, limit: float) -> Trouble:
    message = f"{page} ran longer than {limit:g} seconds and was stopped (setting PAGE_TIMEOUT); {_what_of_jobs(step)}"
    advice = "Look for a loop or a call in it that does not end, or give pages more time by the setting PAGE_TIMEOUT."
    return Trouble(503, "This page took too long and was stopped.", message, advice)


def _died(page: str, step: str, code: int | None) -> Trouble:
    if code is not None and code < 0:
        how = f"was ended by signal {-code} ({signal.Signals(-code).name})"
    else:
        how = f"ended with exit code {code}"
    message = f"the process that rendered {page} {how}; {_what_of_jobs(step)}"
    advice = "Python or C code of a filter or tag ended it, or it ran out of memory: look at what the page calls."
    return Trouble(500, "This page broke off.", message, advice)


def _what_of_jobs(step: str) -> str:
    if step == "sending":
        return "its jobs were being sent, all or none: look for them in 'poscli jobs list' before asking again"
    return "none of its jobs was sent"


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
        self._changed = asyncio.Condition()
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
            logger.error("no process for a page: %s", error.strerror)
            return plain(503, "The server is busy.", ("retry-after", "5"))

    async def _render(self, asked: PageRequest) -> Answer:
        async with self._taking(asked.path) as process:
            return await process.render(asked, self._limit)

    @asynccontextmanager
    async def _taking(self, path: str) -> AsyncIterator[PageProcess]:
        await self._room_for(path)
        process = None
        try:
            process = await self._next()
            yield process
        finally:
            if process is not None:
                await self._give_back(process)
            _count_down(self._taken, path)
            async with self._changed:
                self._changed.notify_all()

    async def _room_for(self, path: str) -> None:
        """Wait for a place in the pool, and take it.

        Raises:
            TimeoutError: when that takes too long, too many wait already, or the server ends.
        """
        if self._waiting[path] >= _MOST_WAITING:
            raise TimeoutError
        self._waiting[path] += 1
        try:
            async with asyncio.timeout(self._limit), self._changed:
                await self._changed.wait_for(lambda: self._stopping or self._has_room(path))
                if self._stopping:
                    raise TimeoutError
                self._taken[path] += 1
        finally:
            _count_down(self._waiting, path)

    def _has_room(self, path: str) -> bool:
        return self._taken[path] < self._share and self._taken.total() < self._most

    async def _next(self) -> PageProcess:
        while self._idle:
            process = self._idle.pop()
            if process.is_usable:
                return process
            self._all.discard(process)
            await process.end()
        return await self._fork()

    async def _fork(self) -> PageProcess:
        process = await PageProcess.start(self._renderer)
        self._all.add(process)
        return process

    async def _give_back(self, process: PageProcess) -> None:
        if process.is_usable and process.rendered < self._recycle:
            self._idle.append(process)
        else:
            self._all.discard(process)
            await process.end()

    def stop(self) -> None:
        """Kill what still renders; the requests are answered."""
        self._stopping = True
        for process in self._all:
            process.kill()

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
