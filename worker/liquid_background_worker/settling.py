"""Which claims of a child are settled: none of their jobs is left in its hands, so the store may drop their leases."""

from __future__ import annotations


class Settling:
    """Gathers the tokens of settled claims until the store is told.

    A job is in doubt when the store's reply to its start, its end or its return is not the usual one. The lease of its
    claim is left to run out then, and whoever reaps it sees to the job.
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
        taken, self._settled = self._settled, []
        return taken
