"""The store's clock, as a process knows it between two looks at it."""

from __future__ import annotations

from time import monotonic


class ServerClock:
    """The store's clock, told by this process's own monotonic one.

    It is never ahead of the store's: a time counts from the moment that it arrived, and had passed by then. It goes by
    no clock of this machine that someone may set, and is safe to share between threads and to keep over a fork.
    """

    def __init__(self) -> None:
        self._offset: float | None = None  # seconds from this process's clock to the store's
        self._noted_at = 0.0

    def noted(self, seconds: float) -> None:
        """Take the time that the store has just told."""
        at = monotonic()
        self._noted_at, self._offset = at, seconds - at

    def now(self, within: float | None = None) -> float | None:
        """Return the store's time in seconds since 1970.

        Args:
            within: seconds; None is also returned when the store was last asked longer ago than that.
        """
        at, offset = monotonic(), self._offset
        if offset is None or (within is not None and at - self._noted_at > within):
            return None
        return at + offset
