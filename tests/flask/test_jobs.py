"""Jobs of a Flask application in real workers: each attempt in an application context of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from liquid_background import SettingsError
from liquid_background.flask import get_engine
from liquid_background.job import Job
from liquid_background.loading import load_app
from tests.flask import flask_app
from tests.worker.conftest import Bench

APP = "tests.flask.flask_app"


def call(function: str, max_attempts: int = 1, **kwargs: object) -> Job:
    path = f"{APP}:{function}"
    given = {"args": [], "kwargs": kwargs}
    return Job(source_name=function, template=path, line=1, function=path, parameters=given, max_attempts=max_attempts)


@pytest.fixture
def notes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NOTES", str(tmp_path / "notes"))
    return tmp_path / "notes"


def test_each_attempt_has_a_context_of_its_own_that_ends_with_it(bench: Bench, notes: Path) -> None:
    jobs = [call("where"), call("where"), call("where_async"), call("fail")]
    body = "{% action 'where' %}{{ 'order' | url_for: number: 9 }}"
    jobs.append(Job(source_name="body", template="pages/x", line=1, source=body))
    bench.queue.send(jobs)
    bench.burst(app=f"{APP}:create_app")
    address = "https://shop.example/tea/orders"
    results = [bench.queue.get(job.id).result for job in jobs]
    assert results == [
        *[f"shop {address}/7 nothing"] * 2,
        "shop",
        None,
        f"{address}/9",
    ]
    ended = [line.split()[2] for line in notes.read_text().splitlines() if line.startswith("teardown")]
    assert sorted(ended[-5:]) == ["NoneType"] * 4 + ["ValueError"]


def test_a_teardown_function_that_raises_is_told_as_hooks_are_and_the_others_are_called(
    bench: Bench, notes: Path
) -> None:
    jobs = [call("where"), call("where"), call("fail")]
    bench.queue.send(jobs)
    told = bench.burst(app=f"{APP}:create_app_with_trouble", processes=1)
    assert [bench.story(job.id)[-1] for job in jobs] == [("SUCCESS", 1, True)] * 2 + [("FAILED", 1, True)]
    name = "hook tests.flask.flask_app"
    for line in (
        f"teardown_appcontext {name}.create_app_with_trouble.<locals>.broken raised OSError; that costs no job",
        f"teardown_appcontext {name}.create_app_with_trouble.<locals>.leaves raised SystemExit; that costs no job",
        f"appcontext_tearing_down {name}._broken_receiver raised KeyError; that costs no job",
        f"on_failure {name}.create_app_with_trouble.<locals>.write_and_fail raised LookupError; that costs no job",
    ):
        assert told.count(line) == 1, told  # and not with each job
    assert "OSError: cannot put it away" in told
    ended = [line.split()[2] for line in notes.read_text().splitlines() if line.startswith("teardown")]
    assert ended[-4:] == ["NoneType", "NoneType", "ValueError", "LookupError"]  # the last is the hook's


def test_without_an_address_flask_says_what_to_set_and_server_name_will_do(bench: Bench) -> None:
    without, with_name = call("where"), call("where")
    bench.queue.send([without])
    bench.burst(app=f"{APP}:create_app_without_address")
    error = bench.queue.get(without.id).error or ""
    assert "cannot make the URL of 'order' outside of a request: set LIQUID_BACKGROUND_BASE_URL in app.config" in error
    assert "'SERVER_NAME'" in error
    bench.queue.send([with_name])
    bench.burst(app=f"{APP}:create_app_with_server_name")
    assert bench.queue.get(with_name.id).result == "shop https://tea.example/orders/7 nothing"


def test_an_application_may_be_named_in_each_way() -> None:
    for name in ("create_app", "create_app()"):
        performer = load_app(f"{APP}:{name}")
        assert type(performer).__name__ == "Engine"
    for name in ("create_bare_app", "create_bare_app()"):
        with pytest.raises(SettingsError, match=r"returned a Flask, which cannot .*: LiquidBackground\(app\)"):
            load_app(f"{APP}:{name}")
    with pytest.raises(SettingsError, match=r"Working outside of application context.*with app\.app_context\(\)"):
        load_app(f"{APP}:background")


def test_an_application_object_may_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    made = flask_app.create_app()
    monkeypatch.setattr(flask_app, "app", made, raising=False)
    with made.app_context():
        assert load_app(f"{APP}:app") is get_engine()
    monkeypatch.setattr(flask_app, "app", flask_app.create_bare_app())
    with pytest.raises(SettingsError, match=r"is a Flask, which cannot perform jobs; set liquid_background\.flask up"):
        load_app(f"{APP}:app")
