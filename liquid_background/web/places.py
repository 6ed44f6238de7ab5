"""Places in the page processes: which request gets one, so that stuck pages leave others room."""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

_MOST_WAITING: Final = 100  # requests for one page; more would take the connections that others need
_LONG: Final = 0.1  # of a page's time
_ENDS: Final = "the server is stopping"


class Places:
    """The places for requests that are answered at the same time.

    1. As many different pages as there are places have one each, whatever the others hold.
    2. A page gets a further one as long as it has fewer than are free, so that a stuck page gets half of them. Those
       are not counted under 1: up to half as many again are taken when several pages are stuck.
    3. A page that ran out of its time is slow until it ends within it again, and gets one place. One place is kept from
       slow pages and from long ones, which took a tenth of that time: a quick page gets one, whatever others ask for.
    4. Pages take turns: the one that has waited the longest since it had a place is next.

    Args:
        count: places for different pages.
        patience: seconds that a request waits for one.
    """

    def __init__(self, count: int, patience: float) -> None:
        self._count = count
        self._patience = patience
        self._taken: Counter[str] = Counter()  # places, by page
        self._waiting: OrderedDict[str, deque[asyncio.Future[bool]]] = OrderedDict()  # in the order of their turns
        self._slow: set[str] = set()
        self._long: set[str] = set()  # with the slow ones
        self._closed = False

    @asynccontextmanager
    async def place(self, page: str) -> AsyncIterator[None]:
        """Hold a place for a request of a page.

        Raises:
            TimeoutError: saying why: there is none for too long, too many wait already, or the server ends.
        """
        await self._wait(page)
        try:
            yield
        finally:
            self._leave(page)

    def ended(self, page: str, share: float) -> None:
        """Note how a page ended.

        Args:
            page: its name.
            share: of the time that a page has.
        """
        for pages, least in ((self._slow, 1.0), (self._long, _LONG)):
            if share < least:
                pages.discard(page)
            else:
                pages.add(page)

    def close(self) -> None:
        """Give no place to anybody any more."""
        self._closed = True
        for turns in self._waiting.values():
            for turn in turns:
                if not turn.done():
                    turn.set_result(False)
        self._waiting.clear()

    async def _wait(self, page: str) -> None:
        turns = self._waiting.setdefault(page, deque())
        if self._closed or len(turns) >= _MOST_WAITING:
            raise TimeoutError(_ENDS if self._closed else f"{_MOST_WAITING} requests wait for it already")
        turn: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        turns.append(turn)
        self._grant()
        try:
            async with asyncio.timeout(self._patience):
                granted = await turn
        except BaseException as error:  # a cancelled request, too
            if turn.done() and not turn.cancelled() and turn.result():
                self._leave(page)  # it got its place just then
            if isinstance(error, TimeoutError):
                raise TimeoutError(f"none was free for {self._patience:g} seconds; see --processes") from error
            raise
        if not granted:
            raise TimeoutError(_ENDS)

    def _leave(self, page: str) -> None:
        self._taken[page] -= 1
        if not self._taken[page]:
            del self._taken[page]
        if page in self._waiting:
            self._waiting.move_to_end(page)
        self._grant()

    def _grant(self) -> None:
        """Give free places to those whose turn it is; awaits nothing, so that no cancellation can prevent it."""
        for page in list(self._waiting):
            turns = self._waiting[page]
            while turns and turns[0].done():  # given up
                turns.popleft()
            if turns and self._has_room(page):
                turns.popleft().set_result(True)
                self._taken[page] += 1
                self._waiting.move_to_end(page)
            if not turns:
                del self._waiting[page]

    def _has_room(self, page: str) -> bool:
        own, pages, total = self._taken[page], len(self._taken), self._taken.total()
        if own:
            is_fair = own < self._count - total and total - pages < self._count // 2
            return is_fair and page not in self._slow
        long = len(self._taken.keys() & self._long) if page in self._long else 0
        return pages < self._count and long < max(1, self._count - 1)
