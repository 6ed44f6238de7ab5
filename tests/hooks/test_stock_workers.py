"""Hooks around jobs that a stock `rq worker` runs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests import warm
from tests.hooks.conftest import APP, Hooked


def _rq_worker(hooked: Hooked, *options: str) -> str:
    env = {
        **os.environ,
        "RQ_REDIS_URL": hooked.bench.store.url,
        "LIQUID_BACKGROUND_DATA_DIR": str(hooked.bench.settings.data_dir),
        "LIQUID_BACKGROUND_APP": f"{APP}:engine",
    }
    options = ("--burst", "-S", "json", *options)
    done = warm.run("rq.cli", "worker", *options, "default", cwd=Path(__file__).parents[2], env=env)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def test_attempts_failures_and_the_start_of_its_processes_are_told(hooked: Hooked) -> None:
    good, bad = hooked.send(), hooked.send("refuse", max_attempts=2)
    _rq_worker(hooked)
    assert hooked.bench.queue.get(good).result == good
    assert [row[0] for row in hooked.lines() if good in row] == ["enter", "leave"]
    assert [row[0] for row in hooked.lines() if bad in row] == ["enter", "error", "leave", "failure"]
    (failure,) = hooked.lines("failure")
    assert failure[3:] == ["1", "NonRetryable", "NonRetryable: gone (tests/hooks/hooked_app.py:76)"]
    assert hooked.lines("worker_start") == []
    assert [pid for _, pid in hooked.lines("child_start")] == [row[1] for row in hooked.lines("enter")]


@pytest.mark.parametrize("event", ["child_start", "enter", "leave", "failure"])
def test_those_that_raise_cost_no_job(hooked: Hooked, event: str) -> None:
    hooked.do(**{event: "raise"})
    good, bad = hooked.send(), hooked.send("refuse")
    assert "ValueError: trouble" in _rq_worker(hooked)
    assert hooked.bench.queue.get(good).status == "completed"
    assert hooked.bench.queue.get(bad).error == "NonRetryable: gone (tests/hooks/hooked_app.py:76)"


def test_one_that_hangs_is_ended_by_the_limit_of_rq(hooked: Hooked) -> None:
    hooked.do(enter="hang")
    job_id = hooked.send(timeout=6.0)  # of which loading takes some
    _rq_worker(hooked)
    record = hooked.bench.queue.get(job_id)
    assert record.status == "failed"
    assert "exceeded maximum timeout" in (record.error or "")
