"""Which names a server answers to: one on loopback must not answer a page of another site that guessed its port."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from typing import Final

_HOST: Final = re.compile(r"(?P<name>\[[0-9A-Fa-f:.%]+\]|[^\[\]:/@?#\s]+)(?::\d{1,5})?")
_LOOPBACK: Final = ("localhost", "127.0.0.1", "[::1]")


def allowed_hosts(address: str, extra: Iterable[str] = ()) -> frozenset[str] | None:
    """Return the names that a server on an address answers to; None when it answers to any.

    Args:
        address: what it listens on. On a public one only `extra` restricts it.
        extra: further names, without a port.
    """
    given = frozenset(_spelled(name) for name in extra)
    if not _is_loopback(address):
        return given or None
    return given | {*_LOOPBACK, _spelled(address)}


def is_allowed(header: str, allowed: frozenset[str]) -> bool:
    """Return whether a Host header names one of the allowed names, with any port."""
    match = _HOST.fullmatch(header)
    return match is not None and _spelled(match["name"]) in allowed


def _spelled(name: str) -> str:
    plain = name.strip().lower().removesuffix(".")
    return f"[{plain}]" if ":" in plain and not plain.startswith("[") else plain


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return address.lower() == "localhost"
