"""Stopping a worker costs no job an attempt."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from liquid_background.jobs.queue import keys
from tests.worker.conftest import HERE, Bench, children_of


def test_b2_sigterm_to_the_whole_group_burns_no_attempt(bench: Bench) -> None:
    job_id = bench.send("sleep", given={"seconds": 0.7})
    worker = bench.start(processes=2)
    bench.wait_for_run(job_id)
    for pid in worker.tree():
        os.kill(pid, signal.SIGTERM)
    assert worker.process.wait(10) == 0
    assert bench.story(job_id) == [("SUCCESS", 1, True)]


def test_b3_what_was_claimed_and_not_started_goes_back_in_its_order(bench: Bench, tmp_path: Path) -> None:
    go = tmp_path / "go"
    worker, behind = bench.start_with_a_batch(go, behind=20)
    worker.process.send_signal(signal.SIGTERM)
    go.touch()
    assert worker.process.wait(10) == 0
    waiting = [job_id.decode() for job_id in bench.store.client.lrange(keys.queue("default"), 0, -1)]
    assert waiting == behind
    assert bench.story("held") == [("SUCCESS", 1, True)]
    assert not bench.store.client.exists(keys.LEASES, keys.BATCHES, keys.BATCH_JOBS)


def test_a_stop_among_quick_jobs_leaves_no_claim_and_no_disorder(bench: Bench) -> None:
    """The next batch is claimed while the last one runs, so two of them may have to go back."""
    jobs = [bench.job(given={"file": ""}, id=f"quick{number:04}") for number in range(3000)]
    bench.queue.send(jobs)
    worker = bench.start(lease=60)
    bench.wait_until(lambda: bench.queue.counts()[1].completed > 200)
    assert worker.stop() == 0
    assert not bench.store.client.exists(keys.LEASES, keys.BATCHES, keys.BATCH_JOBS)
    waiting = [job_id.decode() for job_id in bench.store.client.lrange(keys.queue("default"), 0, -1)]
    assert waiting == [job.id for job in jobs[-len(waiting) :]]
    assert bench.queue.counts()[1].completed + len(waiting) == 3000
    assert bench.queue.get(waiting[0]).attempts == 0


def test_b5_a_second_sigterm_gives_the_running_job_back(bench: Bench, tmp_path: Path) -> None:
    go = tmp_path / "go"
    job_id = bench.send("wait_for", given={"until": str(go)})
    worker = bench.start(lease=30)
    bench.wait_for_run(job_id)
    worker.process.send_signal(signal.SIGTERM)
    bench.wait_until(lambda: bench.queue.get(job_id).status == "running")
    worker.process.send_signal(signal.SIGTERM)
    bench.wait_until(lambda: worker.process.poll() is not None or worker.process.send_signal(signal.SIGTERM))
    assert worker.process.returncode == 0
    assert bench.store.client.lrange(keys.queue("default"), 0, -1) == [job_id.encode()]
    go.touch()
    bench.burst()
    assert bench.story(job_id) == [("LOST", 1, False), ("SUCCESS", 1, True)]


def test_b6_ctrl_c_stops_without_a_traceback_or_a_lost_job(bench: Bench) -> None:
    job_id = bench.send("sleep", given={"seconds": 0.5})
    worker = bench.start()
    bench.wait_for_run(job_id)
    os.killpg(worker.pid, signal.SIGINT)
    assert worker.process.wait(10) == 0
    assert "Traceback" not in worker.text()
    assert bench.story(job_id) == [("SUCCESS", 1, True)]


@pytest.mark.slow
def test_b7_sighup_replaces_the_children_under_load(bench: Bench) -> None:
    worker = bench.start(processes=4)
    bench.wait_until(lambda: len(worker.children()) == 4)
    before = set(worker.children())
    ids = [bench.send("sleep", given={"seconds": 0.01}) for _ in range(400)]
    bench.wait_until(lambda: len(bench.runs()) > 50)
    worker.process.send_signal(signal.SIGHUP)
    bench.wait_until(lambda: len(worker.children()) == 4 and not before & set(worker.children()))
    bench.wait_until(lambda: bench.queue.counts()[1].completed == 400)
    assert sorted(run[0] for run in bench.runs()) == sorted(ids)
    assert bench.stories() == {job_id: [("SUCCESS", 1, True)] for job_id in ids}


def test_a_job_that_comes_as_an_idle_worker_stops_is_not_left_to_a_lease(bench: Bench) -> None:
    """The claim is on its way with the wait of an idle child, so what it still brings has to go back."""
    for number in range(4):
        worker = bench.start(lease=60)
        bench.wait_for(bench.send())
        worker.process.send_signal(signal.SIGTERM)
        time.sleep(0.002 * number)
        late = bench.send()
        assert worker.process.wait(10) == 0
        assert not bench.store.client.exists(keys.LEASES, keys.BATCHES, keys.BATCH_JOBS)
        assert bench.queue.get(late).status in ("completed", "pending")
        bench.store.client.flushall()


def test_an_idle_worker_stops_at_once(bench: Bench) -> None:
    worker = bench.start(processes=2)
    bench.wait_until(lambda: len(worker.children()) == 2)
    bench.wait_until(lambda: bench.queue.counts()[0].workers == 2)
    assert worker.stop() == 0
    assert [count.workers for count in bench.queue.counts()] == [0, 0, 0]


def _can_make_pid_namespaces() -> bool:
    if shutil.which("unshare") is None:
        return False
    made = subprocess.run(["unshare", "--pid", "--fork", "--mount-proc", "true"], capture_output=True, check=False)
    return made.returncode == 0


@pytest.mark.skipif(not _can_make_pid_namespaces(), reason="PID namespaces need root and unshare")
def test_a_worker_is_a_good_first_process_of_a_container(bench: Bench, tmp_path: Path) -> None:
    go = tmp_path / "go"
    options = {"data_dir": str(bench.settings.data_dir), "processes": 2, "lease": 1.0, "retry_delays": "0"}
    options["app"] = "tests.worker.stub_app:engine"
    command = [
        "unshare",
        "--pid",
        "--fork",
        "--mount-proc",
        "--kill-child",
        sys.executable,
        str(HERE / "run_worker.py"),
    ]
    namespace = subprocess.Popen([*command, json.dumps(options)], cwd=HERE.parent.parent)
    try:
        (first,) = bench.wait_until(lambda: children_of(namespace.pid))
        bench.wait_until(lambda: len(children_of(first)) == 2)
        killed, other = children_of(first)
        os.kill(killed, signal.SIGKILL)
        # The dead child is collected, as a first process has to, and another takes its place.
        bench.wait_until(lambda: len(set(children_of(first)) - {killed}) == 2)
        assert other in children_of(first)
        job_id = bench.send("wait_for", given={"until": str(go)})
        bench.wait_for_run(job_id)
        os.kill(first, signal.SIGTERM)
        go.touch()
        assert namespace.wait(10) == 0
    finally:
        namespace.kill()
        namespace.wait()
    assert bench.story(job_id) == [("SUCCESS", 1, True)]


@pytest.mark.parametrize("word", ["SIGTERM", "SIGHUP"])
@pytest.mark.parametrize("trouble", ["down", "a replica"])
def test_ends_are_told_before_a_child_goes_however_long_the_store_is_away(
    start_server: Any, bench_on: Any, tmp_path: Path, word: str, trouble: str
) -> None:
    durable = ("--appendonly", "yes")
    server = start_server(*durable)
    bench = bench_on(server.url)
    go = tmp_path / "go"
    held = bench.send("wait_for", given={"until": str(go)})
    worker = bench.start(lease=0.5)
    bench.wait_for_run(held)
    if trouble == "down":
        server.kill()
    else:
        bench.store.client.execute_command("REPLICAOF", "127.0.0.1", "1")
    go.touch()
    bench.wait_until(lambda: held in bench.ended())
    worker.process.send_signal(getattr(signal, word))
    bench.wait_until(lambda: "the store must first hear how 1 job ended" in worker.text())
    if trouble == "down":
        start_server(*durable, port=server.port)
    else:
        bench.store.client.execute_command("REPLICAOF", "NO", "ONE")
    bench.wait_for(held)
    assert bench.story(held) == [("SUCCESS", 1, True)]
    assert len(bench.runs()) == 1
    if word == "SIGTERM":
        assert worker.process.wait(20) == 0
    else:
        after = bench.send()
        assert bench.wait_for(after).status == "completed"
