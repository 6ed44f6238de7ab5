"""An attempt ends at its limit and within its means, whatever its body does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.worker.conftest import Bench

LIMIT = 0.25


@pytest.mark.parametrize("attempts", [1, 2, 3, 4, 5])
def test_e1_a_failing_job_runs_exactly_as_often_as_it_may(bench: Bench, attempts: int) -> None:
    job_id = bench.send("raise", max_attempts=attempts, waits=(0.0,))
    bench.burst()
    assert bench.story(job_id) == [("FAILED", number, number == attempts) for number in range(1, attempts + 1)]
    assert len(bench.runs()) == attempts


@pytest.mark.parametrize(
    ("does", "ends"),
    [
        (("raise", {}), ("FAILED", "ValueError: no")),
        (("raise", {"kind": "MemoryError"}), ("FAILED", "MemoryError: no")),
        (("raise", {"kind": "SystemExit"}), ("FAILED", "SystemExit: no")),
        (("raise", {"kind": "KeyboardInterrupt"}), ("FAILED", "KeyboardInterrupt: no")),
        (("recurse", {}), ("FAILED", "RecursionError")),
        (("exit", {}), ("LOST", "exit code 3")),
        (("segfault", {}), ("LOST", "signal 11 (SIGSEGV)")),
        (("allocate", {"megabytes": 1024}), ("FAILED", "MemoryError")),
        (("open_files", {"count": 1000}), ("FAILED", "Too many open files")),
        (("big_file", {"bytes": 1 << 30}), ("FAILED", "File too large")),
    ],
)
def test_e2_e7_e8_any_way_to_fail_ends_one_attempt_with_its_reason(
    bench: Bench, tmp_path: Path, does: tuple[str, dict[str, Any]], ends: tuple[str, str]
) -> None:
    (do, given), (status, reason) = does, ends
    job_id = bench.send(do, given={**given, "path": str(tmp_path / "big")}, max_attempts=2, waits=(0.0,))
    other = bench.send()
    bench.burst()
    assert bench.story(job_id) == [(status, 1, False), (status, 2, True)]
    assert reason in bench.log(job_id)[0].message
    assert bench.story(other) == [("SUCCESS", 1, True)]


@pytest.mark.parametrize(
    ("do", "given"),
    [
        ("spin", {}),
        ("stuck_in_c", {}),
        ("swallow", {}),
        ("swallow", {"all": True}),
        ("swallow_once", {}),
        ("sleep", {}),
    ],
)
def test_e3_e4_e5_e9_an_attempt_ends_by_its_limit_plus_a_second(bench: Bench, do: str, given: dict[str, Any]) -> None:
    job_id = bench.send(do, given={"seconds": 60, **given}, timeout=LIMIT, max_attempts=2, waits=(0.0,))
    other = bench.send()
    bench.start(processes=2)
    bench.wait_for(other)
    record = bench.wait_for(job_id)
    assert record.status == "failed"
    assert bench.story(job_id) == [("FAILED", 1, False), ("FAILED", 2, True)]
    assert all(f"at its limit of {LIMIT} s" in entry.message for entry in bench.log(job_id))
    assert all(LIMIT * 1000 <= entry.duration <= LIMIT * 1000 + 1000 for entry in bench.log(job_id))
    first, second = (float(run[2]) for run in bench.runs() if run[0] == job_id)
    assert LIMIT <= second - first < LIMIT + 1.5


def test_a_killed_job_s_own_processes_are_killed_too(bench: Bench, tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    job_id = bench.send("start_process", given={"pid_file": str(pid_file)}, timeout=60.0)
    bench.start()
    bench.wait_until(lambda: pid_file.exists() and pid_file.read_text())
    bench.queue.cancel(job_id)
    assert bench.wait_for(job_id).status == "cancelled"
    started = Path(f"/proc/{pid_file.read_text()}")
    bench.wait_until(lambda: not started.exists() or "State:\tZ" in (started / "status").read_text())
    assert bench.story(job_id) == [("CANCELLED", 1, True)]


def test_a_child_is_replaced_after_its_share_of_jobs(bench: Bench) -> None:
    for _ in range(30):
        bench.send()
    bench.burst(recycle_jobs=10)
    assert len({run[3] for run in bench.runs()}) == 3


def test_a_low_share_is_given_to_low(bench: Bench) -> None:
    for _ in range(40):
        bench.send("sleep", given={"seconds": 0.03}, priority="high")
    lows = [bench.send("sleep", given={"seconds": 0.03}, priority="low") for _ in range(40)]
    bench.burst(low_share=25)
    early = [run[0] in lows for run in bench.runs()[:40]]
    assert 5 <= sum(early) <= 15


def test_high_work_goes_before_low_work_that_is_already_claimed(bench: Bench, tmp_path: Path) -> None:
    go = tmp_path / "go"
    _, behind = bench.start_with_a_batch(go, behind=20, seconds=0.02, priority="low")
    bench.send(priority="high", id="urgent")
    go.touch()
    bench.wait_until(lambda: len(bench.runs()) == 2 + len(behind))
    order = [run[0] for run in bench.runs()]
    # The start of the next low job is on its way before the store's word on the last one has come.
    assert order.index("urgent") - order.index("held") <= 3
