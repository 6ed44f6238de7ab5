"""The store's URL: parsed, checked and shown without its password."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from ipaddress import IPv6Address
from pathlib import Path
from typing import Any, Final
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlencode, urlsplit

from redis.connection import parse_url

from liquid_background.errors import SettingsError

_SCHEMES = ("redis", "rediss", "unix")
_SENTINEL_SCHEMES: Final = {"redis+sentinel": "redis", "rediss+sentinel": "rediss"}
_SENTINEL_PORT: Final = 26379
_SENTINEL_LOGIN: Final = {"sentinel_username": "username", "sentinel_password": "password"}
_AS_IN: Final = "as in redis+sentinel://h1:26379,h2:26379/mymaster/0"
_SERVICE = re.compile(r"[A-Za-z0-9._-]+")  # what a Sentinel lets one be called
_PLACE = re.compile(r"(?:\[(?P<address>[^\[\]]+)\]|(?P<host>[^\s\[\]:%\x00-\x1f\x7f]+))(?::(?P<port>[0-9]{1,5}))?")
# Not here: what would change replies (decode_responses, protocol), send a write twice (retry_on_timeout, …) or
# override the time limits that callers rely on.
_OPTIONS = ("db", "username", "password", "client_name", "max_connections", "socket_connect_timeout")
_NUMBERS: Final = {
    "db": (re.compile(r"[0-9]{1,9}"), "the number of a database"),
    "max_connections": (re.compile(r"[1-9][0-9]{0,8}"), "a number of connections, such as 20"),
    "socket_connect_timeout": (re.compile(r"(?=.*[1-9])[0-9]{1,5}(\.[0-9]{1,6})?"), "a number of seconds, such as 1.5"),
}
_TLS_FILES = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")
# Not here: what redis-py takes from a URL and then silently leaves out (ssl_validate_ocsp, …).
_TLS_OPTIONS = (
    *_TLS_FILES, "ssl_ca_path", "ssl_ca_data", "ssl_password", "ssl_cert_reqs", "ssl_check_hostname", "ssl_min_version",
    "ssl_ciphers", "ssl_include_verify_flags", "ssl_exclude_verify_flags",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Service:
    """A primary that Sentinels keep: what it is called there, where they are, and how to log in at them."""

    name: str
    sentinels: tuple[tuple[str, int], ...]
    login: dict[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Address:
    """A checked URL: `shown` may be printed, `url` and `arguments` (for redis-py's connections) hold the password."""

    shown: str
    url: str = field(repr=False)
    arguments: dict[str, Any] = field(repr=False)
    service: Service | None = None  # of a Sentinel URL, whose arguments have no host

    @property
    def tls(self) -> dict[str, Any] | None:
        """The arguments of its TLS connections; None without TLS."""
        given = {name: value for name, value in self.arguments.items() if name in _TLS_OPTIONS}
        return given if self.shown.startswith("rediss") else None


def parse_address(url: str) -> Address:
    """Return the address of an external store.

    Raises:
        SettingsError: saying what is wrong, without quoting the URL, which may hold a password.
    """
    try:
        if url.strip().partition("://")[0].lower() in _SENTINEL_SCHEMES:
            return _sentinel_address(url.strip())
        parts = urlsplit(url)
        _check(parts)
        arguments = parse_url(url)  # type: ignore[no-untyped-call]  # redis-py types half of itself
        return Address(_shown(parts, arguments), url, arguments)
    except ValueError:
        # The text of a ValueError quotes the piece that it could not read, which may be a piece of the password.
        raise _wrong("it cannot be read") from None


def _check(parts: SplitResult) -> None:
    if parts.scheme not in _SCHEMES:
        hint = "; for valkey:// write redis://, for valkeys:// rediss://" if parts.scheme.startswith("valkey") else ""
        raise _wrong(
            "it must start with redis://, rediss:// or unix://, or for Sentinels with redis+sentinel:// or "
            f"rediss+sentinel://{hint}"
        )
    if parts.fragment or (
        parts.scheme != "unix" and not unquote(parts.path).strip("/").isdecimal() and parts.path > "/"
    ):
        raise _wrong("after the host only a database number may follow, as in redis://localhost:6379/0")
    is_cut = "@" in parts.query or (parts.scheme == "unix" and parts.netloc.startswith(":") and "@" not in parts.netloc)
    if is_cut:  # a password with a / or ? that is no code: the rest of it would stand in what is shown
        raise ValueError
    if parts.scheme == "unix" and (parts.hostname or not parts.path.strip("/")):
        raise _wrong("a unix:// URL needs an absolute path, as in unix:///run/valkey/valkey.sock")
    unquote(parts.hostname or "").encode("idna")  # as whoever looks it up does
    if parts.port is not None and not 0 < parts.port < 65536:
        raise _wrong("the port must be from 1 to 65535")
    for name, value in parse_qsl(parts.query, strict_parsing=True) if parts.query else ():
        if name not in _OPTIONS and not (name in _TLS_OPTIONS and parts.scheme == "rediss"):
            raise _wrong(
                f"options after the ? may be {', '.join(_OPTIONS)}; for Sentinels {', '.join(_SENTINEL_LOGIN)}; and, "
                f"for rediss://, {', '.join(_TLS_OPTIONS)}"
            )
        if name in _TLS_FILES and not Path(value).is_file():
            raise _wrong(f"{name} names no file")
        if name in _NUMBERS and not _NUMBERS[name][0].fullmatch(value):
            raise _wrong(f"{name} must be {_NUMBERS[name][1]}")
        if name == "ssl_cert_reqs" and value not in ("none", "optional", "required"):
            raise _wrong("ssl_cert_reqs must be required, optional or none")


def _sentinel_address(url: str) -> Address:
    """Return the address that a Sentinel URL is.

    Its login, database and options are those of a plain URL and checked as such.
    """
    scheme, _, rest = url.partition("://")
    plain = _SENTINEL_SCHEMES[scheme.lower()]
    place, _, query = rest.partition("?")
    authority, _, path = place.partition("/")
    login, at, hosts = authority.rpartition("@")
    name, _, number = path.partition("/")
    if "#" in rest or "@" in path:
        raise _wrong(f"nothing may follow the database number but options, {_AS_IN}")
    sentinels = tuple(_sentinel(host) for host in hosts.split(","))
    if not name:
        raise _wrong(f"the name of the service must follow the hosts, {_AS_IN}")
    if not _SERVICE.fullmatch(name):
        raise _wrong(f"the name of a service has letters, digits, . - and _ only, {_AS_IN}")
    if number.strip("/") and not number.strip("/").isdecimal():
        raise _wrong(f"after the service only a database number may follow, {_AS_IN}")
    options = parse_qsl(query, strict_parsing=True) if query else []
    own = {name: value for name, value in options if name in _SENTINEL_LOGIN}
    if "sentinel_username" in own and "sentinel_password" not in own:
        raise _wrong("sentinel_username needs a sentinel_password beside it")
    others = urlencode([(name, value) for name, value in options if name not in _SENTINEL_LOGIN])
    same = f"{plain}://{login}{at}localhost/{number}" + (f"?{others}" if others else "")
    parts = urlsplit(same)
    _check(parts)
    arguments = parse_url(same)  # type: ignore[no-untyped-call]  # redis-py types half of itself
    del arguments["host"]
    places = ",".join(map(shown_place, sentinels))
    shown = f"{scheme.lower()}://{_shown_login(parts, arguments)}{places}/{name}/{arguments.get('db', 0)}"
    service = Service(name, sentinels, {_SENTINEL_LOGIN[name]: value for name, value in own.items()})
    return Address(shown, url, arguments, service)


def _sentinel(written: str) -> tuple[str, int]:
    """Return the host and port of a Sentinel.

    Raises:
        ValueError: also as SettingsError, when it is none.
    """
    found = _PLACE.fullmatch(written)
    if found is None:
        raise _wrong(
            "the hosts must be names or addresses with a port or without, separated by commas, IPv6 addresses in "
            f"brackets, {_AS_IN}"
        )
    if found["address"]:
        IPv6Address(found["address"])
    else:
        found["host"].encode("idna")  # as whoever looks it up does
    port = int(found["port"] or _SENTINEL_PORT)
    if not 0 < port < 65536:
        raise _wrong("the port must be from 1 to 65535")
    return found["address"] or found["host"], port


def shown_place(place: tuple[str, int]) -> str:
    """Return a host and a port as they are written in a URL."""
    host, port = place
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _wrong(reason: str) -> SettingsError:
    return SettingsError(
        f"setting redis_url: {reason}; in a password write %-codes for / # ? @ : and % (LIQUID_BACKGROUND_REDIS_URL "
        "or REDIS_URL)"
    )


def _shown_login(parts: SplitResult, arguments: dict[str, Any]) -> str:
    user = quote(arguments.get("username", ""), safe="")
    if parts.password:
        return f"{user}:***@"
    # A user alone is most often a password that lacks its colon.
    return "***@" if user else ":***@" if "password" in arguments else ""


def _shown(parts: SplitResult, arguments: dict[str, Any]) -> str:
    login, number = _shown_login(parts, arguments), arguments.get("db", 0)
    if parts.scheme == "unix":
        return f"unix://{login}{parts.path}" + (f"?db={number}" if number else "")
    place = shown_place((arguments.get("host", "localhost"), arguments.get("port", 6379)))
    return f"{parts.scheme}://{login}{place}/{number}"
