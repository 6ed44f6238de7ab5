"""A connection that nobody can hold: a request must come in time, and an answer must be read."""

from __future__ import annotations

import asyncio
import logging
import re
import sys
from collections.abc import Iterable
from typing import Any, Final

import h11
from uvicorn.protocols.http.h11_impl import STATUS_PHRASES, H11Protocol

from liquid_background.web.site.crowd import Crowd
from liquid_background.web.site.errorpage import RETRY
from liquid_background.web.site.messages import word_of
from liquid_background.web.site.pieces import (
    MAX_BLANKS,
    MAX_LINES,
    TOO_MANY_BLANKS,
    TOO_MANY_LINES,
    Flow,
    Pieces,
    Ration,
)

logger = logging.getLogger("liquid_background.web")

HEAD_TIMEOUT: Final = 10.0  # seconds in which a request's line and headers must have come
READ_TIMEOUT: Final = 10.0  # seconds in which a client must read some of an answer
MAX_UNREAD: Final = 128 * 1024 * 1024
"""Bytes of answers that the process holds for clients that do not read them: a dozen of the longest pages."""

_READ: Final = 8 * 1024
"""Bytes that one connection has read while the others wait: asyncio's own 256 KB may hold 43,000 chunks of one byte."""

_READ_OF_MANY: Final = 2048  # bytes, while the process has taken too many short pieces
_SOME: Final = 16 * 1024  # bytes of an answer
_SHOWN: Final = 200  # bytes of a request that stand in the access log
_LINE: Final = re.compile(rb"([^ ]*)(?: (.*?))??(?: (HTTP/[0-9]\.[0-9]))?", re.DOTALL)  # fits whatever was sent
_TOO_MANY: Final = "too many connections"
_NOT_HTTP: Final = "it is not valid HTTP"
_REASONS: Final = {
    "Missing mandatory Host": "it has no Host header",
    "Found multiple Host": "it has more than one Host header",
    "conflicting Content-Length": "its Content-Length headers differ",
    "bad Content-Length": "its Content-Length is no number of bytes",
    "multiple Transfer-Encoding": "it has more than one Transfer-Encoding header",
    "Only Transfer-Encoding": "its Transfer-Encoding is not chunked",
    "illegal request line": "its first line is no request line of HTTP/1.1",
    "illegal header line": "one of its headers is no header line",
    TOO_MANY_LINES: f"it has more than {MAX_LINES} header lines",
    TOO_MANY_BLANKS: f"it has more than {MAX_BLANKS} blanks in a row",
    "Receive buffer too long": "its line and headers are too long",
}
"""How what h11 says begins, and what it means: h11 may go on with bytes of the request."""


class Connection(H11Protocol, asyncio.BufferedProtocol):
    """uvicorn's connection, with bounds on what it waits for, and on what of it others wait for."""

    conn: Pieces
    flow: Flow
    # Of the process:
    _crowd: Final = Crowd()
    _ration: Final = Ration()

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.conn = Pieces()
        self._lines = 0  # of a request's head, or behind its body, that have come and are not complete
        self._paid = 0  # short pieces that it has waited for
        self._buffer = memoryview(bytearray(_READ))

    def get_buffer(self, sizehint: int) -> memoryview:
        """Return where the next bytes go."""
        return self._buffer[:_READ_OF_MANY] if self._ration.is_overdrawn(self.loop.time()) else self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Take the bytes that came."""
        self.data_received(bytes(self._buffer[:nbytes]))

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a connection; when there are too many, the one that has kept us waiting the longest goes."""
        super().connection_made(transport)
        self.flow = Flow(transport, self.loop)
        self._since = self.loop.time()  # that a request is waited for
        self._seen = b""  # of the request that is waited for
        self._unread: tuple[float, int] | None = None  # since when, and how much of an answer is not read
        self._is_turned_away = False
        self._crowd.join(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget a connection."""
        self._crowd.leave(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take a part of a request."""
        if self.is_waiting:
            if not self._seen and self.conn.their_state is h11.IDLE:
                data = data.lstrip(b"\r\n")  # some clients send an empty line between requests
            self._seen += data[: _SHOWN - len(self._seen)]
        if data and self._is_turned_away:
            self._is_turned_away = False
            if self._crowd.is_full:
                self.refuse(503, _TOO_MANY)
                return
        if data:
            super().data_received(data)
            if self.conn.short > self._paid:
                self._pay()
            self._count_lines(data)

    def _count_lines(self, data: bytes) -> None:
        """Refuse a request with more lines than it may have before they are taken apart, which takes 3 us for each."""
        if self.is_closing:
            return
        if self.is_waiting:
            self._lines += data.count(b"\n")
        else:  # what is left of a chunked body is the lines behind it, when they are many
            self._lines = self.conn.trailing_data[0].count(b"\n") if data.count(b"\n") > MAX_LINES else 0
        if self._lines > MAX_LINES + 1:  # with the request's own
            self._refuse_malformed(_REASONS[TOO_MANY_LINES])

    def _pay(self) -> None:
        """Have a client that sends short pieces wait for its share of them."""
        pieces, self._paid = self.conn.short - self._paid, self.conn.short
        until = self._ration.take(pieces, self.loop.time())
        if until > self.loop.time() and not self.is_closing:
            self.flow.rest(until)

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        self._since = self.loop.time()
        left = self.conn.trailing_data[0]
        self._seen, self._lines = left[:_SHOWN], left.count(b"\n")
        self._crowd.wait_anew(self)
        super().on_response_complete()
        if self.unread:
            _drop_unread(self.connections)

    @property
    def is_closing(self) -> bool:
        """Whether it is about to end."""
        return self.transport.is_closing()

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
        """Since when it waits for a request or its body; None while a page is at it, or it is turned away."""
        if self._is_turned_away:
            return None
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

    def give_way(self) -> None:
        """Close it for another one; what is still to be read of an answer would keep it open."""
        self._crowd.leave(self)
        if self.unread:
            self.transport.abort()
        else:
            self.refuse(503, _TOO_MANY)

    def turn_away(self) -> None:
        """Refuse the request that comes, when there is no room by then: a client hears nothing before it has asked."""
        self._is_turned_away = True

    def hang_up(self) -> None:
        """Close it at the end of the server, unless a page is at it, whose request gets its answer."""
        if self.waits_since is not None:
            self.transport.abort()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is not HTTP; behind a request that is being answered it gets no answer of its own."""
        self._refuse_malformed(_reason_of(sys.exception()))  # uvicorn calls this while it handles what h11 has raised

    def _refuse_malformed(self, reason: str) -> None:
        if self.is_waiting:
            self.refuse(400, reason)
        elif self.cycle.more_body:
            if not self.cycle.response_started:
                self._write(400, reason)  # the line in the log is the request's own
                self.cycle.disconnected = True
            self.transport.close()

    def refuse(self, status: int, reason: str) -> None:
        """Answer what has come of a request, note it in the access log, and close the connection."""
        if self._seen:
            logger.info("%s %d (%s)", _asked(self._seen), status, reason)
            self._write(status, reason)
        if not self.is_waiting:
            self.cycle.disconnected = True  # what its page says goes nowhere
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


def _reason_of(error: BaseException | None) -> str:
    return next((reason for begin, reason in _REASONS.items() if str(error).startswith(begin)), _NOT_HTTP)


def _asked(sent: bytes) -> str:
    """Return a request's line as words for the access log, of which none can pass for the status behind them."""
    line = sent.partition(b"\n")[0].removesuffix(b"\r").partition(b"?")[0]  # a query may hold a secret
    found = _LINE.fullmatch(line)
    return " ".join(word_of(part) for part in found.groups() if part) if found else ""


def _drop_unread(connections: Iterable[Any]) -> None:
    """Close the connections with the most unread bytes, until all of them together hold no more than they may."""
    holding = sorted((other for other in connections if isinstance(other, Connection)), key=lambda other: other.unread)
    held = sum(other.unread for other in holding)
    while held > MAX_UNREAD:
        worst = holding.pop()
        held -= worst.unread
        logger.error("a client that did not read its answer was cut off: %d MB are held for others", held >> 20)
        worst.transport.abort()
