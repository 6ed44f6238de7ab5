"""Connections to the store, external or embedded, and the checks that a server must pass."""

from __future__ import annotations

import socket
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError
from redis.retry import Retry

from liquid_background.errors import StoreUnavailable
from liquid_background.jobs.store.address import Address, parse_address
from liquid_background.jobs.store.clock import ServerClock
from liquid_background.jobs.store.embedded import PATIENCE, ensure_running, socket_path, socket_url
from liquid_background.jobs.store.pool import Pool
from liquid_background.jobs.store.primary import Connected, Primary, TcpConnection, TlsConnection, UnixConnection
from liquid_background.jobs.store.refusals import SETTING, unknown_command, unsuitable
from liquid_background.jobs.store.sentinel import NamedPrimary, SentinelConnection, SentinelTlsConnection
from liquid_background.jobs.store.silence import Silence
from liquid_background.jobs.store.translation import translated_errors
from liquid_background.settings import Settings

_CONNECT_TIMEOUT = 2.0  # seconds, unless whoever connects waits for less
_ADVICE = f"see to the user, the password and the number of the database in {SETTING}"
# Lets the kernel close a connection whose peer vanished, within about 11 s; the pool then opens a new one before
# a command is sent, where a time limit could only fail the command. The names differ between Linux and macOS.
_KEEPALIVE = {
    getattr(socket, name): value
    for name, value in (
        ("TCP_KEEPIDLE", 5),
        ("TCP_KEEPALIVE", 5),
        ("TCP_KEEPINTVL", 2),
        ("TCP_KEEPCNT", 3),
        ("TCP_USER_TIMEOUT", 10_000),
    )
    if hasattr(socket, name)
}


@dataclass(frozen=True, slots=True)
class Store:
    """A store that answered: `client` gives bytes and never resends; `url` may be shown, it holds no password.

    `site` is whose names are used in it, where several share it.
    """

    client: Redis = field(repr=False)
    url: str
    kind: Literal["external", "embedded"]
    socket: Path | None = None
    clock: ServerClock = field(default_factory=ServerClock, repr=False, compare=False)
    silence: Silence = field(default_factory=lambda: Silence(PATIENCE), repr=False, compare=False)
    site: str = ""

    def time(self, within: float) -> float:
        """Return this server's time, or a little less; it is asked unless that was done in the last `within` seconds.

        Raises:
            StoreUnavailable: when it is asked and cannot be reached.
        """
        known = self.clock.now(within)
        if known is not None:
            return known
        pool: Any = self.client.connection_pool
        with self.silence.shared(self.url), translated_errors(self.url):
            connection = pool.get_connection()
            try:
                servers = self.clock.servers  # now that there is a connection, which may be to another one
                connection.send_command("TIME")
                seconds, micros = map(int, connection.read_response())
            finally:
                pool.release(connection)
        now = seconds + micros / 1_000_000
        self.clock.noted(now, servers)
        return now

    def close(self) -> None:
        """Close the connections; the client opens new ones when it is used again."""
        self.client.close()


def connect(settings: Settings, *, socket_timeout: float = PATIENCE) -> Store:
    """Return the store that the settings name, after one round trip to it; an embedded one is started when needed.

    Args:
        settings: `redis_url`, or for the embedded store `data_dir`.
        socket_timeout: Seconds to wait for a reply; more than the longest blocking command that is to be sent.

    Raises:
        SettingsError: when the URL is malformed.
        StoreUnavailable: when the server cannot be reached, refuses the login, is a cluster or is too old.
        StoreStartError: when the embedded server cannot be started.
    """
    store = _external(settings.redis_url, socket_timeout) if settings.redis_url else _embedded(settings, socket_timeout)
    store = replace(store, site=settings.site)
    try:
        with translated_errors(store.url):
            _check_server(store)
    except BaseException as error:
        store.close()
        if isinstance(error, ResponseError):  # one without a known code, such as SELECT's of a number that is none
            raise StoreUnavailable(f"the store at {store.url} refused the connection ({error}): {_ADVICE}") from None
        raise
    return store


def _external(url: str, socket_timeout: float) -> Store:
    address = parse_address(url)
    primary = NamedPrimary(address.service, address.tls) if address.service else Primary()
    client = _client(_given(address), primary, socket_timeout)
    path = address.arguments.get("path")
    return Store(client, address.shown, "external", Path(path) if path else None, primary.clock)


def _given(address: Address) -> dict[str, Any]:
    arguments = {**address.arguments, "connection_class": _connection_class(address)}
    if "path" not in arguments:
        arguments |= {"socket_keepalive": True, "socket_keepalive_options": _KEEPALIVE}
    return arguments


def _connection_class(address: Address) -> type[Connected]:
    if "path" in address.arguments:
        return UnixConnection
    if address.service:
        return SentinelConnection if address.tls is None else SentinelTlsConnection
    return TcpConnection if address.tls is None else TlsConnection


def _embedded(settings: Settings, socket_timeout: float) -> Store:
    path = ensure_running(settings.data_dir, silence=socket_timeout)
    given = {"connection_class": _EmbeddedConnection, "data_dir": settings.data_dir.resolve()}
    primary = Primary()
    client = _client(given, primary, socket_timeout)
    url = socket_url(settings.data_dir)
    return Store(client, url, "embedded", path, primary.clock)


class _EmbeddedConnection(UnixConnection):
    """A connection that starts the embedded server when nobody listens, so that a client outlives its death."""

    def __init__(self, *, data_dir: Path, **arguments: Any) -> None:
        super().__init__(path=str(socket_path(data_dir)), **arguments)
        self._data_dir = data_dir

    def _connect(self) -> socket.socket:
        ensure_running(self._data_dir, silence=self.socket_timeout or PATIENCE)
        connected: socket.socket = super()._connect()  # type: ignore[no-untyped-call]
        return connected


def _client(arguments: dict[str, Any], primary: Primary, socket_timeout: float) -> Redis:
    fixed = {
        "primary": primary,
        "decode_responses": False,
        "protocol": 2,  # one shape of replies, whatever the version of redis-py
        "retry": Retry(NoBackoff(), 0),  # a resent write would happen twice: whoever resends must be able to tell
        "socket_timeout": socket_timeout,
        # A PING before a command on a connection unused for long: its failure means that nothing was written.
        "health_check_interval": 30,
    }
    until_connected = min(arguments.get("socket_connect_timeout", _CONNECT_TIMEOUT), socket_timeout)
    return Redis.from_pool(Pool(**arguments | fixed | {"socket_connect_timeout": until_connected}))


def _check_server(store: Store) -> None:
    """Refuse a server that cannot hold jobs; HELLO tells what INFO would, and every user may ask it."""
    client: Any = store.client
    try:
        reply = client.execute_command("HELLO")
    except ResponseError as error:
        if unknown_command(str(error)) != "HELLO":
            raise
        reason = _unsuitable_without_hello(client)
    else:
        facts = dict(zip(reply[::2], reply[1::2], strict=True))
        reason = unsuitable(*(facts[name].decode() for name in (b"server", b"version", b"mode")))
    if reason:
        raise StoreUnavailable(f"the store at {store.url} {reason}")


def _unsuitable_without_hello(client: Any) -> str | None:
    """Return what is wrong with a server that does not know HELLO: it is too old, or the command has been renamed."""
    try:
        info = client.info("server")
    except RedisError:
        return "is too old: Redis 6.2 or newer or Valkey is needed; or HELLO and INFO are disabled or renamed there"
    server = "valkey" if "valkey_version" in info else "redis"
    return unsuitable(
        server, str(info.get("redis_version", "")), str(info.get("server_mode") or info.get("redis_mode", ""))
    )
