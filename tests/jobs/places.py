"""The places where an engine's jobs may be, and what a worker does there one move at a time."""

from __future__ import annotations

import time
from typing import Any, Protocol

from liquid_background import Engine
from liquid_background.job import Ending, Outcome
from liquid_background.jobs.queue import finishing, keys, moves, scripts
from liquid_background.jobs.queue.finishing import Running
from liquid_background.jobs.queue.opening import Claimed
from liquid_background.jobs.site import queue_name
from liquid_background.testing import FakeJobs

WORKER = "host.1.1"


class Place(Protocol):
    """A worker's hands. `take` starts the job whose turn it is, `finish` ends it."""

    engine: Engine

    def take(self) -> tuple[str, int] | None:
        """Start the next job; return its id and the attempt's number. None when none is due, or it was refused."""

    def finish(self, outcome: Outcome) -> None:
        """End the attempt that was started last."""

    def hasten(self) -> None:
        """Have what waits for its time be due, in the same order."""


class InStore:
    """The moves of a worker of the store that an engine is connected to."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.settings = engine.settings
        self._tokens = moves.tokens()
        self._running: Running | None = None

    def call(self, call: moves.Call) -> Any:
        return scripts.run(self.engine.store, *call)

    def take(self) -> tuple[str, int] | None:
        self.call(moves.tick(keys.QUEUES, self.settings))
        claim = moves.Claim(next(self._tokens), 1, keys.QUEUES, self.settings)
        batch = claim.opened(self.call(claim.call))
        if not batch.jobs:
            return None
        [job] = batch.jobs
        if not isinstance(job, Claimed):
            self.call(moves.refuse(job, batch, WORKER, self.settings))
            return None
        running = self._running = Running.of(job, batch.token, batch.queue)
        attempt = self.call(moves.step(WORKER, self.settings, start=running))[1]
        pulse = moves.Pulse(name=WORKER, completed=0, failed=0, seconds=0.0, job=running)
        self.call(moves.beat([pulse], self.settings))
        return job.id, attempt

    def finish(self, outcome: Outcome, ending: Ending | None = None) -> None:
        assert self._running is not None
        done = finishing.finish(self._running, outcome, self.settings, ending)
        self.call(moves.step(WORKER, self.settings, done=done))

    def hasten(self) -> None:
        client = self.engine.store.client
        for queue in keys.QUEUES:
            key = keys.scheduled(queue_name(self.settings.site, queue))
            waiting = client.zrange(key, 0, -1)
            if waiting:
                client.zadd(key, {job_id: 1 + place for place, job_id in enumerate(waiting)})


class InMemory:
    """The same for a double."""

    def __init__(self, engine: Engine, jobs: FakeJobs) -> None:
        self.engine = engine
        self._jobs = jobs
        self._hastened = False
        self._running = ""

    def take(self) -> tuple[str, int] | None:
        job_id = self._jobs.next_id()
        if job_id is None or not (self._hastened or self._is_due(job_id)):
            return None
        started = self._jobs.start(job_id)
        self._running = job_id
        return None if started is None else (job_id, started[1])

    def _is_due(self, job_id: str) -> bool:
        return self._jobs._jobs[job_id].due <= time.time()

    def finish(self, outcome: Outcome) -> None:
        self._jobs.finish(self._running, outcome)

    def hasten(self) -> None:
        self._hastened = True
