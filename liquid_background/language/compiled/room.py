"""How much compiled code a process keeps: no account of parsed templates tells what compiling them adds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final
from weakref import ref

MOST_LINES: Final = 250_000
"""Lines of Python of the functions that a process keeps: some 60 MB."""


class Room:
    """The room for compiled templates: those go first that came first, and are walked over again.

    Args:
        most: lines of Python.
    """

    def __init__(self, most: int = MOST_LINES) -> None:
        self.most = most
        self._held: dict[Callable[[], Any], int] = {}  # lines by a reference that does not keep its owner

    def take(self, owner: Any, lines: int) -> None:
        """Give room to an owner, which is told to `forget` when others need it; it is free when the owner is gone."""
        held = self._held
        key = ref(owner, lambda gone: held.pop(gone, None))
        held[key] = held.get(key, 0) + lines
        # In copies, since other threads take room meanwhile, and owners go at any time.
        for oldest in [*held][:-1]:
            if sum([*held.values()]) <= self.most:
                break
            held.pop(oldest, None)
            first = oldest()
            if first is not None:
                first.forget()
