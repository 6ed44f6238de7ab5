"""Flask-SQLAlchemy on a real PostgreSQL, with real workers: commits send, and no connection is shared or stale."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask

from liquid_background.settings import Settings
from tests.flask import flask_app
from tests.flask.flask_app import Visit, db
from tests.flask.test_jobs import APP, call
from tests.postgres import Database
from tests.worker.conftest import Bench

CREATE = f"{APP}:create_app"


@pytest.fixture
def app(postgres: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Flask]:
    monkeypatch.setenv("DATABASE_URL", postgres.url)
    made = flask_app.create_app(LIQUID_BACKGROUND_DATA_DIR=settings.data_dir)
    yield made
    made.extensions["liquid_background"].engine.store.close()
    with made.app_context():
        db.engine.dispose()


def _visit(app: Flask, name: str, finish: Callable[[], object]) -> None:
    """Write a visit, enqueue a job, and end the transaction."""
    with app.app_context():
        db.session.add(Visit(name=name, pid=0, backend=0))
        db.session.flush()
        app.extensions["liquid_background"].engine.enqueue("visit", {"name": f"job of {name}"})
        finish()


def test_a_commit_sends_and_a_rollback_does_not(app: Flask, bench: Bench, postgres: Database) -> None:
    _visit(app, "kept", db.session.commit)
    _visit(app, "rolled back", db.session.rollback)
    _visit(app, "left", lambda: None)  # as by an error of the view: the context's end closes the session
    assert len(bench.queue.list()) == 1
    bench.burst(app=CREATE)
    assert postgres.query("SELECT name FROM visit ORDER BY id") == [["kept"], ["job of kept"]]


def test_a_view_that_only_reads_sends_at_its_end(app: Flask, bench: Bench) -> None:
    with app.app_context():
        db.session.scalars(db.select(Visit)).all()
        app.extensions["liquid_background"].engine.enqueue("where")
    assert [job.source_name for job in bench.queue.list()] == ["where"]


def test_what_a_job_leaves_uncommitted_is_gone_and_its_connection_returned(
    app: Flask, bench: Bench, postgres: Database
) -> None:
    jobs = [call("leave_open", name="x"), call("idle_connections"), call("visit", name="y")]
    bench.queue.send(jobs)
    bench.burst(app=CREATE)
    assert bench.queue.get(jobs[1].id).result == "0"
    assert postgres.query("SELECT name FROM visit") == [["y"]]


def test_what_is_left_open_is_nobody_elses_though_a_teardown_function_raises(
    app: Flask, bench: Bench, postgres: Database
) -> None:
    """Flask-SQLAlchemy finds a session by the id of its context, which the next job's may have again."""
    left = [call("leave_open", name="x") for _ in range(20)]
    left += [call("leave_a_context", name="x"), call("leave_open", wrong="arguments: its hook leaves something")]
    kept = [call("visit", name="y") for _ in range(20)]
    bench.queue.send([job for pair in zip(left, kept, strict=False) for job in pair] + left[20:])
    bench.queue.send([last := call("idle_connections")])
    bench.burst(app=f"{APP}:create_app_with_trouble", processes=1)
    assert {bench.queue.get(job.id).status for job in kept} == {"completed"}
    assert bench.queue.get(last.id).result == "0"
    assert postgres.query("SELECT DISTINCT name FROM visit") == [["y"]]


@pytest.mark.slow
def test_children_have_connections_of_their_own(app: Flask, bench: Bench, postgres: Database) -> None:
    jobs = [call("visit", name=str(number), seconds=0.05) for number in range(40)]
    bench.queue.send(jobs)
    told = bench.burst(app=CREATE, processes=4)
    assert {bench.queue.get(job.id).status for job in jobs} == {"completed"}
    pairs = postgres.query("SELECT DISTINCT pid, backend FROM visit")
    assert len(pairs) >= 2
    assert len({pid for pid, _ in pairs}) == len({backend for _, backend in pairs}) == len(pairs)
    assert "holds a socket" not in told  # the one that create_app had opened was closed before the fork


@pytest.mark.slow
def test_a_restart_costs_those_an_attempt_that_ran_then_and_nobody_else(
    app: Flask, bench: Bench, postgres: Database
) -> None:
    jobs = [call("visit", max_attempts=5, name=str(number), seconds=0.1) for number in range(50)]
    bench.queue.send(jobs)
    worker = bench.start(app=CREATE, processes=2, retry_delays="1")
    bench.wait_until(lambda: len(bench.stories()) >= 10)
    down = datetime.now(UTC)
    postgres.server.restart()
    up = datetime.now(UTC)
    for job in jobs:
        assert bench.wait_for(job.id, timeout=60).status == "completed", bench.queue.get(job.id).error
    assert worker.stop() == 0
    failed = [entry for entry in bench.log() if entry.status == "FAILED"]
    assert failed
    for entry in failed:
        assert entry.time is not None
        assert entry.time - timedelta(milliseconds=entry.duration or 0) < up
        assert entry.time > down
    assert postgres.query("SELECT count(DISTINCT name) FROM visit") == [["50"]]


@pytest.mark.slow
def test_a_restart_between_jobs_costs_nobody_an_attempt(app: Flask, bench: Bench, postgres: Database) -> None:
    worker = bench.start(app=CREATE, processes=2)
    for turn in range(2):
        jobs = [call("visit", name=f"{turn}-{n}", seconds=0.01) for n in range(24)]
        bench.queue.send(jobs)
        for job in jobs:
            assert bench.wait_for(job.id).status == "completed", bench.queue.get(job.id).error
        postgres.server.restart()
    assert worker.stop() == 0
    assert {story[0][0] for story in bench.stories().values()} == {"SUCCESS"}
    assert postgres.query("SELECT count(*) FROM visit") == [["48"]]
