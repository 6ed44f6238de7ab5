"""The recipes of docs/hooks.md for Sentry, OpenTelemetry and SQLAlchemy, in real workers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from liquid_background.job import Job
from tests.postgres import Database
from tests.worker.conftest import Bench

APP = "tests.hooks.recipes_app"
ROOT = Path(__file__).parents[2]


def _job(function: str, source_name: str = "", max_attempts: int = 1, **kwargs: Any) -> Job:
    return Job(
        source_name=source_name or function,
        template=f"{APP}:{function}",
        line=1,
        function=f"{APP}:{function}",
        max_attempts=max_attempts,
        parameters={"args": [], "kwargs": kwargs},
    )


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[Any]]:
    """`told("word of a recipe")` has workers use it; `told()` returns what they told."""
    file = tmp_path / "events"

    def tell(*recipes: str) -> list[Any]:
        if recipes:
            monkeypatch.setenv("RECIPES", json.dumps(recipes))
            monkeypatch.setenv("EVENTS", str(file))
            return []
        return [json.loads(line) for line in file.read_text().splitlines()]

    return tell


@pytest.mark.slow
def test_sentry_is_told_of_each_attempt_that_failed(bench: Bench, told: Callable[..., list[Any]]) -> None:
    told("sentry_sdk")
    bench.queue.send([_job("divide", number=2), _job("divide", max_attempts=2, number=0)])
    log = bench.burst(app=f"{APP}:engine")
    assert "costs no job" not in log
    events = [event["sentry"] for event in told()]
    assert [event["exception"]["values"][-1]["type"] for event in events] == ["ZeroDivisionError"] * 2
    assert [(event["tags"]["job"], event["contexts"]["job"]["attempt"]) for event in events] == [
        ("divide", 1),
        ("divide", 2),
    ]
    frames = events[0]["exception"]["values"][-1]["stacktrace"]["frames"]
    assert frames[-1]["function"] == "divide"  # the application's own


@pytest.mark.slow
def test_opentelemetry_has_a_span_of_each_attempt(bench: Bench, told: Callable[..., list[Any]]) -> None:
    told("set_tracer_provider")
    ok, bad = _job("divide", "fine", number=1), _job("divide", "broken", number=0)
    bench.queue.send([ok, bad])
    log = bench.burst(app=f"{APP}:engine")
    assert "costs no job" not in log
    spans = [event["span"] for event in told()]
    attempts = {span["name"]: span for span in spans if span["name"] != "dividing"}
    assert set(attempts) == {"fine", "broken"}
    assert attempts["fine"]["attributes"] == {"job.id": ok.id, "job.attempt": 1}
    assert attempts["broken"]["status"]["status_code"] == "ERROR"
    assert attempts["broken"]["events"][0]["attributes"]["exception.type"] == "ZeroDivisionError"
    inner = [span["context"]["trace_id"] for span in spans if span["name"] == "dividing"]
    assert sorted(inner) == sorted(span["context"]["trace_id"] for span in attempts.values())


SQLALCHEMY = "pool_pre_ping"
COMMITS = f"""
from {APP} import Session, engine, jobs_after, place, text

place("committed")
for way in ("enqueue", "render"):
    try:
        with jobs_after(Session.begin()) as session:
            session.execute(text("INSERT INTO orders (tea) VALUES ('never')"))
            engine.enqueue("pack", {{"tea": "rolled back"}})
            engine.render_string("{{% background source_name: 'never' %}}{{% endbackground %}}")
            raise LookupError
    except LookupError:
        pass
with jobs_after(Session.begin()) as session:
    with jobs_after(session.begin_nested()):
        engine.enqueue("pack", {{"tea": "released"}})
        assert engine.jobs.list(source_name="pack")[0].parameters["kwargs"]["tea"] == "committed"
    try:
        with jobs_after(session.begin_nested()):
            engine.enqueue("pack", {{"tea": "rolled back"}})
            raise LookupError
    except LookupError:
        pass
engine.enqueue("pack", {{"tea": "outside"}})
"""


@pytest.fixture
def database(postgres: Database, bench: Bench, monkeypatch: pytest.MonkeyPatch, told: Any) -> Database:
    told(SQLALCHEMY)
    monkeypatch.setenv("DATABASE_URL", postgres.url.replace("postgresql://", "postgresql+psycopg://"))
    monkeypatch.setenv("LIQUID_BACKGROUND_DATA_DIR", str(bench.settings.data_dir))
    postgres.query("CREATE TABLE orders (tea text, packed boolean); CREATE TABLE done (pid int, backend int)")
    return postgres


@pytest.mark.slow
def test_sqlalchemy_sends_after_the_commit_and_savepoints_count(bench: Bench, database: Database) -> None:
    command = [sys.executable, "-c", COMMITS]
    done = subprocess.run(command, cwd=ROOT, env={**os.environ}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    sent = [(job.source_name, job.parameters["kwargs"]["tea"]) for job in bench.queue.list()]
    assert sorted(sent) == [("pack", "committed"), ("pack", "outside"), ("pack", "released")]
    bench.burst(app=f"{APP}:engine")
    assert database.query("SELECT * FROM orders") == [["committed", "t"]]


@pytest.mark.slow
def test_no_child_uses_a_connection_that_was_open_at_the_start(
    bench: Bench, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONNECTS", "1")
    bench.queue.send([_job("who") for _ in range(30)])
    worker = bench.start(app=f"{APP}:engine", processes=3)
    bench.wait_until(lambda: len(database.query("SELECT * FROM done")) == 30)
    used = {tuple(row) for row in database.query("SELECT * FROM done")}
    children, backends = {pid for pid, _ in used}, {backend for _, backend in used}
    assert len(used) == len(children) == len(backends)  # and each keeps its own from job to job
    assert "holds a socket" in worker.text()
    database.server.restart()
    bench.queue.send([_job("who") for _ in range(10)])
    bench.wait_until(lambda: len(database.query("SELECT * FROM done")) == 40)
    assert [entry for entry in bench.log() if entry.status == "FAILED"] == []  # a restart between two jobs costs none
