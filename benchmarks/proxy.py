"""A network between a producer and the store: a proxy on loopback that hands everything on a little later."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from queue import SimpleQueue
from threading import Thread
from typing import Final

_PIECE: Final = 1 << 16


@contextmanager
def delaying(port: int, seconds: float) -> Iterator[int]:
    """Run a proxy to a port of loopback; give its own port.

    Args:
        port: of the store.
        seconds: that each piece takes in each direction, so that a round trip takes twice as long.
    """
    with socket.create_server(("127.0.0.1", 0)) as server:
        Thread(target=_accept, args=(server, port, seconds), daemon=True).start()
        try:
            yield server.getsockname()[1]
        finally:
            with suppress(OSError):
                server.shutdown(socket.SHUT_RDWR)  # which wakes the thread that accepts


def _accept(server: socket.socket, port: int, seconds: float) -> None:
    with suppress(OSError):  # once it is closed
        while True:
            near, _ = server.accept()
            far = socket.create_connection(("127.0.0.1", port))
            for side in (near, far):
                side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for source, target in ((near, far), (far, near)):
                pieces: SimpleQueue[tuple[float, bytes]] = SimpleQueue()
                Thread(target=_take, args=(source, pieces, seconds), daemon=True).start()
                Thread(target=_give, args=(target, pieces), daemon=True).start()


def _take(source: socket.socket, pieces: SimpleQueue[tuple[float, bytes]], seconds: float) -> None:
    piece = b"-"
    while piece:
        try:
            piece = source.recv(_PIECE)
        except OSError:
            piece = b""
        pieces.put((time.monotonic() + seconds, piece))


def _give(target: socket.socket, pieces: SimpleQueue[tuple[float, bytes]]) -> None:
    with suppress(OSError):
        while True:
            due, piece = pieces.get()
            time.sleep(max(0.0, due - time.monotonic()))
            if not piece:
                target.shutdown(socket.SHUT_WR)
                return
            target.sendall(piece)
