"""A socket that listens, and uvicorn's server on it, with connections that nobody can hold."""

from __future__ import annotations

import os
import socket
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from liquid_background.errors import SettingsError
from liquid_background.web.site.connection import Connection
from liquid_background.web.site.crowd import BACKLOG

_KEEP_ALIVE: Final = 5  # seconds that a connection is kept for a next request
_TICKS: Final = 10  # of the server in a second


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that takes connections.

    Raises:
        SettingsError: when the port cannot be bound.
    """
    try:
        listening = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else error
        raise SettingsError(f"cannot listen on {host}:{port}: {reason}; give --port another one") from error
    # Connections inherit it. Without it, headers and body, written one after the other, are 40 ms apart.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


class Server(uvicorn.Server):
    """uvicorn's server, which looks after its connections.

    Args:
        app: answers the requests.
        grace: seconds that requests get at the end.
    """

    def __init__(self, app: ASGIApp, *, grace: int) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                loop="asyncio",  # another one's threads would not outlive a fork
                http=Connection,
                ws="none",
                backlog=BACKLOG,
                lifespan="off",
                log_config=None,
                log_level="error",
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_keep_alive=_KEEP_ALIVE,
                timeout_graceful_shutdown=grace,
            )
        )

    async def on_tick(self, counter: int) -> bool:
        """Look after the connections, each second."""
        if counter % _TICKS == 0:
            for connection in self.connections():
                connection.look()
        return await super().on_tick(counter)

    def connections(self) -> list[Connection]:
        """Return the connections that are open."""
        return [connection for connection in self.server_state.connections if isinstance(connection, Connection)]
