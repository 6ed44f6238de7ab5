"""The recipes of docs/hooks.md for Sentry and OpenTelemetry, in real workers."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from liquid_background.job import Job
from tests.worker.conftest import Bench

APP = "tests.hooks.recipes_app"


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
