"""A connection for a probe, which must be over in a fraction of a second: importing redis alone takes as long."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any, Final
from urllib.parse import parse_qs, quote, unquote, urlsplit

import hiredis

from liquid_background.basic_errors import StoreUnavailable
from liquid_background.jobs.store.asking import Refusal, Words
from liquid_background.jobs.store.health import check_kind
from liquid_background.jobs.store.refusals import explain_unknown, unreachable

_NOT_YET: Final = ("NOAUTH", "LOADING", "MASTERDOWN")  # nothing else that is asked would be answered
_CHUNK: Final = 65_536


@dataclass(frozen=True, slots=True)
class Place:
    """Where a server listens, and how to log in; `shown` may be printed, it holds no password."""

    shown: str
    at: tuple[str, int] | str = field(repr=False)  # host and port, or a socket's path
    number: int = 0
    login: tuple[str, ...] = field(default=(), repr=False)


def plain_place(url: str) -> Place | None:
    """Return the place that a URL names; None for one that needs the whole client: TLS, Sentinel, options, mistakes."""
    try:
        parts = urlsplit(url)
        options = parse_qs(parts.query, strict_parsing=True) if parts.query else {}
        path, port = unquote(parts.path), 6379 if parts.port is None else parts.port
    except ValueError:
        return None
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    login = (user, password) if user and password else (password,) if password else ()
    hidden = f"{quote(user, safe='')}:***@" if password else ""
    if (user and not password) or not port or parts.fragment or not url.isascii():
        return None
    if parts.scheme == "redis" and not options and (path.strip("/").isdecimal() or path in ("", "/")):
        host = parts.hostname or "localhost"
        number = int(path.strip("/") or 0)
        shown = f"redis://{hidden}{f'[{host}]' if ':' in host else host}:{port}/{number}"
        return Place(shown, (host, port), number, login)
    if parts.scheme == "unix" and not parts.hostname and path.strip("/") and not options:
        return Place(f"unix://{hidden}{parts.path}", path, 0, login)
    return None


def embedded_place(path: Path) -> Place:
    """Return the place of an embedded store by its socket."""
    return Place(f"unix://{path}", str(path))


class Line:
    """See `asking.Asking`; what it waits for altogether ends at one time."""

    def __init__(self, place: Place, timeout: float) -> None:
        self._place = place
        self._timeout = timeout
        self._deadline = monotonic() + timeout
        self._reader = hiredis.Reader()
        self._socket = self._connected()

    @property
    def url(self) -> str:
        return self._place.shown

    def ask(self, *commands: Words) -> list[Any]:
        if not commands:
            return []
        try:
            self._socket.settimeout(self._left())
            self._socket.sendall(b"".join(map(_packed, commands)))
            return [self._reply() for _ in commands]
        except TimeoutError:
            raise self._silent() from None
        except OSError as error:
            raise self._away(error) from None
        except hiredis.ProtocolError:
            raise StoreUnavailable(f"the store at {self.url} {unreachable('what answers there is no Redis')}") from None

    def log_in(self) -> None:
        """Say who this is, and choose the database.

        Raises:
            StoreUnavailable: when the server does not take that, is not ready yet, or is none that can hold jobs.
        """
        place = self._place
        steps: list[Words] = [("AUTH", *place.login)] if place.login else []
        steps += [("SELECT", place.number)] if place.number else []
        *replies, ready = self.ask(*steps, ("PING",))
        refused = [reply for reply in replies if isinstance(reply, Refusal)]
        if isinstance(ready, Refusal) and ready.text.startswith(_NOT_YET):
            refused.append(ready)
        if refused:
            check_kind(self)  # a Sentinel and a cluster refuse another database in words that say nothing of that
            told = refused[0].explained or explain_unknown(refused[0].text)
            told = told or f"refused the connection ({refused[0].text})"
            raise StoreUnavailable(f"the store at {self.url} {told}")

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()

    def _connected(self) -> socket.socket:
        at = self._place.at
        try:
            if isinstance(at, tuple):
                return socket.create_connection(at, self._left())
            return self._connected_to(at)
        except TimeoutError:
            raise self._silent() from None
        except OSError as error:
            raise self._away(error) from None

    def _connected_to(self, path: str) -> socket.socket:
        made = socket.socket(socket.AF_UNIX)
        try:
            made.settimeout(self._left())
            made.connect(path)
        except OSError:
            made.close()
            raise
        return made

    def _reply(self) -> Any:
        while (reply := self._reader.gets()) is False:
            self._socket.settimeout(self._left())
            received = self._socket.recv(_CHUNK)
            if not received:
                raise ConnectionResetError("it hung up")
            self._reader.feed(received)
        return Refusal(str(reply)) if isinstance(reply, hiredis.ReplyError) else reply

    def _left(self) -> float:
        left = self._deadline - monotonic()
        if left <= 0:
            raise TimeoutError
        return left

    def _silent(self) -> StoreUnavailable:
        reason = f"did not answer within {round(self._timeout, 1):g} s: is it overloaded, or the network down?"
        return StoreUnavailable(f"the store at {self.url} {reason}")

    def _away(self, error: OSError) -> StoreUnavailable:
        return StoreUnavailable(f"the store at {self.url} {unreachable(error.strerror or str(error))}")


def _packed(words: Words) -> bytes:
    packer: Callable[[Any], bytes] = hiredis.pack_command  # its stubs know tuples of one only
    return packer(tuple(words))


@contextmanager
def line_to(place: Place, timeout: float) -> Iterator[Line]:
    """Yield a connection that is logged in.

    Raises:
        StoreUnavailable: when the server cannot be reached, does not answer in that time, or refuses the login.
    """
    line = Line(place, timeout)
    try:
        line.log_in()
        yield line
    finally:
        line.close()
