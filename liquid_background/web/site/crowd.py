"""The connections of a process: when there are too many, one goes for each that comes."""

from __future__ import annotations

import resource
from typing import Final, Protocol

BACKLOG: Final = 100
"""Connections that the system keeps until they are taken, and that are taken at once."""

_MOST: Final = 500  # connections
_TURNED_AWAY: Final = 50  # further ones, which are told that there is no room
_FOR_OTHERS: Final = 64  # descriptors of the process that are no connections


class Member(Protocol):
    """A connection, as the crowd sees it."""

    @property
    def is_closing(self) -> bool:
        """Whether it is about to go anyway."""

    @property
    def waits_since(self) -> float | None:
        """Since when it waits for a request or its body; None while a page is at it."""

    def give_way(self) -> None:
        """Close it for another one."""

    def turn_away(self) -> None:
        """Have it refuse the request that comes, when there is no room by then."""


class Crowd:
    """The open connections, those first that have kept the process waiting the longest: nobody looks for them."""

    def __init__(self) -> None:
        self._members: dict[Member, None] = {}

    def join(self, member: Member) -> None:
        """Take a connection; when there are too many, the one that has waited the longest gives way.

        Where pages are at all the others, the new one is turned away.
        """
        self._members[member] = None
        most = most_connections()
        if len(self._members) > most:
            self._members = {each: None for each in self._members if not each.is_closing}
            if len(self._members) > most:
                longest = next((each for each in self._members if each.waits_since is not None), member)
                if longest is member and len(self._members) <= most + _TURNED_AWAY:
                    member.turn_away()
                else:
                    longest.give_way()

    @property
    def is_full(self) -> bool:
        """Whether there are more connections than may be."""
        return len(self._members) > most_connections()

    def wait_anew(self, member: Member) -> None:
        """Note that a connection waits for its next request."""
        if member in self._members:
            del self._members[member]
            self._members[member] = None

    def leave(self, member: Member) -> None:
        """Forget a connection that has ended, or is about to."""
        self._members.pop(member, None)


def most_connections() -> int:
    """Return how many connections the process may hold."""
    allowed, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _MOST if allowed == resource.RLIM_INFINITY else max(8, min(_MOST, allowed - _FOR_OTHERS - BACKLOG))
