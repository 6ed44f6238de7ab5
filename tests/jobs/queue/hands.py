"""What a worker does, one move at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from liquid_background.job import Ending, Outcome
from liquid_background.jobs.queue import finishing, keys, moves, scripts
from liquid_background.jobs.queue.finishing import Running
from liquid_background.jobs.queue.moves import Batch
from liquid_background.jobs.queue.opening import Claimed
from liquid_background.jobs.store import Store
from liquid_background.settings import Settings
from tests.leases import run_out

WORKER = "host.1.1"


class Hands:
    """A worker's hands on a store."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self.store = store
        self.settings = settings
        self._tokens = moves.tokens()
        self._until: dict[str, int] = {}  # by the token; see Batch

    def call(self, call: moves.Call) -> Any:
        return scripts.run(self.store, *call)

    def claim(self, most: int = 1, queues: Sequence[str] = keys.QUEUES) -> Batch:
        token = next(self._tokens)
        claim = moves.Claim(token, most, queues, self.settings)
        batch = claim.opened(self.call(claim.call))
        self._until[token] = batch.until
        return batch

    def hold(self) -> Running:
        """Claim one job, which is not started."""
        batch = self.claim()
        [job] = batch.jobs
        assert isinstance(job, Claimed), job
        return Running.of(job, batch.token, batch.queue)

    def take(self) -> Running:
        """Claim one job and start it."""
        running = self.hold()
        assert self.start(running) > 0
        return running

    def start(self, job: Running) -> int:
        until = self._until.get(job.token, 0)
        attempt: int = self.call(moves.step(WORKER, self.settings, start=job, until=until))[1]
        return attempt

    def beat(self, job: Running) -> Any:
        """Extend a job's lease; return what the store says of it."""
        pulse = moves.Pulse(name=WORKER, completed=0, failed=0, seconds=0, job=job)
        [said] = self.call(moves.beat([pulse], self.settings))
        return said

    def finish(self, job: Running, outcome: Outcome, ending: Ending | None = None) -> str:
        done = finishing.finish(job, outcome, self.settings, ending)
        how: bytes = self.call(moves.step(WORKER, self.settings, done=done))[0]
        return how.decode()

    def settle(self) -> None:
        """Say that nothing is left of what was claimed."""
        self.call(moves.settle([*self._until]))

    def expire_leases(self) -> None:
        run_out(self.store.client)

    def make_due(self, *ids: str) -> None:
        for number, job_id in enumerate(ids):
            self.store.client.zadd(keys.scheduled("default"), {job_id: 1 + number}, xx=True)

    def tick(self) -> list[int]:
        reply: list[int] = self.call(moves.tick(keys.QUEUES, self.settings))
        return reply
