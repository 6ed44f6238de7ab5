"""Asking a server commands one batch after the other, whatever client carries them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeAlias

from liquid_background.jobs.store.refusals import explain_refusal

Words: TypeAlias = Sequence[str | bytes | int]
"""A command and its arguments."""

_UNKNOWN: Final = ("ERR unknown command", "ERR unknown subcommand")


@dataclass(frozen=True, slots=True)
class Refusal:
    """An error that the server replied to one command."""

    text: str  # with the code in front, as in "NOPERM …"

    @property
    def explained(self) -> str | None:
        """What it says of the store and what to do; None for an error of the command alone."""
        return explain_refusal(self.text)

    @property
    def is_unknown_command(self) -> bool:
        return self.text.lower().startswith(tuple(map(str.lower, _UNKNOWN)))

    @property
    def is_denied(self) -> bool:
        return self.text.startswith("NOPERM")

    @property
    def is_denied_key(self) -> bool:
        """Whether the command itself is allowed, and not on its keys."""
        return self.is_denied and " key" in self.text

    @property
    def is_wrong_type(self) -> bool:
        return self.text.startswith("WRONGTYPE")


class Asking(Protocol):
    """One connection to a server: nobody else's commands come between."""

    @property
    def url(self) -> str:
        """The store's URL, without its password."""

    def ask(self, *commands: Words) -> list[Any]:
        """Send commands in one go and return their replies, a Refusal in the place of each error.

        Raises:
            StoreUnavailable: when the server cannot be reached, or does not answer.
        """
