"""What operators ask an engine, beside its jobs and its log: each question is an object of the room that answers it."""

from __future__ import annotations

from liquid_background.jobs.operating.audit import Audit
from liquid_background.jobs.operating.operations import Operations
from liquid_background.jobs.operating.pauses import Queues
from liquid_background.jobs.queue import Queue
from liquid_background.jobs.store import Store
from liquid_background.lazy import kept
from liquid_background.settings import Settings
from liquid_background.threads import Threads


class Asked:
    """The questions, as attributes of an engine."""

    settings: Settings

    @property
    def store(self) -> Store:
        """The store, connected on first use."""
        raise NotImplementedError

    @kept
    def _operator_threads(self) -> Threads:
        return Threads()

    @property
    def operations(self) -> Operations:
        """Retry, cancel or delete all that match a filter: `start`, `get`, `list`, `abort`, `follow`; async twins."""
        return Operations(self.store, self.settings, self._operator_threads)

    @property
    def audit(self) -> Audit:
        """Who did what: `entries(limit=100, since=None)`, `note(action, about, by)`; see docs/operations.md."""
        return Audit(self.store)

    @property
    def queues(self) -> Queues:
        """The queues, and what is paused: `pause(queue=, source_name= or group=)`, `resume(…)`; see docs/pausing.md."""
        return Queues(lambda: Queue(self.store, self.settings), self._operator_threads)
