"""The bodies of requests: each has a size and a time, and all that a site holds have a size together."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from starlette.types import Message, Receive

from liquid_background.web.site.parameters import Malformed

MAX_BODY: Final = 1024 * 1024  # bytes of a request; a page that takes files needs a server of its own
MAX_BODIES: Final = 64 * MAX_BODY  # bytes of all requests that are read or answered at the same time
BODY_TIMEOUT: Final = 30.0  # seconds in which a body must have come
_MAX_IGNORED: Final = 16 * MAX_BODY  # bytes that are read of a body too large, so that its client reads the answer


class TooLarge(Exception):
    """Raised for a body over MAX_BODY."""


class NoRoom(Exception):
    """Raised for a body that others have taken the room of."""


class Bodies:
    """The bodies that a site holds.

    When they take too much together, the one that has been coming for the longest is given up: a client that is slow
    on purpose costs itself, not those who post beside it.
    """

    def __init__(self) -> None:
        self._coming: dict[Body, asyncio.Timeout] = {}  # the oldest first
        self._held = 0

    @contextmanager
    def body(self) -> Iterator[Body]:
        """Give the body of one request, which is held until the request is answered."""
        body = Body(self)
        try:
            yield body
        finally:
            self._held -= body.size

    def started(self, body: Body, limit: asyncio.Timeout) -> None:
        """Note that a body is coming, and what ends the waiting for it."""
        self._coming[body] = limit

    def ended(self, body: Body) -> None:
        """Note that no more of it comes."""
        self._coming.pop(body, None)

    def grow(self, body: Body, size: int) -> None:
        """Take more of a body.

        Raises:
            NoRoom: when it is the one that goes.
        """
        body.size += size
        self._held += size
        while self._held > MAX_BODIES:
            oldest = next(iter(self._coming))  # the one that grows, if no other
            limit = self._coming.pop(oldest)
            self._held -= oldest.size
            oldest.size, oldest.is_given_up = 0, True
            if oldest is body:
                raise NoRoom
            if not limit.expired():
                limit.reschedule(0.0)


class Body:
    """The body of one request."""

    def __init__(self, bodies: Bodies) -> None:
        self._bodies = bodies
        self.size = 0  # bytes that it holds
        self.is_given_up = False

    async def read(self, receive: Receive, length: str) -> bytes:
        """Return the whole body.

        Args:
            receive: gives its parts, as ASGI says.
            length: the Content-Length, if any.

        Raises:
            Malformed: when the client left before its end.
            NoRoom: when others have taken its room.
            TimeoutError: when it takes too long.
            TooLarge: when it is over MAX_BODY.
        """
        if length.isdecimal() and (len(length) > 15 or int(length) > _MAX_IGNORED):
            raise TooLarge
        try:
            async with asyncio.timeout(BODY_TIMEOUT) as limit:
                self._bodies.started(self, limit)
                return await self._read(receive)
        except TimeoutError:
            if self.is_given_up:
                raise NoRoom from None
            raise
        finally:
            self._bodies.ended(self)

    async def _read(self, receive: Receive) -> bytes:
        body, ignored = bytearray(), 0
        while True:
            message: Message = await receive()
            if message["type"] == "http.disconnect":
                raise Malformed("The request ended before its body.")
            part = message.get("body", b"")
            if self.size + len(part) <= MAX_BODY and not ignored:
                self._bodies.grow(self, len(part))
                body += part
            else:
                ignored += len(part)
            if ignored > _MAX_IGNORED or not message.get("more_body", False):
                break
        if ignored:
            raise TooLarge
        return bytes(body)
