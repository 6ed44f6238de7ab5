"""Whose connections they are that come from this machine, where it tells that: Linux does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

_TABLES: Final = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
_OVER: Final = "06"  # the state of a connection that is over, and nobody's any more


def users_at(port: int, to: int) -> frozenset[int]:
    """Return the ids of the users who have a connection from a port to another one; none where that is not known."""
    return frozenset(user for local, remote, user in _connections() if (local, remote) == (port, to))


def _connections() -> Iterator[tuple[int, int, int]]:
    for table in _TABLES:
        try:
            lines = table.read_text("ascii").splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            _, local, remote, state, _, _, _, user, *_ = line.split()
            if state != _OVER:
                yield _port(local), _port(remote), int(user)


def _port(address: str) -> int:
    return int(address.rpartition(":")[2], 16)
