"""The pieces of chunked bodies: each costs the server as much as 8 KB in one piece, so they are rationed."""

from __future__ import annotations

import asyncio
from typing import Final

import h11
from uvicorn.protocols.http.flow_control import FlowControl

from liquid_background.web.site.application import MAX_HEAD

MAX_LINES: Final = 128  # headers of a request, and of what stands behind a chunked body
_FREE_PIECES: Final = 256  # of a body that nobody has to wait for, however short
_FEW: Final = 1000  # pieces of a body, however short
_SHORT: Final = 16  # bytes that each further piece has on average
_FREE: Final = 1024  # bytes of a body that make one piece which nobody has to wait for
_A_SECOND: Final = 5_000  # other pieces that the process takes: 13 us each are 7 % of a processor
TOO_MANY_LINES: Final = "too many header lines"
_PATIENCE: Final = 0.2  # seconds that the ration is overdrawn before senders wait


class Pieces(h11.Connection):
    """The events of a connection, of which a body cannot be cut into crumbs, and how many pieces came."""

    def __init__(self) -> None:
        super().__init__(h11.SERVER, MAX_HEAD)
        self.short = 0  # pieces of all bodies that came beyond the free ones, and one for each _FREE bytes
        self._pieces = self._bytes = 0

    def next_event(self) -> h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]:
        """Return the next event.

        Raises:
            h11.RemoteProtocolError: when what came is not HTTP, a body in too many pieces, or too many headers.
        """
        event = super().next_event()
        if isinstance(event, h11.Data):
            self._pieces += 1
            self._bytes += len(event.data)
            self.short += self._pieces > _FREE_PIECES + self._bytes // _FREE
            if self._pieces > _FEW + self._bytes // _SHORT:
                raise h11.RemoteProtocolError("the body comes in too many pieces")
        elif isinstance(event, h11.Request):
            self._pieces = self._bytes = 0
        if isinstance(event, h11.Request | h11.EndOfMessage) and len(event.headers) > MAX_LINES:
            raise h11.RemoteProtocolError(TOO_MANY_LINES)
        return event


class Ration:
    """The short pieces that a process takes: so many a second, whoever sends them."""

    def __init__(self) -> None:
        self._paid = 0.0  # until when those that came have used it up

    def take(self, pieces: int, now: float) -> float:
        """Take pieces from one sender, and return until when it has to wait."""
        self._paid = max(self._paid, now) + pieces / _A_SECOND
        return self._paid - _PATIENCE

    def is_overdrawn(self, now: float) -> bool:
        """Return whether whoever sends short pieces has to wait."""
        return self._paid - _PATIENCE > now


class Flow(FlowControl):
    """uvicorn's flow of one connection, which also rests for a time."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(transport)
        self._loop = loop
        self._resting = False

    def rest(self, until: float) -> None:
        """Read nothing until then, by the loop's clock."""
        if not self._resting:
            self._resting = True
            if not self.read_paused:
                self._transport.pause_reading()
            self._loop.call_at(until, self._go_on)

    def _go_on(self) -> None:
        self._resting = False
        if not self.read_paused:
            self._transport.resume_reading()

    def pause_reading(self) -> None:
        """Read nothing until `resume_reading`."""
        if not self.read_paused:
            self.read_paused = True
            if not self._resting:
                self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Read again, or when the rest is over."""
        if self.read_paused:
            self.read_paused = False
            if not self._resting:
                self._transport.resume_reading()
