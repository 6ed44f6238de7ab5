"""The sockets that an application holds open when its worker forks: all children would read and write the same ones."""

from __future__ import annotations

import os
import socket
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from stat import S_ISSOCK
from typing import Any, Final

from redis import RedisError

from liquid_background.jobs.store import Store

_DESCRIPTORS: Final = Path("/dev/fd")  # of this process, on Linux and macOS
_FIRST: Final = 1024  # numbers that are looked at where nothing lists those in use
_STREAMS: Final = (socket.SOCK_STREAM, socket.SOCK_SEQPACKET)


def socket_warnings(store: Store) -> list[str]:
    """Return a line for each place that this process is connected to, beside its store.

    Left out are the standard streams, pairs of sockets that lead nowhere else, and the syslog.
    """
    own = _peer_of(store)
    places = Counter(place for place, peer in _places() if peer is None or peer != own)
    return [_line(place, count) for place, count in sorted(places.items())]


def _line(place: str, count: int) -> str:
    what = f"a socket that {place}" if count == 1 else f"{count} sockets that {place.replace('is ', 'are ', 1)}"
    return (
        f"the application holds {what}, which all children of the worker would share, and mix what they send "
        "and receive: connect in an engine.on_child_start hook or in the job, or close it in engine.on_worker_start"
    )


def _peer_of(store: Store) -> Any:
    """Return where the connections to the store lead; None when that cannot be told."""
    pool = store.client.connection_pool
    with suppress(RedisError, OSError):
        connection: Any = pool.get_connection()
        try:
            return connection._sock.getpeername()
        finally:
            pool.release(connection)
    return None


def _places() -> Iterator[tuple[str, Any]]:
    """Yield what each socket of this process is for, in words, and its peer; None for one that listens."""
    try:
        numbers = [int(name) for name in os.listdir(_DESCRIPTORS)]
    except OSError:  # no /proc, or that of other processes
        numbers = list(range(_FIRST))
    for number in numbers:
        with suppress(OSError):  # the one that the folder was read by
            if number > 2 and S_ISSOCK(os.fstat(number).st_mode):
                with closing(socket.socket(fileno=os.dup(number))) as found:
                    yield from _place_of(found)


def _place_of(found: socket.socket) -> Iterator[tuple[str, Any]]:
    is_unix = found.family is socket.AF_UNIX
    if is_unix and found.type not in _STREAMS:
        return
    try:
        peer = found.getpeername()
    except OSError:
        if found.type in _STREAMS and found.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            yield f"listens on {_shown(found.getsockname())}", None
        return
    if peer and (is_unix or found.family in (socket.AF_INET, socket.AF_INET6)):
        yield f"is connected to {_shown(peer)}", peer


def _shown(address: Any) -> str:
    if isinstance(address, tuple):
        host, port = address[:2]
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return os.fsdecode(address).replace("\0", "@", 1)
