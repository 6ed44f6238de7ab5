"""A connection that nobody can hold: a request must come in time, and an answer must be read."""

from __future__ import annotations

import asyncio
import logging
import re
import resource
from collections.abc import Iterable
from typing import Any, Final

import h11
from uvicorn.protocols.http.h11_impl import STATUS_PHRASES, H11Protocol

from liquid_background.web.errorpage import RETRY
from liquid_background.web.messages import word_of
from liquid_background.web.site import MAX_HEAD

logger = logging.getLogger("liquid_background.web")

HEAD_TIMEOUT: Final = 10.0  # seconds in which a request's line and headers must have come
READ_TIMEOUT: Final = 10.0  # seconds in which a client must read some of an answer
MAX_UNREAD: Final = 128 * 1024 * 1024
"""Bytes of answers that the process holds for clients that do not read them: a dozen of the longest pages."""

_READ: Final = 8 * 1024
"""Bytes that one connection has read while the others wait: asyncio's own 256 KB may hold 43,000 chunks of one byte."""

_FEW: Final = 1000  # pieces of a body, however short
_SHORT: Final = 16  # bytes that each further piece has on average
_SOME: Final = 16 * 1024  # bytes of an answer
_MOST: Final = 500  # connections
_FOR_OTHERS: Final = 64  # descriptors of the process that are no connections
_SHOWN: Final = 200  # bytes of a request that stand in the access log
_LINE: Final = re.compile(rb"([^ ]*)(?: (.*?))??(?: (HTTP/[0-9]\.[0-9]))?", re.DOTALL)  # fits whatever was sent


class _Pieces(h11.Connection):
    """The events of a connection, of which a body cannot be cut into crumbs: each costs as much as a piece of 8 KB."""

    def __init__(self) -> None:
        super().__init__(h11.SERVER, MAX_HEAD)
        self._pieces = self._bytes = 0

    def next_event(self) -> h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]:
        """Return the next event.

        Raises:
            h11.RemoteProtocolError: when what came is not HTTP, or a body in too many pieces.
        """
        event = super().next_event()
        if isinstance(event, h11.Data):
            self._pieces += 1
            self._bytes += len(event.data)
            if self._pieces > _FEW + self._bytes // _SHORT:
                raise h11.RemoteProtocolError("the body comes in too many pieces")
        elif isinstance(event, h11.Request):
            self._pieces = self._bytes = 0
        return event


class Connection(H11Protocol, asyncio.BufferedProtocol):
    """uvicorn's connection, with bounds on what it waits for, and on what of it others wait for."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.conn = _Pieces()
        self._buffer = bytearray(_READ)

    def get_buffer(self, sizehint: int) -> bytearray:
        """Return where the next bytes go."""
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Take the bytes that came."""
        self.data_received(bytes(self._buffer[:nbytes]))

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a connection; when there are too many, the one that has kept us waiting the longest goes."""
        super().connection_made(transport)
        self._since = self.loop.time()  # that a request is waited for
        self._seen = b""  # of the request that is waited for
        self._unread: tuple[float, int] | None = None  # since when, and how much of an answer is not read
        if len(self.connections) > most_connections():
            _longest_waiting(self.connections, self).refuse(503, "too many connections")

    def data_received(self, data: bytes) -> None:
        """Take a part of a request."""
        if self.is_waiting:
            if not self._seen and self.conn.their_state is h11.IDLE:
                data = data.lstrip(b"\r\n")  # some clients send an empty line between requests
            self._seen += data[: _SHOWN - len(self._seen)]
        if data:
            super().data_received(data)

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        self._since = self.loop.time()
        self._seen = self.conn.trailing_data[0][:_SHOWN]
        super().on_response_complete()
        if self.unread:
            _drop_unread(self.connections)

    @property
    def unread(self) -> int:
        """The bytes of answers that the client has not read."""
        return self.transport.get_write_buffer_size()

    @property
    def is_waiting(self) -> bool:
        """Whether it waits for the line and headers of a request."""
        return self.cycle is None or self.cycle.response_complete

    @property
    def waits_since(self) -> float | None:
        """Since when it waits for a request or its body; None while a page is at it."""
        return self._since if self.is_waiting or self.cycle.more_body else None

    def look(self) -> None:
        """Close it when a request did not come in time, or an answer is not read; called each second."""
        now = self.loop.time()
        size = self.unread
        if not size:
            self._unread = None
        elif self._unread is None or size <= self._unread[1] - _SOME or size > self._unread[1]:
            self._unread = (now, size)
        elif now - self._unread[0] > READ_TIMEOUT:
            self.transport.abort()
            return
        if self.is_waiting and now - self._since > HEAD_TIMEOUT:
            self.refuse(408, f"it did not arrive within {HEAD_TIMEOUT:g} seconds")

    def hang_up(self) -> None:
        """Close it at the end of the server, unless a page is at it, whose request gets its answer."""
        if self.waits_since is not None:
            self.transport.abort()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is not HTTP; behind a request that is being answered it gets no answer of its own."""
        if self.is_waiting:
            self.refuse(400, "it is not valid HTTP")
        elif self.cycle.more_body:
            if not self.cycle.response_started:
                self._write(400, "it is not valid HTTP")  # the line in the log is the request's own
            self.transport.close()

    def refuse(self, status: int, reason: str) -> None:
        """Answer what has come of a request, note it in the access log, and close the connection."""
        if self._seen:
            logger.info("%s %d (%s)", _asked(self._seen), status, reason)
            self._write(status, reason)
        self.transport.close()

    def _write(self, status: int, reason: str) -> None:
        if self.conn.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            return
        body = f"The request was refused: {reason}.\n".encode()
        headers = [
            ("content-type", "text/plain; charset=utf-8"),
            ("content-length", str(len(body))),
            ("x-content-type-options", "nosniff"),
            ("connection", "close"),
            *([RETRY] if status == 503 else []),
        ]
        response = h11.Response(status_code=status, headers=headers, reason=STATUS_PHRASES[status])
        for event in (response, h11.Data(data=body), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")


def _asked(sent: bytes) -> str:
    """Return a request's line as words for the access log, of which none can pass for the status behind them."""
    line = sent.partition(b"\n")[0].removesuffix(b"\r").partition(b"?")[0]  # a query may hold a secret
    found = _LINE.fullmatch(line)
    return " ".join(word_of(part) for part in found.groups() if part) if found else ""


def most_connections() -> int:
    """Return how many connections the process may hold."""
    allowed, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _MOST if allowed == resource.RLIM_INFINITY else max(8, min(_MOST, allowed - _FOR_OTHERS))


def _drop_unread(connections: Iterable[Any]) -> None:
    """Close the connections with the most unread bytes, until all of them together hold no more than they may."""
    holding = sorted((other for other in connections if isinstance(other, Connection)), key=lambda other: other.unread)
    held = sum(other.unread for other in holding)
    while held > MAX_UNREAD:
        worst = holding.pop()
        held -= worst.unread
        logger.error("a client that did not read its answer was cut off: %d MB are held for others", held >> 20)
        worst.transport.abort()


def _longest_waiting(connections: Iterable[Any], newest: Connection) -> Connection:
    waiting = [other for other in connections if isinstance(other, Connection) and other.waits_since is not None]
    return min(waiting, key=lambda other: (other is newest, other.waits_since or 0.0), default=newest)
