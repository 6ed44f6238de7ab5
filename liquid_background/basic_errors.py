"""The errors of settings and the store, and the root of the tree in `errors`: without the template engine.

Importing that takes longer than a probe may (`poscli health`), so what a probe imports has its errors from here.
"""

from __future__ import annotations


class LiquidBackgroundError(Exception):
    """The root: catch it to catch everything that this project raises on purpose."""


class SettingsError(LiquidBackgroundError):
    """Raised when a setting is malformed, out of range or unknown."""


class StoreError(LiquidBackgroundError):
    """Raised for trouble with the Redis or Valkey server that holds the jobs."""


class StoreUnavailable(StoreError):
    """Raised when the store cannot be reached, does not answer, or refuses a write; nothing is ever half-written.

    A store that cannot be reached or refuses has done nothing. One whose reply was lost, with the connection or by the
    time limit, may have done all of what was asked: jobs may have been sent. The same jobs may be sent again, since
    their ids keep them from being doubled; a page that is rendered again makes other ones.

    Attributes:
        maybe_done: whether the reply was lost, so that the store may have done what was asked.
        silent: whether the store did not answer in time.
    """

    def __init__(self, message: str = "", *, maybe_done: bool = False, silent: bool = False) -> None:
        super().__init__(message)
        self.maybe_done = maybe_done
        self.silent = silent


class StoreStartError(StoreUnavailable):
    """Raised when the embedded server cannot be started; the message names the fix."""
