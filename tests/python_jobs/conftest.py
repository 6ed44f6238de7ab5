"""An engine on the session's store that knows the functions of tests.python_jobs.shop, and real workers."""

from __future__ import annotations

import pytest

from liquid_background import Engine
from liquid_background.job import JobRecord, Outcome
from liquid_background.jobs.queue.payload import decode_payload
from liquid_background.settings import Settings
from tests.halves import BothHalves
from tests.python_jobs import shop
from tests.worker.conftest import Bench, bench

__all__ = ["Bench", "bench"]


@pytest.fixture
def engine(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Engine:
    made = BothHalves(settings=settings)
    for name, function in shop.engine.environment.actions.items():
        made.action(name)(function)
    monkeypatch.setattr(shop, "current", made)
    return made


def perform(engine: Engine, job: JobRecord, attempt: int = 1) -> Outcome:
    """Perform one attempt of a job as it lies in the store."""
    data = engine.store.client.hget(f"rq:job:{job.id}", "data")
    return engine.perform(job.id, decode_payload(data), attempt, job.max_attempts)
