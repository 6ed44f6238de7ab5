"""Whether a large store answers operators: `python -m benchmarks.million [--jobs 1000000] [--keep FOLDER]`.

It fills a store of its own through the moves that applications and workers make, asks each question, and prints what it
cost the store, the longest single command, and whether the answer is that of an oracle that reads every record.
"""

from __future__ import annotations

import argparse
import random
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any, Final

from liquid_background.job import Job, Outcome, Priority
from liquid_background.jobs.queue import Queue, finishing, moves, scripts
from liquid_background.jobs.queue.finishing import Finish, Running
from liquid_background.jobs.queue.opening import Claimed
from liquid_background.jobs.store import Store, connect, embedded
from liquid_background.settings import Settings, load_settings

NAMES: Final = 500
GROUPS: Final = 300
_LINES: Final = 5  # of a template at which jobs fail
_AT_ONCE: Final = 1_000  # jobs that one send takes
_CLAIMED: Final = 64  # jobs that one claim takes, as a child's does at most
_WORKER: Final = "filler.1.0"
_SHARES: Final = {"failed": 0.2, "delayed": 0.1, "cancelled": 0.03, "waiting": 0.17}  # the rest completes


@dataclass(frozen=True, slots=True)
class Plan:
    """How many jobs end so."""

    failed: int
    delayed: int
    cancelled: int
    waiting: int
    completed: int

    @classmethod
    def of(cls, jobs: int) -> Plan:
        shares = {name: int(share * jobs) for name, share in _SHARES.items()}
        return cls(**shares, completed=jobs - sum(shares.values()))


def fill(store: Store, settings: Settings, jobs: int, seed: int = 0) -> Plan:
    """Send jobs and run those that are to end."""
    plan, chance, queue = Plan.of(jobs), random.Random(seed), Queue(store, settings)
    ending = [*["failed"] * plan.failed, *["completed"] * plan.completed]
    chance.shuffle(ending)
    for start in range(0, len(ending), 10 * _AT_ONCE):
        part = ending[start : start + 10 * _AT_ONCE]
        _send(queue, [_job(chance, number, kind) for number, kind in enumerate(part, start)])
        _run(store, settings, chance)
    _send(queue, [_job(chance, number, "delayed") for number in range(plan.delayed)])
    waiting = [_job(chance, number, "waiting") for number in range(plan.waiting + plan.cancelled)]
    _send(queue, waiting)
    for job in waiting[: plan.cancelled]:
        queue.cancel(job.id)
    return plan


def _job(chance: random.Random, number: int, kind: str) -> Job:
    group = chance.randrange(GROUPS)
    return Job(
        source_name=f"name_{chance.randrange(NAMES)}",
        template=f"pages/page_{group // _LINES}",
        line=group % _LINES + 1,
        source=f"{kind} {{{{ customer_id }}}}",
        parameters={"customer_id": number, "email": f"user{number}@example.com"},
        priority=chance.choice(tuple(Priority)),
        delay=chance.uniform(60, 6_000) if kind == "delayed" else 0.0,
    )


def _send(queue: Queue, jobs: list[Job]) -> None:
    for start in range(0, len(jobs), _AT_ONCE):
        queue.send(jobs[start : start + _AT_ONCE])


def _run(store: Store, settings: Settings, chance: random.Random) -> None:
    """Claim and end all that waits, as a worker's child does."""
    tokens = moves.tokens()
    while True:
        claim = moves.Claim(next(tokens), _CLAIMED, tuple(Priority), settings)
        batch = claim.opened(scripts.run(store, *claim.call))
        if not batch.jobs:
            return
        calls, done = [], None
        for job in batch.jobs:
            assert isinstance(job, Claimed)
            running = Running.of(job, batch.token, batch.queue)
            calls.append(moves.step(_WORKER, settings, done, running))
            done = _end(running, job.payload["source"], settings, chance)
        calls.append(moves.step(_WORKER, settings, done))
        pipeline: Any = store.client.pipeline(transaction=False)
        for name, arguments in calls:
            pipeline.execute_command("EVALSHA", scripts.digest(name, store.site), 0, *arguments)
        pipeline.execute()


def _end(running: Running, source: str, settings: Settings, chance: random.Random) -> Finish:
    if source.startswith("failed"):
        error = f"ValueError: order {chance.randrange(10**6)} was not found ({running.template}:{running.line})"
        return finishing.finish(running, Outcome(error=error, duration=chance.randrange(500)), settings)
    return finishing.finish(running, Outcome(result="done", duration=chance.randrange(500)), settings)


def _stores(folder: str | None) -> Iterator[tuple[Store, Settings]]:
    with tempfile.TemporaryDirectory(prefix="lb-", ignore_cleanup_errors=True) as made:
        settings = load_settings(data_dir=Path(folder or made) / "s", templates=made)
        store = connect(settings)
        try:
            yield store, settings
        finally:
            store.close()
            embedded.stop(settings.data_dir)


def main() -> None:
    """Fill a store and ask it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=1_000_000)
    parser.add_argument("--keep", help="folder of the store, which is filled only when it is empty, and kept")
    options = parser.parse_args()
    for store, settings in _stores(options.keep):
        scripts.load_all(store)
        if not store.client.dbsize():
            started = monotonic()
            print(fill(store, settings, options.jobs), f"filled in {monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
