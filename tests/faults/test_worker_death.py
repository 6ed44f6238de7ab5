"""Whatever dies, no job is lost, none runs on behind its lease's back, and each ends once."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from liquid_background.job import LogStatus, Priority
from liquid_background.jobs.queue import keys, moves, scripts
from tests.leases import leased
from tests.worker.conftest import Bench, WorkerProcess

LEASE = 0.6


def _alive(pid: int) -> bool:
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


def _held_job(bench: Bench, tmp_path: Path, **fields: Any) -> tuple[str, Path]:
    """Send a job that ends when a file appears."""
    go = tmp_path / "go"
    return bench.send("wait_for", given={"until": str(go)}, **fields), go


def _each_ends_once_in_success(bench: Bench, ids: list[str]) -> bool:
    stories = bench.stories()
    return all(
        [final for _, _, final in stories[job_id]].count(True) == 1 and stories[job_id][-1][0] == "SUCCESS"
        for job_id in ids
    )


@pytest.mark.parametrize("attempts", [1, 2])
def test_a1_a3_a9_a_killed_worker_s_job_runs_again(bench: Bench, tmp_path: Path, attempts: int) -> None:
    job_id, go = _held_job(bench, tmp_path, max_attempts=attempts)
    first = bench.start(lease=LEASE)
    bench.wait_for_run(job_id)
    bench.start(lease=LEASE)
    bench.wait_until(lambda: bench.queue.counts()[0].workers == 2)
    first.signal_tree(signal.SIGKILL)
    killed = time.monotonic()
    bench.wait_for_run(job_id, times=2)
    assert time.monotonic() - killed < LEASE + 1.0
    go.touch()
    bench.wait_for(job_id)
    last = min(2, attempts)
    assert bench.story(job_id) == [("LOST", 1, False), ("SUCCESS", last, True)]


@pytest.mark.parametrize("queues", [1, 3])
def test_a2_a8_a_claim_whose_worker_died_before_the_start_counts_nothing(bench: Bench, queues: int) -> None:
    ids = [bench.send(priority=priority) for priority in list(Priority)[:queues]]
    settings = bench.settings.model_copy(update={"lease": LEASE})
    for token in ("dead1", "dead2", "dead3"):
        scripts.run(bench.store, *moves.Claim(token, 1, keys.QUEUES, settings).call)
    assert leased(bench.store.client) == set(ids)
    bench.burst(lease=LEASE)
    assert [bench.story(job_id) for job_id in ids] == [[("SUCCESS", 1, True)]] * queues


def test_a4_a_killed_child_s_job_is_tried_again_at_once(bench: Bench, tmp_path: Path) -> None:
    job_id, go = _held_job(bench, tmp_path, max_attempts=2, waits=(60.0,))
    worker = bench.start(lease=30)
    bench.wait_for_run(job_id)
    [child] = worker.children()
    os.kill(child, signal.SIGKILL)
    bench.wait_for_run(job_id, times=2)
    go.touch()
    bench.wait_for(job_id)
    assert bench.story(job_id) == [("LOST", 1, False), ("SUCCESS", 2, True)]
    assert "killed by signal 9 (SIGKILL)" in bench.log(job_id)[0].message
    assert worker.process.poll() is None


def test_a4_what_a_killed_child_had_claimed_goes_back_at_once(bench: Bench, tmp_path: Path) -> None:
    worker, behind = bench.start_with_a_batch(tmp_path / "go", behind=20)
    os.kill(worker.children()[0], signal.SIGKILL)
    bench.wait_until(lambda: len(bench.runs()) == 1 + len(behind), timeout=5)
    bench.wait_until(lambda: bench.queue.counts()[1].completed == 300 + len(behind))
    assert bench.story("held") == [("LOST", 1, True)]


def test_a5_a14_children_die_with_their_supervisor(bench: Bench, tmp_path: Path) -> None:
    _held_job(bench, tmp_path)
    worker = bench.start(processes=3)
    bench.wait_until(lambda: len(worker.children()) == 3)
    bench.wait_until(bench.runs)
    children = worker.children()
    os.kill(worker.pid, signal.SIGKILL)
    bench.wait_until(lambda: not any(_alive(child) for child in children), timeout=2)


def test_a6_a7_due_jobs_run_on_time_when_another_worker_dies(bench: Bench) -> None:
    workers = [bench.start(lease=LEASE) for _ in range(2)]
    bench.wait_until(lambda: all(worker.children() for worker in workers))
    sent = time.time()
    ids = [bench.send(delay=(1.0 + number / 10) / 60) for number in range(5)]
    workers[0].signal_tree(signal.SIGKILL)
    for job_id in ids:
        bench.wait_for(job_id)
    for number, run in enumerate(sorted(bench.runs(), key=lambda run: float(run[2]))):
        assert 1.0 + number / 10 <= float(run[2]) - sent < 1.6 + number / 10


def test_a10_a_poison_job_fails_after_three_crashes_and_others_go_on(bench: Bench) -> None:
    poison = bench.send("kill", max_attempts=5)
    others = [bench.send() for _ in range(5)]
    bench.start()
    assert bench.wait_for(poison).status == "failed"
    assert bench.story(poison) == [("LOST", 1, False), ("LOST", 2, False), ("LOST", 3, True)]
    for job_id in others:
        bench.wait_for(job_id)
        assert bench.story(job_id) == [("SUCCESS", 1, True)]


def test_a11_a_worker_that_was_stopped_past_its_lease_is_fenced_off(bench: Bench, tmp_path: Path) -> None:
    job_id, go = _held_job(bench, tmp_path)
    first = bench.start(lease=LEASE)
    bench.wait_for_run(job_id)
    bench.start(lease=LEASE)
    first.signal_tree(signal.SIGSTOP)
    bench.wait_for_run(job_id, times=2)
    go.touch()
    bench.wait_for(job_id)
    first.signal_tree(signal.SIGCONT)
    assert first.stop() == 0
    assert bench.story(job_id) == [("LOST", 1, False), ("SUCCESS", 1, True)]


@pytest.mark.slow
def test_a12_all_jobs_of_ten_children_killed_at_once_come_back(bench: Bench) -> None:
    ids = [bench.send("sleep", given={"seconds": 0.02}) for _ in range(60)]
    workers = [bench.start(processes=5, lease=LEASE) for _ in range(2)]
    bench.wait_until(lambda: len(bench.runs()) >= 10)
    for worker in workers:
        worker.signal_tree(signal.SIGKILL)
    bench.burst(processes=2, lease=LEASE)
    assert _each_ends_once_in_success(bench, ids)


def test_a13_a_worker_s_name_can_be_used_again_at_once(bench: Bench) -> None:
    worker = moves.Registration(name="host.1.0", pid=1, host="host", address="", queues=["low"])
    for _ in range(2):
        assert scripts.run(bench.store, *moves.register(worker, bench.settings)) == b"ok"
    assert bench.queue.counts()[2].workers == 1


def test_i5_the_log_of_killed_workers_has_no_torn_entry(bench: Bench) -> None:
    ids = [bench.send(given={"logs": True}) for _ in range(300)]
    workers: list[WorkerProcess] = []
    for killed_at in (40, 120, 200):
        workers.append(bench.start(lease=LEASE))
        bench.wait_until(lambda: len(bench.runs()) >= killed_at)  # noqa: B023 - it is called before the next turn
        workers[-1].signal_tree(signal.SIGKILL)
    bench.burst(lease=LEASE)
    assert _each_ends_once_in_success(bench, ids)
    log = bench.log()
    assert all(entry.source_name == "stub" and entry.job_id for entry in log)
    successes = [entry for entry in log if entry.status is LogStatus.SUCCESS]
    assert len(successes) == 300 == len([entry for entry in log if entry.message == "hello"])
