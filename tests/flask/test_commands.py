"""`flask jobs …`: poscli's commands on the engine of the application that Flask has loaded."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from flask import Flask

from liquid_background.flask import LiquidBackground
from tests import warm
from tests.flask.test_jobs import APP, call
from tests.worker.conftest import ROOT, Bench


@pytest.fixture
def flask_program(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs the real program `flask` with the application of these tests."""
    monkeypatch.setenv("LIQUID_BACKGROUND_DATA_DIR", str(bench.settings.data_dir))
    monkeypatch.setenv("LIQUID_BACKGROUND_APP", "tests.hooks.hooked_app:engine")  # which is not the one that is meant

    def run(*words: str, app: str = f"{APP}:create_app") -> subprocess.CompletedProcess[str]:
        return warm.run("flask", "--app", app, *words, cwd=ROOT, env=os.environ)

    return run


@pytest.mark.slow
def test_jobs_are_listed_shown_run_and_logged(
    bench: Bench, flask_program: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    job = call("where")
    bench.queue.send([job])
    listed = flask_program("jobs", "list", "--format", "json")
    assert [json.loads(line)["id"] for line in listed.stdout.splitlines()] == [job.id]
    done = flask_program("jobs", "worker", "--burst", "--processes", "1")
    assert done.returncode == 0, done.stderr
    assert bench.queue.get(job.id).result == "shop https://shop.example/tea/orders/7 nothing"
    assert job.id in flask_program("jobs", "show", job.id).stdout
    assert "background job: where (attempt 1/1) - SUCCESS" in flask_program("jobs", "logs").stdout


def test_a_worker_ends_in_order(bench: Bench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LIQUID_BACKGROUND_DATA_DIR", str(bench.settings.data_dir))
    job = call("where")
    bench.queue.send([job])
    command = ("flask", "--app", f"{APP}:create_app", "jobs", "worker", "--processes", "1")
    with (tmp_path / "log").open("wb") as log, open(os.devnull) as nothing:
        worker = warm.start(*command, cwd=ROOT, env=os.environ, streams=(nothing, log, log))
    try:
        bench.wait_for(job.id)
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(20) == 0
    finally:
        worker.kill()


@pytest.mark.slow
def test_an_error_is_one_line_as_in_the_program(
    flask_program: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    for words, message, code in (
        (("jobs", "show", "none"), "flask jobs: no job has the id 'none'", 1),
        (("jobs", "lst"), "no command 'lst'; did you mean 'list'?", 2),
        (("jobs", "list", "--limt", "3"), "no option '--limt'; did you mean '--limit'?", 2),
        (("jobs", "worker", "--queues", "hihg"), "unknown queue 'hihg'", 1),
    ):
        done = flask_program(*words)
        assert done.returncode == code, done.stderr
        assert message in done.stderr
        assert len(done.stderr.splitlines()) == 1, done.stderr


@pytest.mark.slow
def test_the_help_says_flask_and_asks_for_no_application(
    flask_program: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    assert "jobs " in flask_program("--help").stdout
    listed = flask_program("jobs", "--help").stdout
    for name in ("list", "show", "retry", "cancel", "worker", "logs", "status", "check", "doctor"):
        assert f"\n  {name} " in listed
    told = flask_program("jobs", "logs", "--help").stdout
    assert "flask jobs logs --tail" in told
    assert "--source-name" in told
    assert "--app" not in told


def test_a_store_is_made_by_a_command_that_flask_has(make_app: Callable[..., Flask], tmp_path: Path) -> None:
    app = make_app(LIQUID_BACKGROUND_DATA_DIR=str(tmp_path / "none"))
    told = app.test_cli_runner().invoke(args=["jobs", "list"]).output
    assert "'flask jobs worker' makes one, LIQUID_BACKGROUND_REDIS_URL names another" in told


def test_advice_names_the_commands_that_flask_has(make_app: Callable[..., Flask]) -> None:
    app = make_app()
    run = app.test_cli_runner().invoke
    engine = app.extensions["liquid_background"].engine
    engine.render_string("{% background source_name: 'a' %}x{% endbackground %}")
    told = run(args=["jobs", "doctor"]).output
    assert "1 job waiting, no worker running; start one: flask jobs worker" in told
    assert "run 'poscli init' for a starter project" in told  # which Flask has not
    assert "no worker running: start one: flask jobs worker" in run(args=["jobs", "status"]).output
    assert run(args=["jobs", "show", "zz"]).output.startswith("flask jobs: no job has the id")
    assert run(args=["jobs", "cancel", "zz"]).output.startswith("flask jobs: no job has the id")


def test_an_application_has_them_by_its_runner_too(make_app: Callable[..., Flask]) -> None:
    app = make_app()
    app.extensions["liquid_background"].engine.render_string("{% background source_name: 'a' %}x{% endbackground %}")
    done = app.test_cli_runner().invoke(args=["jobs", "list", "--format", "json"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.output)["source_name"] == "a"
    assert "the one that this command is of" in app.test_cli_runner().invoke(args=["jobs", "doctor"]).output
    assert "no job has the id" in app.test_cli_runner().invoke(args=["jobs", "show", "zz"]).output


def test_commands_of_the_applications_own_stay() -> None:
    app = Flask("shop")

    @app.cli.command("jobs")
    def own() -> None:
        click.echo("the shop's")

    LiquidBackground(app)
    assert app.test_cli_runner().invoke(args=["jobs"]).output == "the shop's\n"
    assert "jobs" not in Flask("bare").cli.commands


def test_metrics_are_those_of_the_application_and_a_worker_has_none_beside_it(
    flask_program: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    told = flask_program("jobs", "metrics", "--once")
    assert "liquid_background_up 1.0" in told.stdout, told.stderr
    worker = flask_program("jobs", "worker", "--burst", "--metrics-port", "0")
    assert worker.returncode == 1
    assert "run 'flask jobs metrics' beside the worker instead" in worker.stderr
    assert "Traceback" not in worker.stderr
