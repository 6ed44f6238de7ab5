"""RQ's own tools read our records, and never change a job that runs; a stock worker can run our jobs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rq import Queue as RqQueue
from rq import Worker
from rq.job import Job as RqJob
from rq.registry import FailedJobRegistry, FinishedJobRegistry, ScheduledJobRegistry, StartedJobRegistry
from rq.serializers import JSONSerializer

from liquid_background import rq_entry
from liquid_background.errors import JobRefused
from liquid_background.job import JobStatus
from liquid_background.jobs.log import entries
from liquid_background.jobs.queue import keys, scripts
from liquid_background.jobs.queue.records import encode_job
from liquid_background.settings import load_settings
from tests import warm
from tests.worker import stub_app
from tests.worker.conftest import Bench

ROOT = Path(__file__).parent.parent.parent


def _rq(bench: Bench, *arguments: str, **environment: str) -> str:
    """Run RQ's program on the store."""
    where = {"RQ_REDIS_URL": bench.store.url, "LIQUID_BACKGROUND_DATA_DIR": str(bench.settings.data_dir)}
    app = {"LIQUID_BACKGROUND_APP": "tests.worker.stub_app:engine"}
    done = warm.run("rq.cli", *arguments, cwd=ROOT, env={**os.environ, **where, **app, **environment})
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def _fetch(bench: Bench, job_id: str) -> RqJob:
    return RqJob.fetch(job_id, connection=bench.store.client, serializer=JSONSerializer)


def test_readers_in_a_loop_change_no_running_job(bench: Bench, tmp_path: Path) -> None:
    go = tmp_path / "go"
    job_id = bench.send("wait_for", given={"until": str(go)})
    worker = bench.start(lease=0.4)
    bench.wait_for_run(job_id)
    client: Any = bench.store.client
    bench.wait_until(lambda: client.exists(keys.executions(job_id)))
    for _ in range(3):
        assert "busy" in _rq(bench, "info", "--raw")
        for registry in (StartedJobRegistry, FinishedJobRegistry, FailedJobRegistry, ScheduledJobRegistry):
            registry("default", connection=client, serializer=JSONSerializer).cleanup()
        assert StartedJobRegistry("default", connection=client, serializer=JSONSerializer).get_job_ids() == [job_id]
    [seen] = Worker.all(connection=client)
    assert [execution.job_id for execution in seen.get_current_executions()] == [job_id]
    assert seen.name.endswith(f".{worker.pid}.0")
    assert _fetch(bench, job_id).get_status() == "started"
    go.touch()
    bench.wait_for(job_id)
    assert bench.story(job_id) == [("SUCCESS", 1, True)]
    assert not client.exists(keys.executions(job_id))
    bench.wait_until(lambda: Worker.all(connection=client)[0].successful_job_count == 1)


def test_rq_reads_how_jobs_ended(bench: Bench) -> None:
    good, bad, delayed = bench.send(), bench.send("raise"), bench.send(delay=5.0)
    bench.burst()
    client: Any = bench.store.client
    assert _fetch(bench, good).get_status() == "finished"
    assert _fetch(bench, good).return_value() is None  # blank: it takes no room
    assert _fetch(bench, bad).get_status() == "failed"
    result = _fetch(bench, bad).latest_result()
    assert result is not None
    assert result.exc_string == "Traceback (of the stub)"
    assert _fetch(bench, delayed).get_status() == "scheduled"
    queue = RqQueue("default", connection=client, serializer=JSONSerializer)
    assert queue.finished_job_registry.get_job_ids() == [good]
    assert queue.failed_job_registry.get_job_ids() == [bad]
    assert queue.scheduled_job_registry.get_job_ids() == [delayed]
    assert (queue.count, queue.started_job_registry.count) == (0, 0)
    [_, default, _] = bench.queue.counts()
    assert (default.completed, default.failed, default.scheduled, default.queued) == (1, 1, 1, 0)
    assert 0 < client.ttl(keys.job(good)) <= bench.settings.result_ttl
    assert bench.settings.result_ttl < client.ttl(keys.job(bad)) <= bench.settings.failure_ttl


def test_rq_requeue_starts_a_new_run(bench: Bench) -> None:
    job_id = bench.send("fail_until", given={"times": 2}, max_attempts=2, waits=(0.0,))
    bench.burst()
    assert bench.queue.get(job_id).status == "failed"
    _rq(bench, "requeue", "--queue", "default", "-S", "json", job_id)
    waiting = bench.queue.get(job_id)
    assert (waiting.source, waiting.status, waiting.attempts, waiting.error) == ("hi", "pending", 0, None)
    assert waiting.started_at is waiting.completed_at is None
    bench.burst()
    assert bench.story(job_id)[-1] == ("SUCCESS", 1, True)
    assert bench.queue.get(job_id).status == "completed"


@pytest.mark.slow
def test_a_stock_worker_runs_our_jobs(bench: Bench) -> None:
    good = bench.send(given={"logs": True, "makes": ["made"]})
    bad = bench.send("raise", max_attempts=2, waits=(0.0,))
    _rq(bench, "worker", "--burst", "-S", "json", "high", "default", "low")
    assert bench.queue.get(good).status == "completed"
    assert bench.queue.get("made").status == "completed"
    assert bench.story(good) == [("SUCCESS", 1, True)]
    assert [entry.message for entry in bench.log(good)] == ["hello", ""]
    assert bench.story(bad) == [("FAILED", 1, False), ("FAILED", 2, True)]
    assert bench.queue.get(bad).status == "failed"
    assert "ValueError: no" in (bench.queue.get(bad).error or "")


@pytest.mark.slow
def test_a_stock_worker_runs_nothing_that_was_cancelled_in_a_long_queue(bench: Bench) -> None:
    ids = [bench.send() for _ in range(3)]
    bench.queue.send([bench.job(given={"file": ""}, priority="low") for _ in range(1_100)])
    low = bench.store.client.lrange(keys.queue("low"), 0, -1)
    cancelled = low[1000].decode()
    bench.queue.cancel(cancelled)
    bench.store.client.ltrim(keys.queue("low"), 1000, 1000)
    _rq(bench, "worker", "--burst", "-S", "json", "default", "low")
    assert [bench.queue.get(job_id).status for job_id in ids] == ["completed"] * 3
    assert bench.log(cancelled)[-1].message == "it was cancelled"
    assert bench.story(cancelled) == [("CANCELLED", 0, True), ("REFUSED", 0, True)]


KEY = "a-key-of-16-characters"


@pytest.fixture
def signed(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.setenv("LIQUID_BACKGROUND_SIGNING_KEY", KEY)
    bench.queue.settings = bench.settings.model_copy(update={"signing_key": load_settings().signing_key})
    return bench


def test_a_stock_worker_is_started_as_the_documentation_says(bench: Bench) -> None:
    text = (ROOT / "docs" / "worker.md").read_text(encoding="utf-8")
    [told] = re.findall(r"```sh\n(LIQUID_BACKGROUND_APP=[^`]*rq worker[^`]*)```", text)
    told = told.replace("shop:engine", "tests.worker.stub_app:engine").replace("rq worker", "rq worker --burst")
    told = told.replace("redis://store:6379/0", bench.store.url)
    job = bench.send(given={"makes": ["made"]})
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        told, shell=True, env={**os.environ, "PATH": path}, cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert [bench.queue.get(each).status for each in (job, "made")] == ["completed"] * 2


def _stock(bench: Bench) -> None:
    _rq(bench, "worker", "--burst", "-S", "json", "default")


def _send_at(bench: Bench, now: float, **fields: Any) -> str:
    """Send a job as it would have been sent at another time, due at once."""
    job = bench.job(**fields)
    values = encode_job(job, bench.queue.settings, now)._replace(delay=0)
    scripts.run(bench.store, "send", [bench.settings.log_limit, 1, 0, *values])
    return job.id


@pytest.mark.slow
def test_a_stock_worker_s_entry_checks_signatures(signed: Bench) -> None:
    good = [signed.send(), signed.send(timeout=7.5), signed.send("fail_until", given={"times": 3}, max_attempts=2)]
    client: Any = signed.store.client
    unsigned, longer, more = signed.send(), signed.send(), signed.send()
    client.hdel(keys.job(unsigned), keys.SIGNATURE)
    client.hset(keys.job(longer), "timeout", "999")
    client.hset(keys.job(more), "retry_intervals", "[0]")
    wrong = [unsigned, longer, more, _send_at(signed, time.time() + 3600), _send_at(signed, time.time() - 40 * 86_400)]
    client.copy(keys.job(good[0]), keys.job("copied"))
    client.rpush(keys.queue("default"), "copied")
    _stock(signed)
    assert sorted({run[0] for run in signed.runs()}) == sorted(good)
    assert {signed.queue.get(job_id).status for job_id in (*wrong, "copied")} == {JobStatus.FAILED}
    # What a stock worker has ended has no signature any more, either.
    client.hset(keys.job(good[0]), "status", "queued")
    client.rpush(keys.queue("default"), good[0])
    signed.burst()
    assert signed.story(good[0]) == [("SUCCESS", 1, True), ("REFUSED", 0, True)]


def test_a_stock_worker_s_entry_checks_what_it_runs_and_not_what_is_stored_by_now(
    signed: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rq_entry, "_settings", lambda: signed.queue.settings)
    monkeypatch.setattr(rq_entry, "_performer", lambda: stub_app.engine)
    monkeypatch.setattr(rq_entry, "_queue", lambda: signed.queue)
    job_id = signed.send(given={"do": "nothing", "note": "x"})
    client: Any = signed.store.client
    data = client.hget(keys.job(job_id), "data")
    client.hset(keys.job(job_id), "data", data.replace(b'"note":"x"', b'"note":"y"'))
    taken = _fetch(signed, job_id)
    client.hset(keys.job(job_id), "data", data)  # as it was signed, but this is not what the worker has loaded
    with pytest.raises(JobRefused, match="does not fit"):
        taken.perform()
    assert signed.runs() == []
    _fetch(signed, job_id).perform()
    assert [run[0] for run in signed.runs()] == [job_id]


def test_rq_requeue_runs_no_signed_job_again_without_the_key(signed: Bench) -> None:
    job_id = signed.send("fail_until", given={"times": 1})
    signed.burst()
    _rq(signed, "requeue", "--queue", "default", "-S", "json", job_id)
    signed.burst()
    assert signed.story(job_id) == [("FAILED", 1, True), ("REFUSED", 0, True)]
    signed.queue.retry(job_id)
    signed.burst()
    assert signed.story(job_id)[-1] == ("SUCCESS", 1, True)


@pytest.fixture
def foreign_worker(bench: Bench) -> Iterator[str]:
    name = "theirs"
    worker = Worker(["default"], connection=bench.store.client, name=name)
    worker.register_birth()
    yield name
    worker.register_death()


@pytest.mark.parametrize("serializer", ["json", "pickle"])
@pytest.mark.usefixtures("foreign_worker")
def test_another_application_s_job_is_left_to_its_workers(bench: Bench, serializer: str) -> None:
    theirs = RqQueue("default", connection=bench.store.client, serializer=serializer).enqueue("operator.add", 1, 2)
    ours = bench.send()
    worker = bench.start()
    bench.wait_for(ours)
    bench.wait_until(lambda: entries(bench.store.client, status="REFUSED"))
    bench.wait_for(bench.send())
    assert worker.stop() == 0
    assert bench.story(theirs.id) == [("REFUSED", 0, False)]
    _rq(bench, "worker", "--burst", "-S", serializer, "default")
    theirs.refresh()
    assert theirs.get_status() == "finished"
    assert theirs.return_value() == 3
