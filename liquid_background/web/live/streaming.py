"""One event stream: a feed read again and again in a thread, with rests in which the store is asked nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from time import monotonic
from typing import Final

from starlette.responses import StreamingResponse

from liquid_background.screens.entrance import BARE
from liquid_background.screens.live import Feed
from liquid_background.threads import Threads

LONGEST: Final = 300.0
"""Seconds after which a stream ends: the page opens another one, and whether it may is asked anew."""
_ALIVE: Final = 15.0  # seconds without an event after which a comment tells proxies and browsers that it lives
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
        self._turns: asyncio.Semaphore | None = None

    @property
    def is_full(self) -> bool:
        """Whether no more streams can be opened."""
        return self._open >= self._most

    def response(self, feed: Feed) -> StreamingResponse:
        """Return a stream of what a feed tells."""
        return StreamingResponse(self._events(feed), media_type="text/event-stream", headers=_HEADERS)

    async def _events(self, feed: Feed) -> AsyncGenerator[bytes]:
        self._open += 1
        try:
            until, told = monotonic() + LONGEST, monotonic()
            yield b": open\n\n"
            while monotonic() < until:
                began = monotonic()
                if self._turns is None:  # in the event loop that it belongs to
                    self._turns = asyncio.Semaphore(_AT_ONCE)
                async with self._turns:
                    read_at = monotonic()
                    events = await self._threads.run(feed.read)
                    took = monotonic() - read_at
                for event in events:
                    yield bytes(event)
                    told = monotonic()
                if monotonic() - told > _ALIVE:
                    yield b": alive\n\n"
                    told = monotonic()
                await asyncio.sleep(max(feed.seconds - (monotonic() - began), took * _SHARE, 0.0))
        finally:
            self._open -= 1
