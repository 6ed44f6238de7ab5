"""The soft limit: JobTimeout raised inside a job when its time is up."""

from __future__ import annotations

import signal
from collections.abc import Callable
from time import monotonic
from types import FrameType
from typing import Final, ParamSpec, TypeVar

from liquid_background.errors import JobTimeout

_AGAIN: Final = 0.2  # seconds after which a job that swallowed the timeout gets it again
_KEPT: Final = 0.05  # seconds for which a timer is taken to be set; a job may have turned it off
P = ParamSpec("P")
T = TypeVar("T")


class Alarm:
    """The timer of a child's main thread."""

    def __init__(self) -> None:
        self._armed = False
        self.rang = False
        self._error: JobTimeout | None = None  # what the first ring raised: its traceback says what took so long
        self._limit = 0.0
        self._ends = 0.0  # by the monotonic clock, as the next two
        self._rings = 0.0  # when the timer does; never later than the call that goes on ends
        self._known_until = 0.0
        signal.signal(signal.SIGALRM, self._ring)

    def _ring(self, _signal: int, _frame: FrameType | None) -> None:
        if not self._armed:
            signal.setitimer(signal.ITIMER_REAL, 0)
            self._rings = 0.0
            return
        now = monotonic()
        if now < self._ends:  # set for a call before this one
            self._set(now)
            return
        self.rang = True
        error = JobTimeout(f"stopped at its limit of {self._limit:g} s")
        self._error = self._error or error
        raise error

    def _set(self, now: float) -> None:
        signal.setitimer(signal.ITIMER_REAL, self._ends - now, _AGAIN)
        self._rings, self._known_until = self._ends, now + _KEPT

    def run(self, limit: float, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Return what the call returns, with the arguments that follow it.

        Raises:
            JobTimeout: inside the call, and out of here, when it takes longer than `limit` seconds.
        """
        now = monotonic()
        self._limit, self.rang, self._error, self._ends = limit, False, None, now + limit
        try:
            self._armed = True
            # One that rings earlier is set anew by its ring: a call of the system for each short job would be dear.
            if not (now < self._rings <= self._ends and now < self._known_until):
                self._set(now)
            result = call(*args, **kwargs)
        finally:
            self._armed = False  # the timer is left to the next call, or to its ring
        if self._error is not None:
            error, self._error = self._error, None
            raise error
        return result
