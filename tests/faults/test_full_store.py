"""A store that refuses writes costs no attempt, runs no body uncounted, and is told of once."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rq.job import Job as RqJob
from rq.serializers import JSONSerializer

from liquid_background import rq_entry
from liquid_background.errors import JobRefused, StoreUnavailable
from liquid_background.job import LogEntry, LogStatus
from liquid_background.jobs.log import ENDS, KEY
from liquid_background.jobs.queue import Queue
from tests.faults.conftest import calls, wait_for_calls
from tests.log_entries import append
from tests.worker import stub_app
from tests.worker.conftest import Bench

Start = Callable[..., Any]
ON = Callable[..., Bench]


@pytest.fixture
def full(start_server: Start, bench_on: ON) -> Bench:
    """A bench on a store of its own, that `_fill` fills."""
    return bench_on(start_server("--maxmemory-policy", "noeviction", "--appendonly", "yes").url)


def _fill(bench: Bench) -> None:
    bench.store.client.config_set("maxmemory", "1")


def _relieve(bench: Bench) -> None:
    bench.store.client.config_set("maxmemory", "0")


def _runs(bench: Bench) -> Counter[str]:
    return Counter(run[0] for run in bench.runs())


def _each_ran_once(bench: Bench, ids: list[str]) -> None:
    for job_id in ids:
        bench.wait_for(job_id)
    assert _runs(bench) == Counter(ids)
    assert [bench.story(job_id) for job_id in ids] == [[("SUCCESS", 1, True)]] * len(ids)


@pytest.mark.parametrize(("processes", "seconds"), [(1, 0.0), (1, 1.0), (3, 0.3)])
def test_nothing_is_claimed_while_the_store_is_full(full: Bench, processes: int, seconds: float) -> None:
    ids = [full.send("sleep", given={"seconds": seconds}, max_attempts=1 + number % 2) for number in range(5)]
    _fill(full)
    worker = full.start(processes=processes, lease=0.6)
    full.wait_until(lambda: "waiting for the store: it is out of memory" in worker.text())
    wait_for_calls(full)
    assert full.runs() == []
    _relieve(full)
    _each_ran_once(full, ids)
    assert worker.text().count("waiting for the store") == 1, worker.text()


def test_bodies_that_run_while_the_store_fills_are_counted_and_end_once(full: Bench, tmp_path: Path) -> None:
    go = tmp_path / "go"
    held = [full.send("wait_for", given={"until": str(go)}) for _ in range(2)]
    waiting = [full.send(max_attempts=3) for _ in range(4)]
    full.start(processes=2, lease=0.6)
    for job_id in held:
        full.wait_for_run(job_id)
    _fill(full)
    wait_for_calls(full)  # for several leases: the beats have to pass
    go.touch()
    for job_id in held:
        assert full.wait_for(job_id).status == "completed"  # an end frees memory, so it passes
    wait_for_calls(full, 5)
    _relieve(full)
    _each_ran_once(full, [*held, *waiting])


def test_a_batch_that_was_claimed_before_runs_each_body_once(full: Bench, tmp_path: Path) -> None:
    go = tmp_path / "go"
    worker, behind = full.start_with_a_batch(go, behind=20)
    _fill(full)
    go.touch()
    full.wait_until(lambda: "held" in full.ended())
    wait_for_calls(full, 5)
    _relieve(full)
    _each_ran_once(full, ["held", *behind])
    assert worker.stop() == 0


def test_an_attempt_of_a_stock_worker_under_a_full_store_ends_as_its_body_did(
    full: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(rq_entry, "_settings", lambda: full.queue.settings)
    monkeypatch.setattr(rq_entry, "_performer", lambda: stub_app.engine)
    monkeypatch.setattr(rq_entry, "_queue", lambda: full.queue)
    alone, making, failing, refused = full.send(), full.send(given={"makes": ["made"]}), full.send("raise"), full.send()
    stock = [
        RqJob.fetch(job_id, connection=full.store.client, serializer=JSONSerializer)
        for job_id in (alone, making, failing, refused)
    ]
    stock[3].args[0]["v"] = 99
    _fill(full)
    assert stock[0].perform() == ""
    with pytest.raises(StoreUnavailable, match="out of memory"):
        stock[1].perform()
    with pytest.raises(rq_entry.AttemptFailed):
        stock[2].perform()
    with pytest.raises(JobRefused, match="version"):
        stock[3].perform()
    lost = [record.message for record in caplog.records]
    assert [job_id for job_id in (alone, failing, refused) if not any(job_id in line for line in lost)] == []
    _relieve(full)


@pytest.mark.parametrize("do", ["raise", "exit"])
def test_a_body_that_fails_under_a_full_store_uses_its_attempts_up_and_no_more(
    full: Bench, tmp_path: Path, do: str
) -> None:
    go = tmp_path / "go"
    held = full.send("wait_for", given={"until": str(go)})
    failing = full.send(do, max_attempts=2, waits=(0.0,))
    full.start(lease=0.6)
    full.wait_for_run(held)
    _fill(full)
    go.touch()
    full.wait_for(held)
    began, before = time.monotonic(), calls(full)
    wait_for_calls(full, 60)
    assert (calls(full) - before) / (time.monotonic() - began) < 60  # a second: what is owed is not said all the time
    _relieve(full)
    assert full.wait_for(failing).status == "failed"
    assert _runs(full)[failing] == 2
    assert [final for _, _, final in full.story(failing)] == [False, True]


def test_a_store_that_cannot_save_refuses_the_start_and_the_body_still_counts(
    start_server: Start, bench_on: ON, tmp_path: Path
) -> None:
    """min-replicas-to-write refuses every write, an end's too, so what a body has come to has to wait."""
    bench = bench_on(start_server().url)
    go = tmp_path / "go"
    worker, behind = bench.start_with_a_batch(go, behind=5)
    bench.store.client.config_set("min-replicas-to-write", "1")
    go.touch()
    bench.wait_until(lambda: "held" in bench.ended())
    bench.wait_until(lambda: "waiting for the store" in worker.text())
    bench.store.client.config_set("min-replicas-to-write", "0")
    _each_ran_once(bench, ["held", *behind])


def test_idle_workers_ask_a_store_that_refuses_writes_now_and_then(start_server: Start, bench_on: ON) -> None:
    bench = bench_on(start_server().url)
    worker = bench.start(processes=3)
    bench.wait_for(bench.send())
    bench.store.client.config_set("min-replicas-to-write", "1")
    bench.wait_until(lambda: "waiting for the store" in worker.text())
    began, before = time.monotonic(), calls(bench)
    wait_for_calls(bench, 40)
    # Beats, ticks and claims of three children come to some 20 a second, and a few more at first.
    assert (calls(bench) - before) / (time.monotonic() - began) < 200
    bench.store.client.config_set("min-replicas-to-write", "0")
    bench.wait_for(bench.send())


def test_a_running_job_can_be_cancelled_in_a_full_store(full: Bench, tmp_path: Path) -> None:
    held, waiting = (full.send("wait_for", given={"until": str(tmp_path / "never")}) for _ in range(2))
    full.start(lease=0.6)
    full.wait_for_run(held)
    _fill(full)
    full.queue.cancel(waiting)
    full.queue.cancel(held)
    assert {full.wait_for(job_id).status for job_id in (held, waiting)} == {"cancelled"}


def test_a_second_sigterm_gives_a_job_back_to_a_full_store(full: Bench, tmp_path: Path) -> None:
    held = full.send("wait_for", given={"until": str(tmp_path / "never")})
    worker = full.start()
    full.wait_for_run(held)
    _fill(full)
    worker.process.terminate()
    wait_for_calls(full, 5)  # looks of the supervisor's: it has heard the first one by then
    assert worker.stop() == 0
    _relieve(full)
    assert full.story(held) == [("LOST", 1, False)]
    record = full.queue.get(held)
    assert (record.status, record.attempts) == ("pending", 0)


def test_a_worker_that_starts_while_writes_are_refused_asks_now_and_then(start_server: Start, bench_on: ON) -> None:
    bench = bench_on(start_server("--min-replicas-to-write", "1").url)
    worker = bench.start(processes=2)
    bench.wait_until(lambda: "waiting for the store" in worker.text())
    began, before = time.monotonic(), calls(bench)
    wait_for_calls(bench, 60)
    assert (calls(bench) - before) / (time.monotonic() - began) < 100
    bench.store.client.config_set("min-replicas-to-write", "0")
    bench.wait_for(bench.send())
    bench.wait_until(lambda: bench.queue.counts()[0].workers == 2)


def test_a_full_store_drops_no_end_for_lines_that_it_does_not_take(full: Bench) -> None:
    settings = full.settings.model_copy(update={"log_limit": 100})
    ends = [LogEntry(source_name="other", status=LogStatus.FAILED, message=str(number)) for number in range(300)]
    append(full.store.client, ends, 1_000)
    before = full.store.client.xlen(KEY)
    _fill(full)
    Queue(full.store, settings).send([], [LogEntry(source_name="flood", message="x")] * 1_000)
    _relieve(full)
    assert (full.store.client.xlen(KEY), full.store.client.exists(ENDS)) == (before, 0)
