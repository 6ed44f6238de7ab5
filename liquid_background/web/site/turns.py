"""Whose turn it is to get a place: how long pages took lately, and how much of the places they used."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass
from typing import Final

LONG: Final = 0.1
"""Of a page's time: one that took it is long."""
QUICK_AGAIN: Final = 20
"""Answers in a row within that, after which a long page may be a quick one again."""
_FORGIVEN: Final = 300.0  # seconds until then at least; twice as many each time anew
_REMEMBERED: Final = 86_400.0  # seconds; no page is long for longer, either
_SWEPT: Final = 1_000  # pages


@dataclass(slots=True)
class _Past:
    """What is known of a page."""

    ended: float = 0.0  # when it did last
    was_long: float = 0.0  # when it last was
    wait: float = 0.0  # seconds until it is forgiven
    quick: int = 0  # answers in a row since
    is_long: bool = False


class Paces:
    """Which pages are long: those that took long once stay so, as one page may be quick and stuck by turns.

    Args:
        clock: tells seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._pasts: dict[str, _Past] = {}
        self._most = _SWEPT

    def is_long(self, page: str) -> bool:
        """Return whether a page took long, and has not been quick for long enough since."""
        past = self._pasts.get(page)
        if past is None or not past.is_long:
            return False
        if past.quick >= QUICK_AGAIN and self._clock() - past.was_long >= past.wait:
            past.is_long = False
        return past.is_long

    def quick(self, page: str) -> int:
        """Return how many of a page's answers in a row were quick."""
        past = self._pasts.get(page)
        return 0 if past is None else past.quick

    def ended(self, page: str, share: float) -> None:
        """Note how much of its time a page took."""
        now = self._clock()
        past = self._pasts.get(page)
        if past is None:
            self._sweep(now)
            past = self._pasts[page] = _Past()
        past.ended = now
        if share < LONG:
            past.quick += 1
            return
        if not self.is_long(page):  # once, however many requests took long at the same time
            past.wait = min(_REMEMBERED, max(_FORGIVEN, 2 * past.wait))
        past.was_long, past.quick, past.is_long = now, 0, True

    def _sweep(self, now: float) -> None:
        """Forget pages that nobody asked for in a long time, such as those that were deleted."""
        if len(self._pasts) > self._most:
            self._pasts = {page: past for page, past in self._pasts.items() if now - past.ended < _REMEMBERED}
            self._most = 2 * len(self._pasts) + _SWEPT


class Turns:
    """Whose turn it is among pages that share places: the one that has used the least place-seconds is next.

    A page that comes while it has no place and waits for none begins where the least of those stands who wait. So it
    has neither saved up turns, nor has to make up for what it used while nobody waited.

    Args:
        clock: tells seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._reached = 0.0  # where the least stood of those that waited
        self._used: dict[str, float] = {}
        self._began: dict[str, list[float]] = {}  # when those that have places got them
        self._most = _SWEPT

    def come(self, page: str) -> None:
        """Have a page begin to wait."""
        self._used[page] = max(self._used.get(page, 0.0), self._reached)

    def stands(self, page: str) -> float:
        """Return what a page has used, with what it is using."""
        now = self._clock()
        return self._used.get(page, self._reached) + sum(now - began for began in self._began.get(page, ()))

    def begin(self, page: str, waiting: Iterable[str]) -> None:
        """Give one of those that wait a turn."""
        self._reached = max(self._reached, min(map(self.stands, waiting)))
        self._used.setdefault(page, self._reached)
        self._began.setdefault(page, []).append(self._clock())

    def end(self, page: str, waiting: Container[str]) -> None:
        """End the turn of a page that began first."""
        began = self._began[page]
        self._used[page] += self._clock() - began.pop(0)
        if not began:
            del self._began[page]
        if len(self._used) > self._most:
            self._used = {
                page: used
                for page, used in self._used.items()
                if used > self._reached or page in self._began or page in waiting
            }
            self._most = 2 * len(self._used) + _SWEPT
