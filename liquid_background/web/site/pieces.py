"""What h11 takes long for: the pieces of chunked bodies, each of which costs as much as 8 KB in one, and blanks."""

from __future__ import annotations

import asyncio
import re
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
MAX_BLANKS: Final = 256  # in a row: of more, h11's patterns take the square in steps, and 60 KB of them 20 seconds
TOO_MANY_BLANKS: Final = "too many blanks in a row"

_BLANKS: Final = re.compile(rb"[ \t]{%d}" % (MAX_BLANKS + 1))
_END_OF_LINES: Final = re.compile(rb"\n\r?\n")  # as h11 has it


class Pieces(h11.Connection):
    """The events of a connection, of which a body cannot be cut into crumbs, and how many pieces came."""

    def __init__(self) -> None:
        super().__init__(h11.SERVER, MAX_HEAD)
        self.short = 0  # pieces of all bodies that came beyond the free ones, and one for each _FREE bytes
        self._pieces = self._bytes = 0
        self._size_follows = False  # of a chunk, in a line of its own, or the lines behind the last one
        self._is_behind_last = False
        self._looked_at = 0  # bytes of what waits, in which its lines do not end

    def next_event(self) -> h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]:
        """Return the next event.

        Raises:
            h11.RemoteProtocolError: when what came is not HTTP, a body in too many pieces, or too many headers or
                blanks.
        """
        if self.their_state is h11.IDLE:
            self._check_lines(self.trailing_data[0])
        elif self._size_follows:
            self._check_size_line(self.trailing_data[0])
        event = super().next_event()
        if isinstance(event, h11.Data):
            self._size_follows = event.chunk_end
            self._pieces += 1
            self._bytes += len(event.data)
            self.short += self._pieces > _FREE_PIECES + self._bytes // _FREE
            if self._pieces > _FEW + self._bytes // _SHORT:
                raise h11.RemoteProtocolError("the body comes in too many pieces")
        elif isinstance(event, h11.Request):
            self._pieces = self._bytes = 0
            self._size_follows = any(name == b"transfer-encoding" for name, _ in event.headers)
            self._is_behind_last = False
        elif isinstance(event, h11.EndOfMessage):
            self._size_follows = False
        if event is not h11.NEED_DATA:
            self._looked_at = 0
        if isinstance(event, h11.Request | h11.EndOfMessage) and len(event.headers) > MAX_LINES:
            raise h11.RemoteProtocolError(TOO_MANY_LINES)
        return event

    def _check_lines(self, came: bytes) -> None:
        """Refuse many blanks in lines that end with an empty one, behind which a body may stand."""
        end = _END_OF_LINES.search(came, self._looked_at)
        self._looked_at = 0 if end else max(0, len(came) - 2)
        if end and _BLANKS.search(came, 0, end.start()):
            raise h11.RemoteProtocolError(TOO_MANY_BLANKS)

    def _check_size_line(self, came: bytes) -> None:
        """Refuse many blanks in the line with a chunk's size, and in all lines behind the last chunk."""
        if self._is_behind_last:
            self._check_lines(came)
        else:
            size, end, _ = came.lstrip(b"\r\n").partition(b"\r\n")
            if not end:
                return
            if _BLANKS.search(size):
                raise h11.RemoteProtocolError(TOO_MANY_BLANKS)
            if not size.partition(b";")[0].strip(b"0 \t"):
                self._is_behind_last = True
                self._check_lines(came)
                self._looked_at = 0  # h11 is about to take the line with the size


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
