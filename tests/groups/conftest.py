"""The moves of a worker, one at a time, and real workers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from liquid_background.job import Group, Job, Outcome
from liquid_background.jobs.queue import Queue, finishing, keys, moves, scripts
from liquid_background.jobs.queue.finishing import Running
from liquid_background.jobs.queue.moves import Batch
from liquid_background.jobs.queue.opening import Claimed
from liquid_background.jobs.store import Store
from liquid_background.settings import Settings
from tests.leases import run_out
from tests.worker.conftest import Bench, bench

__all__ = ["Bench", "bench"]


class Worker:
    """What a worker does, one move at a time."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self.store = store
        self.settings = settings
        self.queue = Queue(store, settings)
        self._tokens = moves.tokens()

    def send(self, *ids: str, group: str = "g", most: int = 1, **fields: Any) -> None:
        blank = {"source_name": "job", "template": "t", "line": 1, "source": "hi"}
        self.queue.send([Job(**blank, id=name, group=Group(group, most), **fields) for name in ids])

    def call(self, call: moves.Call) -> Any:
        return scripts.run(self.store, *call)

    def claim(self, most: int = 100) -> Batch:
        token = next(self._tokens)
        claim = moves.Claim(token, most, keys.QUEUES, self.settings)
        return claim.opened(self.call(claim.call))

    def start(self, most: int = 100) -> list[Running]:
        """Claim a batch and start all of it."""
        batch = self.claim(most)
        started = [Running.of(job, batch.token, batch.queue) for job in batch.jobs if isinstance(job, Claimed)]
        for running in started:
            assert self.call(moves.step("w", self.settings, start=running))[1] > 0
        return started

    def finish(self, job: Running, **outcome: Any) -> str:
        done = finishing.finish(job, Outcome(**{"result": "", **outcome}), self.settings)
        how: bytes = self.call(moves.step("w", self.settings, done=done))[0]
        return how.decode()

    def tick(self, *, trim: bool = False) -> None:
        self.call(moves.tick(keys.QUEUES, self.settings, trim))

    def expire_leases(self) -> None:
        run_out(self.store.client)

    def slots(self, group: str = "g") -> set[str]:
        return {member.decode() for member in self.store.client.smembers(keys.slots(group))}


@pytest.fixture
def worker(store: Store, settings: Settings) -> Worker:
    return Worker(store, settings.model_copy(update={"retry_delays": (0.0,)}))


@pytest.fixture
def names() -> Callable[[list[Running]], list[str]]:
    return lambda jobs: [job.id for job in jobs]
