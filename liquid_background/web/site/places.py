"""Places in the page processes: which request gets one, so that stuck pages leave others room."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from liquid_background.web.site.turns import Paces, Turns

_MOST_WAITING: Final = 100  # requests for one page; more would take the connections that others need
_MOST_OF_ALL: Final = 300  # requests for all pages
_MOST_WAITING_BYTES: Final = 32 * 1024 * 1024
"""Bytes of their bodies: the other half of what all bodies may take is for those that come, and are being answered."""
_ENDS: Final = "the server is stopping"


@dataclass(eq=False, slots=True)
class _Request:
    """A request that waits: what it gets is the turn that its place is counted in, or why it gets none."""

    size: int
    found: asyncio.Future[Turns | str]


class Places:
    """The places for requests that are answered at the same time.

    1. As many different pages as there are places have one each, whatever the others hold.
    2. A page gets a further one as long as it has fewer than are free, so that a stuck page gets half of them, and no
       quick page waits for its first. Those are not counted under 1: up to half as many again are taken when several
       pages are stuck.
    3. A page that took a tenth of its time is long until it was quick 20 times in a row, and some minutes have passed:
       5, and twice as many each time anew. One place is kept from long pages: a quick page gets one, whatever others
       ask for. A page that ran out of its time gets no further place until it ends within it again.
    4. Quick pages are next before long ones. Among these, the one that used the least of the places is, as long as it
       waits; what it used while nobody waited does not count. One that has few quick answers may be stuck this time,
       and is taken for one that has used a part of that already: all of it when it has none, half when it has one, …
       Those that used as much are next in the order in which they came.
    5. Where too many requests wait, for all pages together, the page with the most of them gives up its newest; where
       their bodies are too large together, the page with the most bytes gives up its largest.

    Args:
        count: places for different pages.
        patience: seconds that a request waits for one.
        most: requests that may wait, for all pages together.
        clock: tells seconds.
    """

    def __init__(
        self, count: int, patience: float, clock: Callable[[], float] = time.monotonic, *, most: int = _MOST_OF_ALL
    ) -> None:
        self._count = count
        self._patience = patience
        self._most = most
        self._taken: Counter[str] = Counter()  # places, by page
        self._waiting: dict[str, deque[_Request]] = {}  # in the order in which they came
        self._stuck: set[str] = set()  # pages that ran out of their time when they were last rendered
        self._paces = Paces(clock)
        # A page that turns long or quick begins anew in the other order.
        self._turns = {is_long: Turns(clock) for is_long in (False, True)}
        self._closed = False

    @asynccontextmanager
    async def place(self, page: str, size: int = 0) -> AsyncIterator[None]:
        """Hold a place for a request of a page.

        Args:
            page: its name.
            size: bytes of the request's body.

        Raises:
            TimeoutError: saying why: there is none for too long, too many wait already, or the server ends.
        """
        turns = await self._wait(page, size)
        try:
            yield
        finally:
            self._leave(page, turns)

    def ended(self, page: str, share: float) -> None:
        """Note how a page ended.

        Args:
            page: its name.
            share: of the time that a page has.
        """
        self._paces.ended(page, share)
        if share < 1.0:
            self._stuck.discard(page)
        else:
            self._stuck.add(page)

    def close(self) -> None:
        """Give no place to anybody any more."""
        self._closed = True
        for requests in [*self._waiting.values()]:
            for request in requests:
                _give_up(request, _ENDS)

    async def _wait(self, page: str, size: int) -> Turns:
        if page not in self._taken and page not in self._waiting:
            self._turns[self._paces.is_long(page)].come(page)
        if self._closed or len(self._waiting.get(page, ())) >= _MOST_WAITING:
            raise TimeoutError(_ENDS if self._closed else f"{_MOST_WAITING} requests wait for it already")
        request = _Request(size, asyncio.get_running_loop().create_future())
        self._waiting.setdefault(page, deque()).append(request)
        self._grant()
        self._bound()
        try:
            async with asyncio.timeout(self._patience):
                found = await request.found
        except BaseException as error:  # a cancelled request, too
            self._forget(page, request)
            got = request.found.result() if request.found.done() and not request.found.cancelled() else None
            if isinstance(got, Turns):
                self._leave(page, got)  # it got its place just then
            if isinstance(error, TimeoutError):
                raise TimeoutError(f"none was free for {self._patience:g} seconds; see --processes") from error
            raise
        if isinstance(found, str):
            self._forget(page, request)
            raise TimeoutError(found)
        return found

    def _bound(self) -> None:
        """Have requests give way while too many wait, or too large ones."""
        waiting = {
            page: [each for each in requests if not each.found.done()] for page, requests in self._waiting.items()
        }
        while sum(map(len, waiting.values())) > self._most:
            page = max(waiting, key=lambda page: (len(waiting[page]), self._order(page)))  # of several the last in turn
            _give_up(waiting[page].pop(), f"{self._most} requests wait already, and the most of them for it")
        bytes_of = {page: sum(each.size for each in requests) for page, requests in waiting.items()}
        while sum(bytes_of.values()) > _MOST_WAITING_BYTES:
            page = max(bytes_of, key=lambda page: (bytes_of[page], self._order(page)))
            largest = max(waiting[page], key=lambda request: request.size)
            waiting[page].remove(largest)
            bytes_of[page] -= largest.size
            most = f"{_MOST_WAITING_BYTES // 1024**2} MB"
            _give_up(largest, f"requests with {most} of bodies wait already, and the most of that for it")

    def _forget(self, page: str, request: _Request) -> None:
        requests = self._waiting.get(page, deque())
        if request in requests:
            requests.remove(request)
            if not requests:
                del self._waiting[page]

    def _leave(self, page: str, turns: Turns) -> None:
        turns.end(page, self._waiting)
        self._taken[page] -= 1
        if not self._taken[page]:
            del self._taken[page]
        self._grant()

    def _grant(self) -> None:
        """Give free places to those whose turn it is; awaits nothing, so that no cancellation can prevent it."""
        a_quick_one_waits = False
        for page in sorted(self._waiting, key=self._order):
            requests = self._waiting[page]
            while requests and requests[0].found.done():  # given up
                requests.popleft()
            if not requests or (a_quick_one_waits and page in self._taken):
                pass
            elif not self._has_room(page):
                a_quick_one_waits |= page not in self._taken and not self._paces.is_long(page)
            else:
                is_long = self._paces.is_long(page)
                turns = self._turns[is_long]
                turns.begin(page, [each for each in self._waiting if self._paces.is_long(each) == is_long])
                self._taken[page] += 1
                requests.popleft().found.set_result(turns)
                self._waiting[page] = self._waiting.pop(page)  # behind the others
            if not requests:
                del self._waiting[page]

    def _order(self, page: str) -> tuple[bool, float]:
        is_long = self._paces.is_long(page)
        doubt = 0.0 if is_long else self._patience / (1 + self._paces.quick(page))
        return is_long, self._turns[is_long].stands(page) + doubt

    def _has_room(self, page: str) -> bool:
        own, pages, total = self._taken[page], len(self._taken), self._taken.total()
        if own:
            is_fair = own < self._count - total and total - pages < self._count // 2
            return is_fair and page not in self._stuck
        long = sum(map(self._paces.is_long, self._taken)) if self._paces.is_long(page) else 0
        return pages < self._count and long < max(1, self._count - 1)


def _give_up(request: _Request, reason: str) -> None:
    if not request.found.done():
        request.found.set_result(reason)
