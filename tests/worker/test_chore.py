"""Workers carry operations out, in a process beside their jobs; whatever is killed, each job is dealt with once."""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from redis.exceptions import RedisError

from liquid_background.errors import StoreUnavailable
from liquid_background.jobs.filter import Filter
from liquid_background.jobs.operating.operation import Operation, OperationState
from liquid_background.jobs.operating.operations import Operations
from liquid_background.jobs.queue import Queue, keys
from liquid_background.jobs.store import connect
from liquid_background.settings import load_settings
from tests.campaigns import fuzz, seeds
from tests.worker.conftest import Bench, children_of

ANY = Filter()


@pytest.fixture
def operations(bench: Bench) -> Operations:
    return Operations(bench.store, bench.settings)


def _fill(bench: Bench, count: int, state: str = "failed", **fields: Any) -> list[str]:
    """Have so many jobs that have ended so, without a worker's work."""
    ids = []
    for first in range(0, count, 1000):
        jobs = [bench.job(source_name="storm", **fields) for _ in range(min(1000, count - first))]
        bench.queue.send(jobs)
        ids += [job.id for job in jobs]
    pipeline = bench.store.client.pipeline(transaction=False)
    if state == "failed":
        for job_id in ids:
            pipeline.hset(
                keys.job(job_id), mapping={"status": "failed", "ended_at": "2026-01-01T00:00:00.000000Z", "lb_final": 1}
            )
            pipeline.zadd(keys.failed("default"), {job_id: 99_999_999_999})
        pipeline.delete(keys.queue("default"))
        pipeline.execute()
    return ids


def _ended(bench: Bench, operations: Operations, operation_id: str, timeout: float = 60.0) -> Operation:
    def look() -> Operation | None:
        found = operations.get(operation_id)
        return None if found.state is OperationState.RUNNING else found

    found: Operation = bench.wait_until(look, timeout=timeout)
    return found


def test_a_worker_carries_out_what_is_asked_for_while_it_runs(bench: Bench, operations: Operations) -> None:
    ids = _fill(bench, 50)
    bench.start()
    operation = operations.start("retry", Filter(source_name="storm"))
    assert _ended(bench, operations, operation.id).done == 50
    for job_id in ids:
        bench.wait_for(job_id, "completed")
    assert Counter(run[0] for run in bench.runs()) == dict.fromkeys(ids, 1)


def test_a_burst_carries_out_what_is_there_and_runs_what_comes_of_it(bench: Bench, operations: Operations) -> None:
    ids = _fill(bench, 50)
    operation = operations.start("retry", ANY)
    bench.burst()
    assert operations.get(operation.id).state == "done"
    assert Counter(run[0] for run in bench.runs()) == dict.fromkeys(ids, 1)


def test_thousands_are_quick(bench: Bench, operations: Operations) -> None:
    _fill(bench, 4_000)
    bench.start()
    began = time.monotonic()
    operation = operations.start("delete", ANY)
    assert _ended(bench, operations, operation.id).done == 4_000
    assert time.monotonic() - began < 6
    assert bench.store.client.zcard(keys.failed("default")) == 0


def test_two_workers_race_for_it(bench: Bench, operations: Operations) -> None:
    ids = _fill(bench, 500, given={"file": ""})
    workers = [bench.start(), bench.start()]
    started = [operations.start("retry", ANY) for _ in range(4)]
    ended = [_ended(bench, operations, each.id) for each in started]
    assert sum(each.done for each in ended) == len(ids)
    bench.wait_until(lambda: not bench.queue.counts()[1].queued)
    for worker in workers:
        assert worker.stop() == 0


def test_a_worker_that_stops_leaves_it_to_the_next(bench: Bench, operations: Operations) -> None:
    ids = _fill(bench, 100, given={"file": ""})
    worker = bench.start()
    operation = operations.start("retry", ANY, rate="100/s")
    bench.wait_until(lambda: 0 < operations.get(operation.id).done < 100)
    assert worker.stop() == 0
    assert operations.get(operation.id).state == "running"
    bench.start()
    assert _ended(bench, operations, operation.id).done == len(ids)


@pytest.mark.parametrize("kind", ["delete", "cancel"])
def test_a_full_store_lets_what_makes_room_go_on(
    kind: str, start_server: Callable[..., Any], bench: Bench, wait_until: Callable[..., Any]
) -> None:
    settings = load_settings(redis_url=start_server("--maxmemory-policy", "noeviction").url)
    store = connect(settings)
    full = Bench(store, settings, Queue(store, settings), bench.runs_file, wait_until)
    _fill(full, 500, "failed" if kind == "delete" else "waiting", delay=60.0 * (kind == "cancel"))
    try:
        full.start()
        wait_until(lambda: full.queue.counts()[1].workers)
        store.client.config_set("maxmemory", store.client.info("memory")["used_memory"] - 100_000)
        with pytest.raises(StoreUnavailable):
            full.send()
        operations = Operations(store, settings)
        operation = operations.start(kind, ANY)
        assert _ended(full, operations, operation.id).done == 500
    finally:
        full.close()
        store.close()


KINDS = ("retry", "cancel", "delete")


@pytest.fixture
def mortal(store_dir: Path, tmp_path: Path, wait_until: Callable[..., Any]) -> Iterator[Bench]:
    """A bench on a store that may be killed."""
    settings = load_settings(data_dir=store_dir)
    store = connect(settings)
    made = Bench(store, settings, Queue(store, settings), tmp_path / "runs", wait_until)
    try:
        yield made
    finally:
        made.close()
        store.close()


def _patient(ask: Callable[[], Any]) -> Any:
    """Ask a store that may be away just now."""
    while True:
        with suppress(StoreUnavailable, RedisError):
            return ask()
        time.sleep(0.01)


def _kill(victim: str, bench: Bench, draw: random.Random) -> None:
    if victim == "worker":
        bench.workers.pop(0).signal_tree(signal.SIGKILL)
        bench.start()
    elif victim == "chore":
        for pid in children_of(draw.choice(bench.workers[-2:]).pid)[1:]:  # behind the one that runs jobs
            with suppress(OSError):
                os.kill(pid, signal.SIGKILL)
    elif victim == "store":
        os.kill(_patient(lambda: bench.store.client.info("server"))["process_id"], signal.SIGKILL)


@fuzz
@pytest.mark.slow
@pytest.mark.parametrize("seed", seeds(3))
def test_kills_at_any_point_neither_lose_nor_double(seed: int, mortal: Bench) -> None:
    draw, bench, kind = random.Random(seed), mortal, KINDS[seed % len(KINDS)]
    operations = Operations(bench.store, bench.settings)
    ids = _fill(bench, 1_000, "waiting" if kind == "cancel" else "failed", delay=60.0 * (kind == "cancel"))
    operation = operations.start(kind, Filter(source_name="storm"), rate=draw.choice(["", "500/s"]))
    later = [bench.send("raise", source_name="storm", given={"file": ""}) for _ in range(20)]
    for _ in range(2):
        bench.start()
    for _ in range(8):
        time.sleep(draw.uniform(0.0, 0.5))
        if _patient(lambda: operations.get(operation.id)).state != "running":
            break
        _kill(draw.choice(["worker", "chore", "chore", "store"]), bench, draw)
    bench.wait_until(lambda: _patient(lambda: operations.get(operation.id)).state != "running", timeout=60)
    ended = operations.get(operation.id)
    assert (ended.done, ended.failed) == (len(ids), 0)
    for job_id in later:
        assert bench.wait_for(job_id, timeout=60).status == "failed"
    if kind == "retry":
        bench.wait_until(lambda: bench.queue.counts()[1].completed == len(ids), timeout=90)
        assert {run[0] for run in bench.runs()} == {*ids}
    elif kind == "cancel":
        assert {bench.store.client.hget(keys.job(job_id), "status") for job_id in ids} == {b"canceled"}
        assert Counter(entry.job_id for entry in bench.log() if entry.status == "CANCELLED") == dict.fromkeys(ids, 1)
    else:
        assert not any(bench.store.client.exists(keys.job(job_id)) for job_id in ids)
