"""The leases of claims: a worker drops those of which nothing is left, and keeps those that are in doubt."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from time import monotonic
from typing import Any

from liquid_background.jobs.queue import keys
from liquid_background_worker.settling import Settling
from tests.leases import leased
from tests.worker.conftest import Bench


def test_claims_of_which_nothing_is_left_hold_no_lease(bench: Bench) -> None:
    client: Any = bench.store.client
    bench.queue.send([bench.job(given={"file": ""}) for _ in range(300)])
    bench.start(lease=60)
    bench.wait_until(lambda: bench.queue.counts()[1].completed == 300)
    bench.wait_until(lambda: not client.exists(keys.BATCHES, keys.BATCH_JOBS))
    assert not client.exists(keys.LEASES)


def test_a_claim_with_a_job_in_doubt_keeps_its_lease(bench: Bench, tmp_path: Path) -> None:
    """Whoever reaps it sees what became of that job, which its worker knows no more."""
    client: Any = bench.store.client
    worker = bench.start(lease=60)
    go = tmp_path / "go"
    held = bench.send("wait_for", given={"until": str(go)})
    bench.wait_for_run(held)
    [token] = client.zrange(keys.BATCHES, 0, -1)
    client.delete(keys.job(held))
    go.touch()
    bench.wait_for(bench.send())
    bench.wait_until(lambda: client.zrange(keys.BATCHES, 0, -1) == [token])
    assert worker.stop() == 0
    assert client.zrange(keys.BATCHES, 0, -1) == client.hkeys(keys.BATCH_JOBS) == [token]


def test_what_waits_behind_a_long_body_goes_back_after_a_third_of_the_lease(bench: Bench, tmp_path: Path) -> None:
    go = tmp_path / "go"
    _, behind = bench.start_with_a_batch(go, behind=20, lease=9)
    bench.start(lease=9)
    since = monotonic()
    bench.wait_until(lambda: {job_id for job_id, *_ in bench.runs()} >= {*behind}, 20)
    assert monotonic() - since < 7
    go.touch()
    bench.wait_for("held")
    assert all(bench.story(job_id) == [("SUCCESS", 1, True)] for job_id in ("held", *behind))


def test_what_a_killed_worker_has_claimed_runs_once_and_in_its_order(bench: Bench, tmp_path: Path) -> None:
    go = tmp_path / "go"
    worker, behind = bench.start_with_a_batch(go, behind=20)
    first, *_ = [job_id for job_id in bench.runs() if job_id[0] == "held"]
    assert leased(bench.store.client) == {"held", *behind}
    for pid in worker.tree():
        os.kill(pid, signal.SIGKILL)
    go.touch()
    for leases in (keys.BATCHES, keys.LEASES):
        for member in bench.store.client.zrange(leases, 0, -1):
            bench.store.client.zadd(leases, {member: 1.5})  # it has had its grace
    bench.burst(lease=60)
    assert [run[0] for run in bench.runs()][1:] == ["held", *behind]
    assert first[0] == "held"
    assert bench.story("held") == [("LOST", 1, False), ("SUCCESS", 1, True)]
    assert all(bench.story(job_id) == [("SUCCESS", 1, True)] for job_id in behind)


def test_tokens_are_told_once_and_those_in_doubt_are_not() -> None:
    settling = Settling()
    settling.doubt("b")
    for token in "abcb":
        settling.is_over(token)
    assert (settling.taken(), settling.taken()) == (["a", "c", "b"], [])
    for number in range(100):
        settling.is_over(str(number))
    assert [len(settling.taken()) for _ in range(3)] == [64, 36, 0]
