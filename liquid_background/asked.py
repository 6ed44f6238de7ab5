"""What operators ask an engine, beside its jobs and its log: each question is an object of the room that answers it."""

from __future__ import annotations

from liquid_background.jobs.operating.failures import Failures
from liquid_background.jobs.store import Store
from liquid_background.lazy import kept
from liquid_background.settings import Settings


class Asked:
    """The questions, as attributes of an engine."""

    settings: Settings

    @property
    def store(self) -> Store:
        """The store, connected on first use."""
        raise NotImplementedError

    @property
    def failures(self) -> Failures:
        """The failed jobs in groups: `list()`, `show(id)`, `silence(id, by)`, `unsilence(id)`; see docs/failures.md."""
        return self._failures

    @kept
    def _failures(self) -> Failures:
        return Failures(lambda: self.store, self.settings)
