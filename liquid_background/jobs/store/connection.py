"""Connections to the store, external or embedded, and the checks that a server must pass."""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from redis import ConnectionPool, Redis
from redis.backoff import NoBackoff
from redis.connection import Connection, UnixDomainSocketConnection
from redis.exceptions import ResponseError
from redis.retry import Retry

from liquid_background.errors import StoreUnavailable
from liquid_background.jobs.store.address import Address, parse_address
from liquid_background.jobs.store.clock import ServerClock
from liquid_background.jobs.store.embedded import ensure_running, socket_path, socket_url
from liquid_background.jobs.store.translation import translated_errors
from liquid_background.settings import Settings

_OLDEST_REDIS = (6, 2)
_CONNECT_TIMEOUT = 2.0  # seconds
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
    site: str = ""

    def time(self, within: float) -> float:
        """Return this server's time, or a little less; it is asked unless that was done in the last `within` seconds.

        Raises:
            StoreUnavailable: when it is asked and cannot be reached.
        """
        known = self.clock.now(within)
        if known is not None:
            return known
        with translated_errors(self.url):
            seconds, micros = self.client.time()
        now: float = seconds + micros / 1_000_000
        self.clock.noted(now)
        return now

    def close(self) -> None:
        """Close the connections; the client opens new ones when it is used again."""
        self.client.close()


def connect(settings: Settings, *, socket_timeout: float = 10.0) -> Store:
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
    except BaseException:
        store.close()
        raise
    return store


def _external(url: str, socket_timeout: float) -> Store:
    address = parse_address(url)
    client = _client(_given(address), socket_timeout)
    path = address.arguments.get("path")
    return Store(client, address.shown, "external", Path(path) if path else None)


def _given(address: Address) -> dict[str, Any]:
    arguments = {"connection_class": Connection, **address.arguments}
    if "path" not in arguments:
        arguments |= {"socket_keepalive": True, "socket_keepalive_options": _KEEPALIVE}
    return arguments


def _embedded(settings: Settings, socket_timeout: float) -> Store:
    path = ensure_running(settings.data_dir)
    client = _client({"connection_class": _EmbeddedConnection, "data_dir": settings.data_dir.resolve()}, socket_timeout)
    url = socket_url(settings.data_dir)
    return Store(client, url, "embedded", path)


class _EmbeddedConnection(UnixDomainSocketConnection):
    """A connection that starts the embedded server when nobody listens, so that a client outlives its death."""

    def __init__(self, *, data_dir: Path, **arguments: Any) -> None:
        super().__init__(path=str(socket_path(data_dir)), **arguments)  # type: ignore[no-untyped-call]
        self._data_dir = data_dir

    def _connect(self) -> socket.socket:
        ensure_running(self._data_dir)
        connected: socket.socket = super()._connect()  # type: ignore[no-untyped-call]
        return connected


def _client(arguments: dict[str, Any], socket_timeout: float) -> Redis:
    fixed = {
        "decode_responses": False,
        "protocol": 2,  # one shape of replies, whatever the version of redis-py
        "retry": Retry(NoBackoff(), 0),  # a resent write would happen twice: whoever resends must be able to tell
        "socket_timeout": socket_timeout,
        # A PING before a command on a connection unused for long: its failure means that nothing was written.
        "health_check_interval": 30,
    }
    return Redis.from_pool(ConnectionPool(**{"socket_connect_timeout": _CONNECT_TIMEOUT, **arguments, **fixed}))


def _check_server(store: Store) -> None:
    """Refuse a server that cannot hold jobs; HELLO tells what INFO would, and every user may ask it."""
    try:
        reply = store.client.execute_command("HELLO")  # type: ignore[no-untyped-call]
    except ResponseError as error:
        if "unknown command" not in str(error):
            raise
        raise StoreUnavailable(f"the store at {store.url} is too old: Redis 6.2 or newer or Valkey is needed") from None
    facts = dict(zip(reply[::2], reply[1::2], strict=True))
    server, version, mode = (facts[name].decode() for name in (b"server", b"version", b"mode"))
    if mode == "cluster":
        raise StoreUnavailable(f"the store at {store.url} is a Redis Cluster, which is not supported: use one primary")
    if mode == "sentinel":
        raise StoreUnavailable(f"{store.url} is a Sentinel, which holds no data: give the URL of the primary itself")
    if server == "redis" and tuple(map(int, re.findall(r"\d+", version)[:2])) < _OLDEST_REDIS:
        raise StoreUnavailable(f"the store at {store.url} is Redis {version}: 6.2 or newer or Valkey is needed")
