"""A proxy in front of a store that can speak TLS, lose replies, go silent, or answer for a store that is loading."""

from __future__ import annotations

import select
import socket
import ssl
import threading
from contextlib import suppress
from typing import Final, Literal, TypeAlias

Mode: TypeAlias = Literal["pass", "drop replies", "loading"]

_LATER: Final = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class Proxy:
    """Listens on loopback, with TLS when given a context; `mode` says what happens to what passes through.

    It reads from both sides whatever is still to be written, as a server and its TLS do.
    """

    def __init__(self, port: int, context: ssl.SSLContext | None = None) -> None:
        self._target = port
        self._context = context
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.url = f"{'rediss' if context else 'redis'}://127.0.0.1:{self.port}/0"
        self.mode: Mode = "pass"
        self.lets_through = 0  # bytes of replies, before "drop replies" drops them
        self.dropped = threading.Event()
        self._generation = 0
        self._cuts = 0
        self._connections: list[threading.Thread] = []
        self._closed = False
        threading.Thread(target=self._accept, daemon=True).start()

    def freeze(self) -> None:
        """Make the connections of now half-open: nothing passes on them any more, and nobody is told."""
        self._generation += 1

    def cut(self) -> None:
        """Close the connections of now, in TLS without the word that ends it; return when they are closed."""
        connections = list(self._connections)
        self._cuts += 1
        for connection in connections:
            connection.join(10)

    def _accept(self) -> None:
        while not self._closed:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(client, self._cuts), daemon=True)
            self._connections.append(thread)
            thread.start()

    def _serve(self, client: socket.socket, cuts: int) -> None:
        with (
            suppress(OSError),
            self._secured(client) as near,
            socket.create_connection(("127.0.0.1", self._target)) as far,
        ):
            self._relay(near, far, cuts)

    def _secured(self, client: socket.socket) -> socket.socket:
        client.settimeout(10)
        return self._context.wrap_socket(client, server_side=True) if self._context else client

    def _relay(self, near: socket.socket, far: socket.socket, cuts: int) -> None:
        generation = self._generation
        owed = {near: bytearray(), far: bytearray()}  # what is still to be written to each
        for end in owed:
            end.setblocking(False)
        while not self._closed and cuts == self._cuts:
            readable, writable, _ = select.select(list(owed), [end for end in owed if owed[end]], [], 0.05)
            for end in readable:
                with suppress(*_LATER):
                    data = end.recv(65536)  # more than a TLS record: none of it stays where select does not see it
                    other = far if end is near else near
                    frozen = generation != self._generation
                    if not data or not (frozen or self._pass(data, end is far, owed[near], owed[other])):
                        other.settimeout(10)
                        other.sendall(owed[other])
                        return
            for end in writable:
                with suppress(*_LATER):
                    del owed[end][: end.send(owed[end])]

    def _pass(self, data: bytes, is_reply: bool, to_client: bytearray, to_other: bytearray) -> bool:
        """Add to what is to be written; return whether the connection goes on."""
        if self.mode == "loading" and not is_reply:
            to_client += b"-LOADING the server is loading the dataset in memory\r\n"
        elif self.mode == "drop replies" and is_reply:
            to_other += data[: self.lets_through]
            self.lets_through -= min(self.lets_through, len(data))
            if not self.lets_through:
                self.dropped.set()
                return False
        else:
            to_other += data
        return True

    def close(self) -> None:
        self._closed = True
        self._listener.close()
