"""The soft limit: JobTimeout raised inside a job when its time is up."""

from __future__ import annotations

import signal
from collections.abc import Callable
from types import FrameType
from typing import Final, TypeVar

from liquid_background.errors import JobTimeout

_AGAIN: Final = 0.2  # seconds after which a job that swallowed the timeout gets it again
T = TypeVar("T")


class Alarm:
    """The timer of a child's main thread."""

    def __init__(self) -> None:
        self._armed = False
        self.rang = False
        self._limit = 0.0
        signal.signal(signal.SIGALRM, self._ring)

    def _ring(self, _signal: int, _frame: FrameType | None) -> None:
        if not self._armed:
            signal.setitimer(signal.ITIMER_REAL, 0)
            return
        self.rang = True
        raise JobTimeout(f"stopped at its limit of {self._limit:g} s")

    def run(self, limit: float, call: Callable[[], T]) -> T:
        """Return what the call returns.

        Raises:
            JobTimeout: inside the call, and out of here, when it takes longer than `limit` seconds.
        """
        self._limit, self.rang, self._armed = limit, False, True
        signal.setitimer(signal.ITIMER_REAL, limit, _AGAIN)
        try:
            result = call()
        finally:
            self._armed = False  # the timer is left to the next call, which sets it anew, or to its ring
        if self.rang:
            raise JobTimeout(f"stopped at its limit of {limit:g} s")
        return result
