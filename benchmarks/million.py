"""Whether a large store answers operators: `python -m benchmarks.million [--jobs 1000000] [--keep FOLDER]`.

It fills a store of its own through the moves that applications and workers make, asks each question, and prints what it
cost the store, the longest single command, and whether the answer is that of an oracle that reads every record.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Any, Final

from liquid_background import Engine
from liquid_background.job import Job, JobStatus, Outcome, Priority
from liquid_background.jobs.queue import Queue, finishing, keys, moves, scripts
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


@dataclass(frozen=True, slots=True)
class _Seen:
    """A job as its record says it."""

    id: str
    status: JobStatus
    name: str
    error: str
    ended: datetime | None
    customer: str


def oracle(store: Store) -> list[_Seen]:
    """Read every record."""
    seen, cursor = [], 0
    while True:
        cursor, found = store.client.scan(cursor, match="rq:job:*", count=5_000)
        pipeline: Any = store.client.pipeline(transaction=False)
        for key in found:
            pipeline.hmget(key, "status", "description", keys.ERROR, "ended_at", "data")
        for key, (status, name, error, ended, data) in zip(found, pipeline.execute(), strict=True):
            state = JobStatus.from_rq(status.decode())
            customer = json.loads(data)[2][0]["parameters"]["customer_id"]
            time = keys.parse_time(ended)
            seen.append(_Seen(key[7:].decode(), state, name.decode(), (error or b"").decode(), time, str(customer)))
        if not cursor:
            return seen


@dataclass(slots=True)
class Cost:
    """What an answer took."""

    seconds: float = 0.0  # by the wall clock
    store: float = 0.0  # milliseconds of the store's commands
    longest: float = 0.0  # milliseconds of one of them


@contextmanager
def _measured(store: Store) -> Iterator[Cost]:
    client, cost = store.client, Cost()
    client.config_set("slowlog-log-slower-than", 500)
    client.config_set("slowlog-max-len", 10_000)
    client.slowlog_reset()
    client.config_resetstat()
    started = monotonic()
    yield cost
    cost.seconds = monotonic() - started
    stats = client.info("commandstats")
    cost.store = (
        sum(each["usec"] for name, each in stats.items() if "config" not in name and "slowlog" not in name) / 1e3
    )
    cost.longest = max((each["duration"] for each in client.slowlog_get(10_000)), default=0) / 1e3


def ask(engine: Engine, seen: list[_Seen]) -> Iterator[tuple[str, Cost, bool]]:
    """Ask each question; yield it, what it cost, and whether the answer is the oracle's."""
    failed = [job for job in seen if job.status is JobStatus.FAILED]
    name, customer = failed[0].name, failed[0].customer
    middle = sorted(job.ended for job in failed if job.ended)[-len(failed) // 10].replace(microsecond=0)
    in_name = {job.id for job in failed if job.name == name}
    late = {job.id for job in failed if job.ended and job.ended >= middle}
    counts = Counter(job.status for job in seen)

    def asked(what: str, answer: Callable[[], object], right: object) -> tuple[str, Cost, bool]:
        with _measured(engine.store) as cost:
            found = answer()
        return what, cost, found == right

    jobs = engine.jobs
    for status in JobStatus:
        yield asked(f"count of {status} jobs", lambda status=status: jobs.count(status=status), counts[status])
    yield asked("count of failed jobs of a name", lambda: jobs.count(status="failed", source_name=name), len(in_name))
    yield asked("count of failed jobs since", lambda: jobs.count(status="failed", since=middle), len(late))
    yield asked("50 newest failed jobs", lambda: len(jobs.list("failed")), 50)
    newest = sorted((job.ended for job in failed if job.ended), reverse=True)[:50]
    yield asked("their order", lambda: [job.completed_at for job in jobs.list("failed")], newest)
    yield asked("50 newest jobs", lambda: len(jobs.list()), 50)
    yield asked("50 newest pending jobs", lambda: len(jobs.list("pending")), 50)
    yield asked(
        "failed jobs of a name, all pages",
        lambda: {job.id for page in jobs.pages(status="failed", source_name=name, limit=10**6) for job in page},
        in_name,
    )
    places = {(group.place, group.raised) for group in engine.failures.list()}
    yield asked("failure groups", lambda: len(engine.failures.list()), len(places))
    groups = {each.id: each.failed for each in engine.failures.list()}
    yield asked("failed jobs of a group", lambda: jobs.count(failure=next(iter(groups))), next(iter(groups.values())))
    yield asked("failed jobs in all groups", lambda: sum(groups.values()), len(failed))
    with_value = {job.id for job in seen if job.customer == customer}
    yield asked(
        "jobs of a customer (looks at all)",
        lambda: {job.id for job in jobs.find(values={"customer_id": customer})},
        with_value,
    )
    with_error = {job.id for job in failed if "order 77" in job.error}
    yield asked(
        "failed jobs with a text (looks at all)",
        lambda: {job.id for job in jobs.find(status="failed", error="order 77")},
        with_error,
    )
    yield asked("statistics of the last hours", lambda: len(engine.stats(since=now_ago()).names) >= 0, True)


def now_ago() -> datetime:
    """Return a time two hours ago."""
    return datetime.now(UTC) - timedelta(hours=2)


def stores(folder: str | None) -> Iterator[tuple[Store, Settings]]:
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
    for store, settings in stores(options.keep):
        scripts.load_all(store)
        if not store.client.dbsize():
            started = monotonic()
            print(fill(store, settings, options.jobs), f"filled in {monotonic() - started:.0f} s", flush=True)
        seen = oracle(store)
        print(f"{'question':44} {'wall s':>8} {'store ms':>9} {'longest':>8}  right")
        for what, cost, is_right in ask(Engine(settings=settings), seen):
            row = f"{what:44} {cost.seconds:8.2f} {cost.store:9.1f} {cost.longest:8.1f}"
            print(f"{row}  {'yes' if is_right else 'NO'}", flush=True)


if __name__ == "__main__":
    main()
