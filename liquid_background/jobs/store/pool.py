"""The connections of a store's client that wait for their next use: what is connected is used before more is made."""

from __future__ import annotations

from time import monotonic, sleep
from typing import Any, Final, cast

from redis import ConnectionPool

from liquid_background.jobs.store.primary import Connected

_UNUSED: Final = 60.0  # seconds after which a connection that a burst left behind is closed
_NO_LIMIT: Final = 2**31  # of connections: redis-py's own is 100 from version 8 on, and each thread needs one
_LOOK: Final = 0.002  # seconds between two looks whether one came back, where none can be made


class Pool(ConnectionPool):
    """redis-py's pool, but for which connection is handed out, and which are kept.

    1. `get_connection`: the one that was used last and still leads to the primary; one is made when there is none.
       Where that fails, one that comes back is waited for, in the time that there was to connect.
    2. `release`: one that is connected is kept. redis-py keeps the others, too, and hands out first what came back
       last: while no connection can be made, one that failed would stand before all that work, for ever.

    Safe to share between threads; a forked process begins with none. The lists, the lock and the look at the process
    are redis-py's, so that its `disconnect` and `reset` find what is here.
    """

    def __init__(self, **arguments: Any) -> None:
        super().__init__(max_connections=_NO_LIMIT, **arguments)

    def get_connection(self, *_words: Any, **_options: Any) -> Any:
        """Return a Connected to the primary, for the caller alone until it is released.

        Raises:
            RedisError: when there is none, and none can be made.
            StoreStartError: when the embedded server would have to be started for it, and cannot be.
        """
        self._checkpid()
        return self._idle() or self._made()

    def _idle(self) -> Connected | None:
        """Return a connection that nobody uses; on the way to it, those that are of no use are closed."""
        while True:
            with self._lock:
                if not self._available_connections:
                    return None
                connection = self._available_connections.pop()
                self._in_use_connections.add(connection)
            try:
                if connection.is_ready():
                    return cast("Connected", connection)
            except BaseException:
                self._drop(connection)
                raise
            self._drop(connection)

    def _made(self) -> Connected:
        connection: Any = self.make_connection()
        until = monotonic() + connection.socket_connect_timeout
        with self._lock:
            self._in_use_connections.add(connection)
        try:
            connection.connect()
        except BaseException as error:
            self._drop(connection)
            idle = self._awaited(until) if isinstance(error, Exception) else None
            if idle is None:
                raise
            return idle
        return cast("Connected", connection)

    def _awaited(self, until: float) -> Connected | None:
        """Return a connection that comes back by then, if there is any that could."""
        while (idle := self._idle()) is None and monotonic() < until and self._has_open():
            sleep(_LOOK)
        return idle

    def _has_open(self) -> bool:
        with self._lock:
            return any(connection.is_open for connection in self._in_use_connections)

    def _drop(self, connection: Any) -> None:
        with self._lock:
            self._in_use_connections.discard(connection)
        connection.disconnect()

    def release(self, connection: Any) -> None:
        """Take a connection back; one that was in use before a fork is nobody's here."""
        self._checkpid()
        unused = None
        with self._lock:
            if connection not in self._in_use_connections:
                return
            self._in_use_connections.remove(connection)
            if connection.is_open:
                connection.idle_since = now = monotonic()
                self._available_connections.append(connection)
                if now - self._available_connections[0].idle_since > _UNUSED:
                    unused = self._available_connections.pop(0)
        if unused is not None:
            unused.disconnect()
