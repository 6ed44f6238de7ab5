"""The store's URL: parsed, checked and shown without its password."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlsplit

from redis.connection import parse_url

from liquid_background.errors import SettingsError

_SCHEMES = ("redis", "rediss", "unix")
# Not here: what would change replies (decode_responses, protocol), send a write twice (retry_on_timeout, …) or
# override the time limits that callers rely on.
_OPTIONS = ("db", "username", "password", "client_name", "max_connections", "socket_connect_timeout")
_TLS_FILES = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")
# Not here: what redis-py takes from a URL and then silently leaves out (ssl_validate_ocsp, …).
_TLS_OPTIONS = (
    *_TLS_FILES, "ssl_ca_path", "ssl_ca_data", "ssl_password", "ssl_cert_reqs", "ssl_check_hostname", "ssl_min_version",
    "ssl_ciphers", "ssl_include_verify_flags", "ssl_exclude_verify_flags",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Address:
    """A checked URL: `shown` may be printed, `url` and `arguments` (for redis-py's connections) hold the password."""

    shown: str
    url: str = field(repr=False)
    arguments: dict[str, Any] = field(repr=False)


def parse_address(url: str) -> Address:
    """Return the address of an external store.

    Raises:
        SettingsError: saying what is wrong, without quoting the URL, which may hold a password.
    """
    try:
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
        raise _wrong(f"it must start with redis://, rediss:// or unix://{hint}")
    if parts.fragment or (
        parts.scheme != "unix" and not unquote(parts.path).strip("/").isdecimal() and parts.path > "/"
    ):
        raise _wrong("after the host only a database number may follow, as in redis://localhost:6379/0")
    if parts.scheme == "unix" and (parts.hostname or not parts.path.strip("/")):
        raise _wrong("a unix:// URL needs an absolute path, as in unix:///run/valkey/valkey.sock")
    if parts.port is not None and not 0 < parts.port < 65536:
        raise _wrong("the port must be from 1 to 65535")
    for name, value in parse_qsl(parts.query, strict_parsing=True) if parts.query else ():
        if name not in _OPTIONS and not (name in _TLS_OPTIONS and parts.scheme == "rediss"):
            raise _wrong(
                f"options after the ? may be {', '.join(_OPTIONS)} and, for rediss://, {', '.join(_TLS_OPTIONS)}"
            )
        if name in _TLS_FILES and not Path(value).is_file():
            raise _wrong(f"{name} names no file")
        if name == "ssl_cert_reqs" and value not in ("none", "optional", "required"):
            raise _wrong("ssl_cert_reqs must be required, optional or none")


def _wrong(reason: str) -> SettingsError:
    return SettingsError(
        f"setting redis_url: {reason}; in a password write %-codes for / # ? @ : and % (LIQUID_BACKGROUND_REDIS_URL "
        "or REDIS_URL)"
    )


def _shown(parts: SplitResult, arguments: dict[str, Any]) -> str:
    user = quote(arguments.get("username", ""), safe="")
    # A user alone is most often a password that lacks its colon.
    login = f"{user}:***@" if "password" in arguments else "***@" if user else ""
    number = arguments.get("db", 0)
    if parts.scheme == "unix":
        return f"unix://{login}{parts.path}" + (f"?db={number}" if number else "")
    host = arguments.get("host", "localhost")
    host = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{login}{host}:{arguments.get('port', 6379)}/{number}"
