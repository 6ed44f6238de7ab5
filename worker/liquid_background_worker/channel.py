"""A child's line to the store: it outlives outages, and sends again what the store may not have heard."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from time import monotonic, sleep
from typing import Any, Final

from liquid_background.queue.moves import Call
from liquid_background.store import Store
from liquid_background_worker.trouble import Trouble
from liquid_background_worker.wire import Broken, Wire

MOST_PENDING: Final = 8
"""Calls that may be on their way; more wait for replies first. Each may hold a body's end that only this child knows,
and that runs again when the child and the store die together."""
_UNHEARD: Final = 4  # calls on their way, or
_UNHEARD_FOR: Final = 0.002  # seconds, before a poll looks for replies: a look costs as much as a call
_PAUSE: Final = 0.02  # seconds between two tries to connect at first: a finished job waits to be told of
_LONG_PAUSE: Final = 0.2
_PATIENCE: Final = 2.0  # seconds after which the tries become rarer


class GaveUp(Exception):
    """Raised when the store has been away for so long that this worker's leases are gone, and it shall stop."""


class Channel:
    """Calls in order, over as many connections as it takes."""

    def __init__(self, store: Store, reply_timeout: float, gives_up: Callable[[float], bool]) -> None:
        self._wire = Wire(store, reply_timeout)
        self._reply_timeout = reply_timeout
        self._gives_up = gives_up  # asked with the seconds that the store has been away
        self._away_since: float | None = None  # until a reply says otherwise
        self.trouble = Trouble(logging.DEBUG)  # its supervisor warns

    def post(self, call: Call, on_reply: Callable[[Any], None] | None = None, must: bool = False) -> None:
        """Send a call without waiting for its reply; it leaves at once, and only then are others waited for.

        One that must be heard is sent again for as long as the store refuses writes.

        After an outage all replies are read before the caller goes on: its leases may have run out.
        """
        try:
            self._wire.send(call, on_reply or self.trouble.heard, must)
        except Broken as error:
            self._recover(error)
            self.drain()
        if len(self._wire.pending) > MOST_PENDING:
            self.drain()

    def call(self, call: Call) -> Any:
        """Send a call and return its reply; None when the store could make nothing of it."""
        replies: list[Any] = []
        self.post(call, replies.append)
        self.drain()
        self.trouble.heard(replies[0])
        return None if isinstance(replies[0], Exception) else replies[0]

    def poll(self) -> None:
        """Read the replies that are there, once a few are to be expected; after an outage, all."""
        pending = self._wire.pending
        if len(pending) < _UNHEARD and not (pending and monotonic() - pending[0].at > _UNHEARD_FOR):
            return
        try:
            self._hear()
        except Broken as error:
            self._recover(error)
            self.drain()

    def drain(self, enough: Callable[[], bool] = lambda: False) -> None:
        """Read replies until it is enough, or all are read."""
        while self._wire.pending and not enough():
            try:
                if not self._hear() and not self._wire.wait(self._reply_timeout):
                    self._wire.disconnect()
                    raise Broken("no reply")
            except Broken as error:
                self._recover(error)

    def block(self, wake_keys: list[str], seconds: float, control: int, calls: Sequence[Call]) -> Any:
        """Wait for work for at most that long, then have the calls run; return the last one's reply.

        None when there is none: after an outage, or when the store could make nothing of the call.
        """
        self.drain()
        try:
            replies = self._wire.block(wake_keys, seconds, control, calls)
        except Broken as error:
            self._recover(error)
            return None
        self._away_since = None
        for reply in replies:
            self.trouble.heard(reply)
        return None if isinstance(replies[-1], Exception) else replies[-1]

    def _recover(self, error: Broken) -> None:
        """Connect again and send again, until it works.

        Raises:
            GaveUp: when it has not worked for long and this worker is to stop.
        """
        self._wire.disconnect()
        if self._away_since is None:
            self._away_since = monotonic()
        else:
            self._pause(error)  # it let us connect, and yet refused the last try
        while True:
            try:
                self._wire.connect()
                return
            except Broken as again:
                error = again
            self._pause(error)

    def _pause(self, error: Broken) -> None:
        away = monotonic() - (self._away_since or monotonic())
        if self._gives_up(away):
            raise GaveUp(str(error))
        self.trouble.outage(error)
        sleep(_PAUSE if away < _PATIENCE else _LONG_PAUSE)

    def _hear(self) -> bool:
        heard = self._wire.hear()
        if heard:
            self._away_since = None
        return heard
