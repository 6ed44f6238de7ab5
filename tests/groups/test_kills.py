"""A group under fire: never more at once than it allows, never stuck, whatever is killed."""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from liquid_background import Engine
from tests.groups.app import hold
from tests.groups.conftest import Bench

JOBS = 100
SLOTS = 4
KILLS = 8


def _count(folder: Path, kind: str) -> int:
    file = folder / kind
    return len(file.read_text().splitlines()) if file.exists() else 0


def test_100_jobs_in_4_slots_while_workers_are_killed(
    bench: Bench, tmp_path: Path, wait_until: Callable[..., Any]
) -> None:
    engine = Engine(settings=bench.settings)
    engine.action(hold)
    params = [{"folder": str(tmp_path), "number": number, "slots": SLOTS, "seconds": 0.05} for number in range(JOBS)]
    handles = engine.enqueue_many("hold", params, queue={"name": "crm", "max_concurrency": SLOTS}, retries=50)
    chance = random.Random(7)

    def start() -> None:
        bench.start(app="tests.groups.app:engine", processes=5, lease=0.6)

    for _ in range(2):
        start()
    for kill in range(KILLS):
        held = min(JOBS - 20, (kill + 1) * 10)
        wait_until(lambda held=held: _count(tmp_path, "held") >= held, timeout=30)
        alive = [worker for worker in bench.workers if worker.process.poll() is None]
        worker = chance.choice(alive)
        victims = worker.children() if kill % 4 else [worker.pid]  # a child, or the whole worker with its children
        with suppress(OSError):
            os.kill(chance.choice(victims or [worker.pid]), signal.SIGKILL)
        if not kill % 4:
            start()
    wait_until(lambda: sum(count.completed + count.failed for count in engine.jobs.counts()) == JOBS, timeout=30)
    assert _count(tmp_path, "too_many") == 0
    assert {handle.result(timeout=1) for handle in handles} == set(range(JOBS))
    assert {line.split()[1] for line in (tmp_path / "held").read_text().splitlines()} == {"0", "1", "2", "3"}
    assert _count(tmp_path, "begun") > JOBS  # some were killed in mid-attempt
    assert not engine.store.client.keys("liquid_background:slots:*")
