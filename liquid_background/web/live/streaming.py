"""One event stream: a feed read again and again in a thread, with rests in which the store is asked nothing."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from time import monotonic
from typing import Final

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from liquid_background.screens.bare import BARE
from liquid_background.screens.live import Event, Feed
from liquid_background.threads import Threads

logger = logging.getLogger(__name__)

LONGEST: Final = 300.0
"""Seconds after which a stream ends: the page opens another one, and whether it may is asked anew."""
ASKED: Final = 10.0
"""Seconds after which it is asked whether who looks still may: rights may be taken away while a page is open."""
OF_ONE: Final = 10
"""Streams that one visitor may have open at once."""
_ALIVE: Final = 15.0  # seconds without an event after which a comment tells proxies and browsers that it lives
_UNREAD: Final = 30.0  # seconds more after which one ends that its client does not read: servers wait for it for ever
_SHARE: Final = 10  # rests are so many times as long as what a read takes: a tab never has more of a processor
_AT_ONCE: Final = 2  # feeds that are read at the same time, of all streams of an application

_HEADERS: Final = {**dict(BARE), "x-accel-buffering": "no"}  # nginx would hold events back


class Streams:
    """The open streams of one application.

    Args:
        threads: where feeds are read.
        most: streams that are open at once; a page beyond them stays as it is.
    """

    def __init__(self, threads: Threads, most: int = 200) -> None:
        self._threads = threads
        self._most = most
        self._open = 0
        self._of: Counter[str] = Counter()
        self._turns: asyncio.Semaphore | None = None

    @property
    def is_full(self) -> bool:
        """Whether no more streams can be opened."""
        return self._open >= self._most

    def has_room(self, visitor: str) -> bool:
        """Return whether one more stream can be opened for a visitor: one who opens many takes none from others."""
        return self._of[visitor] < OF_ONE

    async def send(
        self,
        feed: Feed,
        may: Callable[[], Awaitable[bool]],
        scope: Scope,
        receive: Receive,
        send: Send,
        *,
        visitor: str = "",
    ) -> None:
        """Send a stream of what a feed tells, for as long as who looks may see it, as ASGI says.

        It counts as open from the call on: whoever calls has looked at `is_full`, and `has_room` for the visitor,
        without a rest in between.
        """
        self._open += 1
        self._of[visitor] += 1
        try:
            events = self._events(feed, may)
            response = StreamingResponse(events, media_type="text/event-stream", headers=_HEADERS)
            async with asyncio.timeout(LONGEST + _UNREAD):
                await response(scope, receive, send)
        except TimeoutError:
            logger.info("a stream of events is given up: its client does not read it")
        finally:
            self._open -= 1
            self._of -= Counter((visitor,))  # which forgets those who have none

    async def _events(self, feed: Feed, may: Callable[[], Awaitable[bool]]) -> AsyncGenerator[bytes]:
        until, told, asked = monotonic() + LONGEST, monotonic(), monotonic()
        yield b": open\n\n"
        while monotonic() < until:
            began = monotonic()
            if began - asked > ASKED:
                if not await may():
                    return
                asked = monotonic()
            events, took = await self._read(feed)
            for event in events:
                yield bytes(event)
                told = monotonic()
            if monotonic() - told > _ALIVE:
                yield b": alive\n\n"
                told = monotonic()
            await asyncio.sleep(max(feed.seconds - (monotonic() - began), took * _SHARE, 0.0))

    async def _read(self, feed: Feed) -> tuple[Sequence[Event], float]:
        """Return what is new, and the seconds that it took to read."""
        if self._turns is None:  # in the event loop that it belongs to
            self._turns = asyncio.Semaphore(_AT_ONCE)
        async with self._turns:
            began = monotonic()
            return await self._threads.run(feed.read), monotonic() - began
