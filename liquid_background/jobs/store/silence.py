"""A store that did not answer in time, as those share it who queued while others found out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

from liquid_background.errors import StoreUnavailable
from liquid_background.threads import queued_since


def silent_store(where: str = "", more: str = "", *, maybe_done: bool = False) -> StoreUnavailable:
    """Return the error that says that a store did not answer in time.

    Args:
        where: `Store.url`, so that the message names the store.
        more: what follows from it; a question mark when nothing does.
        maybe_done: whether something had been asked of it that it may have done.
    """
    name = f"the store at {where}" if where else "the store"
    down = "the network down, or the store without TLS" if where.startswith("rediss") else "or the network down"
    text = f"{name} did not answer in time: is it overloaded, {down}{more or '?'}"
    return StoreUnavailable(text, maybe_done=maybe_done, silent=True)


class Silence:
    """What a process knows of a store's silence, for those who queue for a thread.

    Without it each would wait in its turn for as long as the one before. Whoever comes later asks the store anew. It is
    safe to share between threads.

    Args:
        lasts: seconds after which the news is too old for anybody.
    """

    def __init__(self, lasts: float) -> None:
        self._lasts = lasts
        self._found: tuple[float, str] | None = None  # when it fell silent, by the monotonic clock, and which store

    def found(self, where: str) -> None:
        """Take note that the store at a URL has just not answered in time."""
        self._found = monotonic(), where

    def over(self) -> None:
        """Take note that it has answered."""
        if self._found is not None:
            self._found = None

    def check(self) -> None:
        """Ask nothing of a store that fell silent while the caller queued.

        Raises:
            StoreUnavailable: when it did; nothing was sent.
        """
        if self._found is None:
            return
        (at, where), since = self._found, queued_since()
        if since is not None and since < at and monotonic() - at < self._lasts:
            raise silent_store(where)

    @contextmanager
    def shared(self, where: str) -> Iterator[None]:
        """Ask the store at a URL inside the block, and take note of how that ends.

        Raises:
            StoreUnavailable: when it fell silent while the caller queued, or does so now.
        """
        self.check()
        try:
            yield
        except StoreUnavailable as error:
            if error.silent:
                self.found(where)
            raise
        self.over()
