"""A worker runs jobs: retries, delays, bursts, stopping."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest

from liquid_background.errors import SettingsError
from liquid_background_worker import run
from tests.worker.conftest import Bench
from tests.worker.stub_app import StubEngine


def test_a_burst_runs_what_is_queued_and_ends(bench: Bench) -> None:
    first, second = bench.send(given={"logs": True, "makes": ["child"]}), bench.send("raise")
    bench.burst()
    assert bench.queue.get(first).result == ""
    assert bench.story(first) == [("SUCCESS", 1, True)]
    assert [entry.message for entry in bench.log(first)] == ["hello", ""]
    assert bench.queue.get("child").status == "completed"
    assert bench.story(second) == [("FAILED", 1, True)]
    assert bench.queue.get(second).error == "ValueError: no"


def test_a_burst_waits_for_retries_but_not_for_delayed_jobs(bench: Bench) -> None:
    retried = bench.send("fail_until", given={"times": 2}, max_attempts=3, waits=(0.2, 0.3))
    delayed = bench.send(delay=1.0)
    bench.burst()
    assert bench.story(retried) == [("FAILED", 1, False), ("FAILED", 2, False), ("SUCCESS", 3, True)]
    times = [float(run[2]) for run in bench.runs()]
    assert times[1] - times[0] >= 0.2
    assert times[2] - times[1] >= 0.3
    assert bench.queue.get(delayed).status == "pending"


def test_an_idle_worker_picks_a_job_up_and_stops_on_sigterm(bench: Bench) -> None:
    worker = bench.start()
    bench.wait_until(worker.children)
    job_id = bench.send("sleep", given={"seconds": 0.5})
    bench.wait_for_run(job_id)
    worker.process.send_signal(signal.SIGTERM)
    assert worker.process.wait(10) == 0
    assert bench.queue.get(job_id).status == "completed"
    assert bench.story(job_id) == [("SUCCESS", 1, True)]


def test_a_delayed_job_runs_when_it_is_due(bench: Bench) -> None:
    worker = bench.start()
    bench.wait_until(worker.children)  # or a busy machine's start-up counts as lateness
    sent = time.time()
    ids = [bench.send(delay=seconds / 60) for seconds in (0.9, 0.3, 0.6)]
    for job_id in ids:
        bench.wait_for(job_id)
    late = {run[0]: float(run[2]) - sent for run in bench.runs()}
    for job_id, due in zip(ids, (0.9, 0.3, 0.6), strict=True):
        assert due <= late[job_id] < due + 0.5


def test_many_jobs_run_once_each_in_their_order(bench: Bench) -> None:
    ids = [f"j{number}" for number in range(500)]
    bench.queue.send([bench.job(id=name) for name in ids])
    bench.burst()
    assert [run[0] for run in bench.runs()] == ids
    assert all(bench.story(name) == [("SUCCESS", 1, True)] for name in ids[::50])


def test_a_burst_inside_a_program_leaves_its_signals_as_they_were(bench: Bench) -> None:
    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)
    before = [signal.getsignal(number) for number in numbers]
    job_id = bench.send()
    assert run(bench.settings, StubEngine(), processes=1, burst=True) == 0
    assert [signal.getsignal(number) for number in numbers] == before
    assert bench.story(job_id) == [("SUCCESS", 1, True)]


@pytest.mark.parametrize(
    "app", ["no_module_here:x", "tests.worker.stub_app", "tests.worker.stub_app:nothing", "os:path"]
)
def test_an_application_that_cannot_be_loaded_is_named(bench: Bench, app: str) -> None:
    with pytest.raises(SettingsError, match=app):
        run(bench.settings.model_copy(update={"app": app}), burst=True)


def test_an_unknown_queue_is_named(bench: Bench) -> None:
    with pytest.raises(SettingsError, match="unknown queue 'urgent'"):
        run(bench.settings, StubEngine(), queues=("urgent",), burst=True)


def test_a_worker_of_the_other_queues_serves_them_while_high_is_flooded(bench: Bench, tmp_path: Path) -> None:
    go = tmp_path / "go"
    flood = [bench.job("wait_for", given={"until": str(go)}, priority="high") for _ in range(300)]
    bench.queue.send(flood)
    bench.start(lease=60)
    bench.wait_for_run(flood[0].id)
    others = [bench.send(priority=priority) for priority in ("default", "low")]
    bench.start(queues=["default", "low"], lease=60)
    for job_id in others:
        assert bench.wait_for(job_id).status == "completed"
    high = bench.queue.counts()
    assert sum(count.queued + count.running for count in high) == len(flood)
    go.touch()
