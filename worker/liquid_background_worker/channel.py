"""A child's line to the store: it outlives outages, and sends again what the store may not have heard."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from time import monotonic, sleep
from typing import Any, Final

import hiredis

from liquid_background.jobs.queue import scripts
from liquid_background.jobs.queue.moves import Call
from liquid_background.jobs.store import Store
from liquid_background_worker.trouble import Trouble
from liquid_background_worker.wire import Broken, Sent, Wire

MOST_PENDING: Final = 8
"""Calls that may be on their way; more wait for replies first. Each may hold a body's end that only this child knows,
and that runs again when the child and the store die together."""
_ROOM: Final = 4  # calls that may follow once that many had to be waited for: the store goes on meanwhile
_UNHEARD: Final = 4  # calls on their way, or
_UNHEARD_FOR: Final = 0.002  # seconds, before a poll looks for replies: a look costs as much as a call
_PAUSE: Final = 0.02  # seconds between two tries to connect at first: a finished job waits to be told of
_LONG_PAUSE: Final = 0.2
_HANG_UPS: Final = 5
_LARGE: Final = 256 * 1024  # bytes of a call that may be over a server's limits
_PATIENCE: Final = 2.0  # seconds after which the tries become rarer


class GaveUp(Exception):
    """Raised when the store has been away for so long that this worker's leases are gone, and it shall stop."""


class Channel:
    """Calls in order, over as many connections as it takes."""

    def __init__(
        self,
        store: Store,
        reply_timeout: float,
        gives_up: Callable[[float], bool],
        is_orphan: Callable[[], bool] = lambda: False,
    ) -> None:
        self._wire = Wire(store, reply_timeout)
        self._reply_timeout = reply_timeout
        self._gives_up = gives_up  # asked with the seconds that the store has been away
        self._is_orphan = is_orphan
        self._away_since: float | None = None  # until a reply says otherwise
        self._head: Sent | None = None  # the first call without a reply when the connection was lost last
        self._hang_ups = 0  # connections that were lost with it since
        self.trouble = Trouble(store.url, logging.DEBUG)  # its supervisor warns

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
            self.drain(lambda: len(self._wire.pending) <= MOST_PENDING - _ROOM)

    def once_heard(self, callback: Callable[[], None]) -> None:
        """Have a function called when all that was sent so far has its reply."""
        if not self._wire.pending:
            callback()
            return
        last = self._wire.pending[-1]
        on_reply = last.on_reply

        def heard(reply: Any) -> None:
            on_reply(reply)
            callback()

        last.on_reply = heard

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

    def block(
        self,
        wake_keys: list[str],
        seconds: float,
        control: int,
        calls: Sequence[Call],
        on_earlier: Callable[[Any], None] = lambda _: None,
    ) -> Any:
        """Wait for work for at most that long, then have the calls run; return the last one's reply.

        The replies to those before it go to `on_earlier`.

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
        for reply in replies[:-1]:
            on_earlier(reply)
        return None if isinstance(replies[-1], Exception) else replies[-1]

    def _recover(self, error: Broken) -> None:
        """Connect again and send again, until it works.

        Raises:
            GaveUp: when it has not worked for long, this worker is to stop, and nothing that it knows would be lost; or
                when its supervisor has died.
        """
        self._wire.disconnect()
        self._drop_what_it_hangs_up_on(error)
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

    def _drop_what_it_hangs_up_on(self, error: Broken) -> None:
        """Answer a large call with an error that breaks each new connection, as one over a server's limits does."""
        head = self._wire.pending[0] if self._wire.pending else None
        self._hang_ups = self._hang_ups + 1 if head is self._head else 0
        self._head = head
        if head and self._hang_ups >= _HANG_UPS and len(scripts.command(*head.call)) > _LARGE:
            self._wire.pending.popleft()
            head.on_reply(hiredis.ReplyError(f"the store hangs up on it: {error}"))

    def _pause(self, error: Broken) -> None:
        away = monotonic() - (self._away_since or monotonic())
        if self._is_orphan():  # nobody is left who keeps its leases: its jobs run elsewhere by now
            raise GaveUp("its supervisor has died")
        if self._gives_up(away):
            ends = sum(sent.must for sent in self._wire.pending)
            if not ends:
                raise GaveUp(str(error))
            self.trouble.ends_wait(ends)  # only this child knows them: without it, their bodies run again
        self.trouble.outage(error)
        sleep(_PAUSE if away < _PATIENCE else _LONG_PAUSE)

    def _hear(self) -> bool:
        heard = self._wire.hear()
        if heard:
            self._away_since = None
        return heard
