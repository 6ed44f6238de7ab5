"""The store's clock, as a process knows it between two looks at it."""

from __future__ import annotations

from time import monotonic


class ServerClock:
    """The store's clock, told by this process's own monotonic one.

    Another server has another clock: what one told says nothing of the next.

    It is never ahead of the store's: a time counts from the moment that it arrived, and had passed by then. It goes by
    no clock of this machine that someone may set, and is safe to share between threads and to keep over a fork.
    """

    def __init__(self) -> None:
        self._offset: float | None = None  # seconds from this process's clock to the store's
        self._noted_at = 0.0
        self.servers = 0
        """How many servers there have been, as far as is known."""

    def another_server(self) -> None:
        """Forget what is known: from here on another server may be asked."""
        self.servers += 1
        self._offset = None

    def noted(self, seconds: float, servers: int | None = None) -> None:
        """Take the time that the store has just told.

        Args:
            seconds: since 1970.
            servers: what that attribute was before the store was asked; if it no longer is, nothing is taken.
        """
        if servers is not None and servers != self.servers:
            return
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
