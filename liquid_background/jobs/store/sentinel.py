"""The primary that Sentinels name: asking them for it, and refusing what is none."""

from __future__ import annotations

from collections.abc import Iterator
from time import monotonic
from typing import Any, Final, TypeAlias

from redis.backoff import NoBackoff
from redis.connection import Connection, SSLConnection
from redis.exceptions import (
    AuthenticationError,
    ConnectionError,
    NoPermissionError,
    RedisError,
    ResponseError,
    TimeoutError,
)
from redis.retry import Retry

from liquid_background.jobs.store.address import Service, shown_place
from liquid_background.jobs.store.primary import Connected, Primary

_LOOK: Final = 1.0  # seconds between two looks whether the Sentinels name another server
_LONGEST: Final = 16.0  # likewise, while none of them answers
_PATIENCE: Final = 0.5  # seconds for a Sentinel to take a connection, and for each reply

Place: TypeAlias = tuple[str, int]
"""Host and port."""


class NamedPrimary(Primary):
    """The primary of a service, as its Sentinels name it.

    1. `places`: where they say that it is, for a new connection. The Sentinel whose word was right is asked first.
    2. `look`: once a second, whether they still say so. The old primary may not know that it was replaced, and takes
       jobs that are thrown away when it hears of it.
    """

    looks_after = _LOOK

    def __init__(self, service: Service, tls: dict[str, Any] | None) -> None:
        """Take the service, and the arguments of its TLS connections; None without TLS."""
        super().__init__()
        self._name = service.name
        self._kind: type[Connection] = Connection if tls is None else SSLConnection
        self._arguments = {**service.login, **(tls or {})}
        self._sentinels = list(service.sentinels)  # in the order to ask
        self._place: Place | None = None  # that the last connection was made to
        self._look_at = 0.0  # by the monotonic clock
        self._pause = _LOOK

    def places(self) -> Iterator[Place]:
        """Yield where Sentinels say that the primary is, each place once; going on says that it was not there.

        Raises:
            ConnectionError: when no Sentinel names any.
        """
        named: set[Place] = set()
        trouble: list[str] = []
        cause: RedisError | None = None
        for sentinel in list(self._sentinels):
            try:
                place = self._asked(sentinel)
            except RedisError as error:
                cause = error
                trouble.append(_told(sentinel, error))
            else:
                if place is None:
                    trouble.append(f"{shown_place(sentinel)} knows no {self._name}")
                elif place not in named:
                    named.add(place)
                    yield place
            self._ask_later(sentinel)
        if not named:
            raise ConnectionError(f"no Sentinel names its primary: {', '.join(trouble)}") from cause

    def reached(self, place: Place) -> None:
        """Take note that the primary is there."""
        self._place = place

    def over(self, turn: int) -> None:
        """Take note that the server of that turn is of no use; the next word is another Sentinel's."""
        if turn == self.turn:
            self._ask_later(self._sentinels[0])
        super().over(turn)

    def look(self) -> None:
        """Ask a Sentinel, once a second, whether the primary is another server by now."""
        now = monotonic()
        if now < self._look_at or self._place is None:
            return
        self._look_at = now + self._pause
        first = self._sentinels[0]
        try:
            place = self._asked(first)
        except RedisError:
            self._ask_later(first)
            # While none of them answers, what is connected goes on, and must not wait for them all the time.
            self._pause = min(self._pause * 2, _LONGEST)
            return
        self._pause = _LOOK
        if place is not None and place != self._place:
            super().over(self.turn)

    def _ask_later(self, sentinel: Place) -> None:
        self._sentinels = [*(other for other in self._sentinels if other != sentinel), sentinel]

    def _asked(self, sentinel: Place) -> Place | None:
        """Return where a Sentinel says that the primary is; None when it does not know the service.

        A connection for one question: a Sentinel is asked seldom, and a worker shares no socket with its children.
        """
        host, port = sentinel
        connection: Any = self._kind(
            host=host,
            port=port,
            **self._arguments,
            decode_responses=True,
            protocol=2,
            retry=Retry(NoBackoff(), 0),
            socket_connect_timeout=_PATIENCE,
            socket_timeout=_PATIENCE,
        )
        try:
            connection.connect()
            connection.send_command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", self._name)
            reply = connection.read_response()
        finally:
            connection.disconnect()
        return None if reply is None else (reply[0], int(reply[1]))


def _told(sentinel: Place, error: RedisError) -> str:
    if isinstance(error, AuthenticationError | NoPermissionError):
        return f"{shown_place(sentinel)} refuses the login, see sentinel_username and sentinel_password"
    text = str(error).rstrip(".")
    if "unknown command" in text:
        return f"{shown_place(sentinel)} is no Sentinel"
    return f"{shown_place(sentinel)} does not answer ({text})"


class _AtPrimary(Connected):
    """A connection to the server that the Sentinels name."""

    primary: NamedPrimary
    port: int

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments, redis_connect_func=_log_in_at_primary)

    def connect(self) -> None:
        """Connect to the first place that a Sentinel names and that is the primary.

        Raises:
            ConnectionError: when there is none.
        """
        if self._sock:
            return
        trouble: RedisError | None = None
        for place in self.primary.places():
            self.host, self.port = place
            try:
                super().connect()
            except (ConnectionError, TimeoutError) as error:
                trouble = error
            else:
                self.primary.reached(place)
                return
        assert trouble is not None
        raise trouble


class SentinelConnection(_AtPrimary, Connection):
    """Over TCP."""


class SentinelTlsConnection(_AtPrimary, SSLConnection):
    """Over TLS."""


def _log_in_at_primary(connection: Any) -> None:
    """Log in, and refuse a server that is a replica by now: Sentinels hear of it later than it does.

    Every user may say HELLO, which tells the role, too. Not every one may read how many replicas the server wants.
    """
    connection.on_connect()
    connection.send_command("HELLO", check_health=False)
    reply = connection.read_response()
    facts = dict(zip(reply[::2], reply[1::2], strict=True))
    if facts.get(b"role") != b"master":
        place = shown_place((connection.host, connection.port))
        raise ConnectionError(f"{place}, which a Sentinel names, is no primary now")
    connection.replicas = _wanted_replicas(connection)


def _wanted_replicas(connection: Any) -> int:
    connection.send_command("CONFIG", "GET", "min-replicas-to-write", check_health=False)
    try:
        reply = connection.read_response()
    except ResponseError:  # not this user, or nobody
        return 0
    return int(reply[1]) if reply else 0
