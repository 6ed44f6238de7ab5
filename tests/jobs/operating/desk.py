"""A queue, a worker's hands on it, and what starts operations and carries them out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from liquid_background.job import Job, Outcome
from liquid_background.jobs.operating.carrying import Carrier
from liquid_background.jobs.operating.operations import Operations
from liquid_background.jobs.queue import Queue
from liquid_background.jobs.store import Store
from liquid_background.settings import Settings
from tests.jobs.queue.hands import Hands

FAILED = Outcome(error="no")


def carry_out(carrier: Carrier) -> None:
    """Do all that can be done now."""
    while carrier.carry_on() == 0.0:
        pass


class Desk:
    """What an operator and a worker do, one step at a time."""

    def __init__(self, store: Store, settings: Settings, job: Callable[..., Job]) -> None:
        self.store = store
        self.settings = settings
        self.queue = Queue(store, settings)
        self.hands = Hands(store, settings)
        self.operations = Operations(store, settings)
        self.carrier = Carrier(store, settings)
        self._job = job

    def send(self, *ids: str, **fields: Any) -> list[str]:
        assert self.queue.send([self._job(id=each, **fields) for each in ids]) == []
        return [*ids]

    def fail(self, *ids: str, **fields: Any) -> list[str]:
        self.send(*ids, **fields)
        for _ in ids:
            assert self.hands.finish(self.hands.take(), FAILED) == "done"
        return [*ids]

    def carry_out(self) -> None:
        carry_out(self.carrier)

    def statuses(self, *ids: str) -> list[str]:
        return [str(self.queue.get(each).status) for each in ids]
