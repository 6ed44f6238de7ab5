"""The indexes of failed jobs with real workers: ours, RQ's, those of the version before, and killed ones."""

from __future__ import annotations

import os
import random
import re
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from rq import Queue as RqQueue
from rq.registry import FailedJobRegistry
from rq.serializers import JSONSerializer

from liquid_background.job import JobStatus
from liquid_background.jobs.filter import Filter
from liquid_background.jobs.operating.failures import Failures
from liquid_background.jobs.queue import assembly, finishing, keys, moves
from liquid_background.jobs.queue.indexes import index_of
from tests import warm
from tests.jobs.queue.failed import agree, oracle
from tests.jobs.queue.hands import WORKER, Hands
from tests.worker.conftest import Bench

ROOT = Path(__file__).parents[2]
FAILED = Filter(status=JobStatus.FAILED)


def _stock(bench: Bench) -> None:
    """Run one of RQ's own workers until all is done."""
    where = {"RQ_REDIS_URL": bench.store.url, "LIQUID_BACKGROUND_DATA_DIR": str(bench.settings.data_dir)}
    env = {**os.environ, **where, "LIQUID_BACKGROUND_APP": "tests.worker.stub_app:engine"}
    done = warm.run("rq.cli", "worker", "--burst", "-S", "json", "default", cwd=ROOT, env=env)
    assert done.returncode == 0, done.stderr


def test_jobs_that_raise_die_and_outstay_their_limits_are_filed(bench: Bench) -> None:
    for do, given in (("raise", {}), ("raise", {"kind": "SystemExit"}), ("kill", {}), ("exit", {})):
        for _ in range(2):
            bench.send(do, given=given)
    bench.send("stuck_in_c", timeout=0.3)
    bench.burst(processes=2)
    assert agree(bench.store)
    groups = Failures(lambda: bench.store, bench.settings).list()
    assert sum(group.failed for group in groups) == 9
    assert {"LOST", "FAILED"} <= {group.raised for group in groups}
    assert all(group.failed % 2 == 0 or "limit" in group.error for group in groups)


@pytest.mark.slow
def test_what_a_stock_worker_fails_is_filed_by_ours_as_ours_would(bench: Bench) -> None:
    ids = [bench.send("raise") for _ in range(3)]
    _stock(bench)
    assert not bench.store.client.exists(keys.FAILED_IDS)
    bench.start()
    bench.wait_until(lambda: bench.store.client.zcard(keys.FAILED_IDS) == 3)
    assert agree(bench.store)
    mine = bench.send("raise")
    bench.wait_for(mine)
    [group] = Failures(lambda: bench.store, bench.settings).list()
    assert (group.failed, group.count) == (4, 4)
    FailedJobRegistry("default", connection=bench.store.client, serializer=JSONSerializer).requeue(ids[0])
    bench.wait_until(lambda: group_count(bench) == 5)
    assert agree(bench.store)


def group_count(bench: Bench) -> int:
    [group] = Failures(lambda: bench.store, bench.settings).list()
    return group.count


def test_what_a_worker_of_the_version_before_fails_is_filed(bench: Bench) -> None:
    """Its scripts know nothing of the indexes, neither when a job fails nor when it is begun anew."""
    text = re.sub(r"^ *(un)?file(_failed)?\(id.*$", "", assembly.text("step"), flags=re.MULTILINE)
    assert "  file_failed(id, cause)" not in text
    hands = Hands(bench.store, bench.settings)
    client: Any = bench.store.client
    for number in range(3):
        bench.send(given={"number": number}, id=f"j{number}")

    def end(how: str | None) -> None:
        running = hands.hold()
        client.eval(text, 0, *moves.step(WORKER, bench.settings, start=running)[1])
        outcome = finishing.Outcome(error=how, retry=False) if how else finishing.Outcome(result="")
        done = finishing.finish(running, outcome, bench.settings)
        client.eval(text, 0, *moves.step(WORKER, bench.settings, done=done)[1])

    for _ in range(3):
        end("ValueError: no 7")
    assert index_of(bench.store, bench.settings, FAILED) == keys.FAILED_IDS
    assert agree(bench.store)
    FailedJobRegistry("default", connection=client, serializer=JSONSerializer).requeue("j0")
    end(None)
    FailedJobRegistry("default", connection=client, serializer=JSONSerializer).requeue("j1")
    end("KeyError: again")
    key = index_of(bench.store, bench.settings, FAILED)
    assert key is not None
    assert dict(client.zrange(key, 0, -1, withscores=True)) == oracle(bench.store, by="")[""]
    bench.start()
    bench.wait_until(lambda: agree(bench.store))


@pytest.mark.slow
def test_kills_leave_nothing_that_a_read_gets_wrong(bench: Bench) -> None:
    rng = random.Random(5)
    client: Any = bench.store.client
    for number in range(150):
        bench.send("raise", given={"number": number}, source_name=rng.choice(["mail", "pay"]))
    until = time.monotonic() + 6
    while time.monotonic() < until:
        worker = bench.start(processes=2, lease=0.5)
        time.sleep(rng.uniform(0.3, 1.2))
        for failed in client.zrange(keys.failed("default"), 0, -1)[:5]:
            rq = FailedJobRegistry("default", connection=client, serializer=JSONSerializer)
            rng.choice([rq.requeue, bench.queue.retry])(failed.decode())
        worker.signal_tree(signal.SIGKILL)
        key = index_of(bench.store, bench.settings, FAILED)
        assert key is not None
        assert dict(client.zrange(key, 0, -1, withscores=True)) == oracle(bench.store, by="").get("", {})
    RqQueue("default", connection=client, serializer=JSONSerializer).empty()
    bench.burst(lease=0.5)
    counts = {group.id: group.failed for group in Failures(lambda: bench.store, bench.settings).list()}
    assert counts == {failure: len(ids) for failure, ids in oracle(bench.store, by="failure").items()}
    assert agree(bench.store)


def test_a_reindex_that_is_killed_is_done_by_the_next(bench: Bench, tmp_path: Path) -> None:
    for _ in range(3):
        bench.queue.send([bench.job("raise", given={"number": number, "file": ""}) for number in range(200)])
    bench.burst()
    client: Any = bench.store.client
    client.delete(*client.scan_iter("liquid_background:fail*"))
    env = {**os.environ, "LIQUID_BACKGROUND_DATA_DIR": str(bench.settings.data_dir)}
    command = ("poscli", "store", "reindex")
    with open(os.devnull, "r+b") as nothing:
        process = warm.start(*command, env=env, cwd=tmp_path, streams=(nothing, nothing, nothing))
    bench.wait_until(lambda: client.zcard(keys.FAILED_IDS) > 100, every=0.001)
    process.kill()
    process.wait()
    assert client.zcard(keys.FAILED_IDS) < 600
    assert warm.run(*command, env=env, cwd=tmp_path).returncode == 0
    assert agree(bench.store)
