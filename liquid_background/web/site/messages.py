"""What is asked of a page and what it answers, as values and as frames between two processes.

A frame is the length of its head and of its body, the head as JSON, and the body as it is. Both ends are one program,
forked, so that a frame needs no version.
"""

from __future__ import annotations

import json
import socket
import struct
from asyncio import StreamReader
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final
from urllib.parse import quote

_IN_PATHS: Final = "/~:@!$&'()*+,;="  # beside letters and digits, what a path holds as it is
_LONGEST: Final = 2000  # characters or bytes of a part of a request that its word in the access log has
_LENGTHS: Final = struct.Struct("!II")


PROBE: Final = "(probe)"
"""In the place of a method, of a request that the server itself makes: none that was sent has parentheses there."""


@dataclass(frozen=True, slots=True)
class PageRequest:
    """A request that was read in full."""

    method: str
    path: str  # decoded, without slashes around it
    query: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    session: Mapping[str, Any] = field(default_factory=dict)  # of an application that a site is mounted in
    page: str = ""  # the page that answers, once it is known
    since: float = 0.0  # when it began to wait for a page process, by the clock that all processes here have

    def header(self, name: str) -> str:
        """Return a header's value, the last one's when there are several, and nothing when there is none."""
        return dict(self.headers).get(name, "")


@dataclass(frozen=True, slots=True)
class Answer:
    """A response in full."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    reason: str = ""  # why a request was refused, for the access log


def plain(status: int, text: str, *headers: tuple[str, str]) -> Answer:
    """Return a line of text as an answer."""
    return Answer(status, (("content-type", "text/plain; charset=utf-8"), *headers), f"{text}\n".encode())


def refused(status: int, text: str, *headers: tuple[str, str], reason: str = "") -> Answer:
    """Return the answer to a request that is not taken.

    Args:
        status: of the answer.
        text: a sentence for the visitor.
        headers: further headers.
        reason: for the access log, where what a visitor is told repeats a part of the request.
    """
    said = reason or f"{text[:1].lower()}{text[1:]}".removesuffix(".")
    return replace(plain(status, text, *headers), reason=said)


def word_of(part: str | bytes) -> str:
    """Return a part of a request as one word of the access log, percent-encoded: no byte of it makes a second one.

    Args:
        part: decoded text, or bytes as they were sent, which may be encoded already; a long one is cut off.
    """
    if len(part) > _LONGEST:
        return f"{word_of(part[:_LONGEST])}…"
    if isinstance(part, bytes):
        return quote(part, f"{_IN_PATHS}%")
    return quote(part, _IN_PATHS, errors="replace")


def request_frame(asked: PageRequest) -> bytes:
    """Return a request as a frame; a session does not travel."""
    names = ("method", "path", "query", "headers", "page", "since")
    return frame({name: getattr(asked, name) for name in names}, asked.body)


def request_of(head: Mapping[str, Any], body: bytes) -> PageRequest:
    """Return the request that a frame holds."""
    rest = {"headers": _pairs(head["headers"]), "body": body, "page": head["page"], "since": head["since"]}
    return PageRequest(head["method"], head["path"], head["query"], **rest)


def answer_frame(answer: Answer, *, last: bool = False) -> bytes:
    """Return an answer as a frame; after the last one the process ends."""
    names = ("status", "headers", "reason")
    return frame({**{name: getattr(answer, name) for name in names}, "last": last}, answer.body)


def answer_of(head: Mapping[str, Any], body: bytes) -> Answer:
    """Return the answer that a frame holds."""
    return Answer(head["status"], _pairs(head["headers"]), body, head["reason"])


def frame(head: Mapping[str, Any], body: bytes = b"") -> bytes:
    """Return a frame."""
    text = json.dumps(head).encode("ascii")
    return _LENGTHS.pack(len(text), len(body)) + text + body


def receive(channel: socket.socket) -> tuple[dict[str, Any], bytes] | None:
    """Wait for a frame; return None when the other end is gone."""
    lengths = _exactly(channel, _LENGTHS.size)
    if lengths is None:
        return None
    head_length, body_length = _LENGTHS.unpack(lengths)
    rest = _exactly(channel, head_length + body_length)
    return None if rest is None else (json.loads(rest[:head_length]), rest[head_length:])


async def read(reader: StreamReader) -> tuple[dict[str, Any], bytes]:
    """Wait for a frame.

    Raises:
        IncompleteReadError: when the other end is gone.
    """
    head_length, body_length = _LENGTHS.unpack(await reader.readexactly(_LENGTHS.size))
    head = json.loads(await reader.readexactly(head_length))
    return head, await reader.readexactly(body_length)


def _exactly(channel: socket.socket, length: int) -> bytes | None:
    data = bytearray()
    while len(data) < length:
        part = channel.recv(min(length - len(data), 1 << 20))
        if not part:
            return None
        data += part
    return bytes(data)


def _pairs(rows: list[list[str]]) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name, value in rows)
