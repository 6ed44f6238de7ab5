"""The leases of claims: a worker drops those of which nothing is left, and keeps those that are in doubt."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

from liquid_background.jobs.queue import keys
from liquid_background_worker.settling import Settling
from tests.leases import leased, run_out
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


def test_a_claim_with_a_job_that_could_not_start_keeps_its_lease(bench: Bench, tmp_path: Path) -> None:
    """As when another tool has moved it: whoever reaps it takes the token from its record."""
    client: Any = bench.store.client
    go = tmp_path / "go"
    worker, [moved, *behind] = bench.start_with_a_batch(go, behind=5)
    token = client.hget(keys.job(moved), keys.TOKEN)
    client.hset(keys.job(moved), "status", "deferred")
    go.touch()
    for job_id in behind:
        bench.wait_for(job_id)
    assert worker.stop() == 0
    assert client.zrange(keys.BATCHES, 0, -1) == client.hkeys(keys.BATCH_JOBS) == [token]
    run_out(client)
    bench.burst(lease=60)
    assert not client.hexists(keys.job(moved), keys.TOKEN)


def test_what_a_killed_worker_has_claimed_runs_once_and_in_its_order(bench: Bench, tmp_path: Path) -> None:
    go = tmp_path / "go"
    worker, behind = bench.start_with_a_batch(go, behind=20)
    bench.wait_until(lambda: bench.store.client.zscore(keys.LEASES, "held"))
    assert leased(bench.store.client) == {"held", *behind}
    for pid in worker.tree():
        os.kill(pid, signal.SIGKILL)
    go.touch()
    run_out(bench.store.client)
    bench.burst(lease=60)
    assert [run[0] for run in bench.runs()][1:] == ["held", *behind]
    assert bench.story("held") == [("LOST", 1, False), ("SUCCESS", 1, True)]
    assert all(bench.story(job_id) == [("SUCCESS", 1, True)] for job_id in behind)


def test_tokens_are_told_once_and_those_in_doubt_are_not() -> None:
    settling = Settling()
    settling.doubt("b")
    for token in "abcb":
        settling.is_over(token)
    assert (settling.taken(), settling.taken()) == (["a", "c", "b"], [])
