"""Which server the connections of a pool lead to, and leaving it when it is no primary any more."""

from __future__ import annotations

import math
from typing import Any

from redis.connection import AbstractConnection, Connection, SSLConnection, UnixDomainSocketConnection
from redis.exceptions import RedisError

from liquid_background.jobs.store.clock import ServerClock
from liquid_background.jobs.store.refusals import ELSEWHERE
from liquid_background.jobs.store.translation import code_of


class Primary:
    """The server that the URL leads to, as the connections of one pool know it. Safe to share between threads.

    1. A connection that hears from a server that it may be no primary ends the `turn`: `over`.
    2. Connections of an earlier turn are closed before their next use, and others made: the URL may lead elsewhere now.
    """

    looks_after: float = math.inf
    """Seconds after which whoever keeps a connection in use has to ask `Connected.is_behind`."""

    def __init__(self) -> None:
        self.clock = ServerClock()
        self.turn = 0

    def over(self, turn: int) -> None:
        """Take note that the server of that turn is of no use; harmless when said again."""
        if turn == self.turn:
            self.turn = turn + 1
            self.clock.another_server()

    def look(self) -> None:
        """Find out whether the primary is another server by now; nobody knows of a plain URL."""


class Connected(AbstractConnection):
    """What the connections to a store have in common, those of its pool and those that workers keep."""

    replicas = 0
    """How many replicas must have a write before whoever made it is told that it was made."""
    idle_since = 0.0
    """When the pool got it back, by the monotonic clock."""

    def __init__(self, *, primary: Primary, **arguments: Any) -> None:
        self.primary = primary
        self._turn = -1
        super().__init__(**arguments)

    def connect(self) -> None:
        """Connect, unless that is done: whether to the primary, `is_behind` tells."""
        if self._sock:
            return
        self._turn = self.primary.turn
        self.primary.clock.another_server()
        super().connect()  # type: ignore[no-untyped-call]  # redis-py types half of itself

    @property
    def is_open(self) -> bool:
        """Whether it was connected and has not been closed here; the server may have closed it."""
        return self._sock is not None

    def is_ready(self) -> bool:
        """Return whether a command can be sent on it: it is open at both ends, to the primary, and owes no reply."""
        try:
            # can_read of redis-py's is this, and first writes down what the server is called.
            return self._sock is not None and not self.is_behind() and not self._parser.can_read(0)
        except (RedisError, OSError):
            return False

    def is_behind(self) -> bool:
        """Return whether this connection leads to a server that is known to be of no use."""
        self.primary.look()
        return self._turn != self.primary.turn

    def read_response(self, *arguments: Any, **options: Any) -> Any:
        """Return a reply; one that the primary would not give has all connections of this turn made anew."""
        try:
            return super().read_response(*arguments, **options)
        except RedisError as error:
            if code_of(error) in ELSEWHERE:
                self.distrust()
            raise

    def distrust(self) -> None:
        """Have all connections of this turn made anew before their next use."""
        self.primary.over(self._turn)


class TcpConnection(Connected, Connection):
    """Over TCP."""


class TlsConnection(Connected, SSLConnection):
    """Over TLS."""


class UnixConnection(Connected, UnixDomainSocketConnection):
    """Over a socket of the file system."""
