"""A proxy in front of a store that can lose replies, go silent, or answer for a store that is loading."""

from __future__ import annotations

import select
import socket
import threading
from contextlib import suppress
from typing import Literal, TypeAlias

Mode: TypeAlias = Literal["pass", "drop replies", "loading"]


class Proxy:
    """Listens on loopback; `mode` says what happens to what passes through."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.mode: Mode = "pass"
        self.dropped = threading.Event()
        self._generation = 0
        self._closed = False
        threading.Thread(target=self._accept, daemon=True).start()

    def freeze(self) -> None:
        """Make the connections of now half-open: nothing passes on them any more, and nobody is told."""
        self._generation += 1

    def _accept(self) -> None:
        while not self._closed:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        generation = self._generation
        with client, suppress(OSError), socket.create_connection(("127.0.0.1", self._target)) as server:
            while not self._closed:
                for ready in select.select([client, server], [], [], 0.05)[0]:
                    data = ready.recv(65536)
                    if not data:
                        return
                    if generation != self._generation:
                        continue
                    if self.mode == "loading" and ready is client:
                        client.sendall(b"-LOADING the server is loading the dataset in memory\r\n")
                    elif self.mode == "drop replies" and ready is server:
                        self.dropped.set()
                        return
                    else:
                        (server if ready is client else client).sendall(data)

    def close(self) -> None:
        self._closed = True
        self._listener.close()
