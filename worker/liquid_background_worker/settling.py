"""The claims of a child of whose jobs none is left in its hands: their leases may go."""

from __future__ import annotations

from typing import Final

_MOST: Final = 64  # claims that one call tells of


class Settling:
    """Gathers the tokens of such claims until the store is told.

    What the store did not answer as it should leaves a job in doubt: then the lease of its claim is left to run out,
    and whoever reaps it sees to the job.
    """

    def __init__(self) -> None:
        self._doubtful: set[str] = set()
        self._settled: list[str] = []

    def doubt(self, token: str) -> None:
        """Take note that a job of a claim may still be in this child's hands."""
        self._doubtful.add(token)

    def is_over(self, token: str) -> None:
        """Take note that nothing more is sent about a claim, and all replies about it were heard."""
        if token not in self._doubtful:
            self._settled.append(token)
        self._doubtful.discard(token)

    def taken(self) -> list[str]:
        """Return the tokens to tell of, each once: if that is lost, the leases run out."""
        taken, self._settled = self._settled[:_MOST], self._settled[_MOST:]
        return taken
