"""The recipes of docs/hooks.md for Sentry and OpenTelemetry, in real workers."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from liquid_background import Engine
from liquid_background.job import Job
from tests.hooks.spans import InMemorySpanExporter, instrumented
from tests.worker.conftest import Bench

__all__ = ["instrumented"]

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
def test_opentelemetry_has_a_span_of_each_attempt_below_that_of_its_page(
    bench: Bench, told: Callable[..., list[Any]], instrumented: Callable[[Engine], InMemorySpanExporter]
) -> None:
    told("set_tracer_provider", "instrument")
    engine = Engine(settings=bench.settings)
    pages = instrumented(engine)
    engine.render_string(
        "{% background source_name: 'outer' %}"
        "{% background source_name: 'inner' %}x{% endbackground %}{% endbackground %}"
        "{% background source_name: 'broken', max_attempts: 2 %}{{ 1 | divided_by: 0 }}{% endbackground %}",
        name="pages/shop",
    )
    ok = _job("divide", "untraced", number=1)
    bench.queue.send([ok])
    log = bench.burst(app=f"{APP}:engine")
    assert "costs no job" not in log
    [page] = pages.get_finished_spans()
    assert page.name == "render pages/shop"
    spans: dict[str, list[Any]] = {}
    for event in told():
        spans.setdefault(event["span"]["name"], []).append(event["span"])
    [outer], [inner], broken, [untraced] = (
        spans[f"process {name}"] for name in ("outer", "inner", "broken", "untraced")
    )
    below = f"0x{page.context.span_id:016x}"
    assert {span["parent_id"] for span in (outer, *broken)} == {below}
    assert inner["parent_id"] == outer["context"]["span_id"]
    in_trace = {span["context"]["trace_id"] for span in (outer, inner, *broken)}
    assert in_trace == {f"0x{page.context.trace_id:032x}"}
    assert [len(span["links"]) for span in broken] == [0, 1]
    assert broken[1]["links"][0]["context"]["span_id"] == below
    assert {span["status"]["status_code"] for span in broken} == {"ERROR"}
    assert untraced["parent_id"] is None
    assert untraced["attributes"]["messaging.message.id"] == ok.id
    assert untraced["kind"] == "SpanKind.CONSUMER"
    [dividing] = spans["dividing"]
    assert dividing["parent_id"] == untraced["context"]["span_id"]
