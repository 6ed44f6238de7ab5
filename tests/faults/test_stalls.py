"""A store that stands still is not a dead worker; a worker that dies meanwhile still is one."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from typing import Any

from tests.faults.conftest import wait_for_calls
from tests.worker.conftest import Bench

Start = Callable[..., Any]
ON = Callable[..., Bench]
LEASE = 0.6
STALL = 4 * LEASE


def _stall(server: Any) -> None:
    server.process.send_signal(signal.SIGSTOP)
    time.sleep(STALL)  # how long is what this is about
    server.process.send_signal(signal.SIGCONT)


def test_bodies_under_a_stall_run_once(start_server: Start, bench_on: ON, tmp_path: Any) -> None:
    server = start_server()
    bench = bench_on(server.url)
    go = tmp_path / "go"
    ids = [bench.send("wait_for", given={"until": str(go)}) for _ in range(4)]
    for _ in range(2):
        bench.start(processes=2, lease=LEASE)
    for job_id in ids:
        bench.wait_for_run(job_id)
    for _ in range(2):
        _stall(server)
        wait_for_calls(bench, 40)  # for as long as a lease that got no beat needs to be reaped
        after = [bench.send() for _ in range(3)]
        ids += after
    go.touch()
    for job_id in ids:
        bench.wait_for(job_id)
    assert sorted(run[0] for run in bench.runs()) == sorted(ids)
    assert bench.stories() == {job_id: [("SUCCESS", 1, True)] for job_id in ids}


def test_quick_bodies_over_stalls_run_once(start_server: Start, bench_on: ON) -> None:
    server = start_server()
    bench = bench_on(server.url)
    for _ in range(2):
        bench.start(lease=LEASE)
    ids = [bench.send("sleep", given={"seconds": 0.005}) for _ in range(600)]
    bench.wait_until(lambda: len(bench.runs()) > 50)
    _stall(server)
    for job_id in ids:
        bench.wait_for(job_id)
    assert sorted(run[0] for run in bench.runs()) == sorted(ids)
    assert set(map(str, bench.stories().values())) == {str([("SUCCESS", 1, True)])}


def test_a_worker_that_died_in_a_stall_is_reaped_after_one_lease_of_grace(
    start_server: Start, bench_on: ON, tmp_path: Any
) -> None:
    server = start_server()
    bench = bench_on(server.url)
    go = tmp_path / "go"
    held = bench.send("wait_for", given={"until": str(go)})
    first = bench.start(lease=LEASE)
    bench.wait_for_run(held)
    bench.start(lease=LEASE)
    server.process.send_signal(signal.SIGSTOP)
    first.signal_tree(signal.SIGKILL)
    time.sleep(STALL)
    server.process.send_signal(signal.SIGCONT)
    again = time.monotonic()
    bench.wait_for_run(held, times=2)
    assert time.monotonic() - again < 2 * LEASE + 2.0
    go.touch()
    bench.wait_for(held)
    assert bench.story(held) == [("LOST", 1, False), ("SUCCESS", 1, True)]


def test_a_worker_that_stops_for_longer_than_its_grace_is_reaped_by_the_others(bench: Bench, tmp_path: Any) -> None:
    """Only the store's own stalls give grace: a stopped worker's lease ends as ever."""
    go = tmp_path / "go"
    held = bench.send("wait_for", given={"until": str(go)})
    first = bench.start(lease=LEASE)
    bench.wait_for_run(held)
    bench.start(lease=LEASE)
    bench.wait_until(lambda: bench.queue.counts()[0].workers == 2)
    for pid in first.tree():
        os.kill(pid, signal.SIGSTOP)
    bench.wait_for_run(held, times=2)
    go.touch()
    bench.wait_for(held)
