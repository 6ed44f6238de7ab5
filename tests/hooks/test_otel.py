"""Spans of pages and attempts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from liquid_background import Engine
from liquid_background.jobs.queue import keys
from liquid_background.jobs.queue.payload import decode_payload
from liquid_background.jobs.store import Store
from liquid_background.settings import Settings
from tests.hooks.spans import instrumented

__all__ = ["instrumented"]

Instrumented = Callable[[Engine], InMemorySpanExporter]
_BLOCK = "{% background source_name: 'x' %}x{% endbackground %}"


@pytest.fixture
def engine(settings: Settings) -> Engine:
    return Engine(settings=settings)


def _payload(engine: Engine) -> dict[str, Any]:
    (job,) = engine.jobs.list()
    data = engine.store.client.hget(keys.job(job.id), "data")
    return decode_payload(data)


def test_a_job_carries_the_span_of_its_page(engine: Engine, instrumented: Instrumented) -> None:
    spans = instrumented(engine)
    engine.render_string(_BLOCK, name="pages/p")
    [span] = spans.get_finished_spans()
    carried = _payload(engine)["traceparent"]
    assert carried.startswith(f"00-{span.context.trace_id:032x}-{span.context.span_id:016x}-")
    assert span.name == "render pages/p"


def test_pages_that_wait_have_their_own_spans(engine: Engine, instrumented: Instrumented) -> None:
    spans = instrumented(engine)

    async def pages() -> None:
        template = engine.environment.from_string(_BLOCK, name="pages/p")
        await asyncio.gather(*(engine.render_async(template) for _ in range(3)))

    asyncio.run(pages())
    made_in = {_parent(engine, job.id) for job in engine.jobs.list()}
    assert made_in == {f"{span.context.span_id:016x}" for span in spans.get_finished_spans()}
    assert len(made_in) == 3


def _parent(engine: Engine, job_id: str) -> str:
    data = engine.store.client.hget(keys.job(job_id), "data")
    return str(decode_payload(data)["traceparent"]).split("-")[2]


def test_an_error_of_a_page_is_in_its_span_and_comes_out(engine: Engine, instrumented: Instrumented) -> None:
    spans = instrumented(engine)
    with pytest.raises(Exception, match="divide by"):
        engine.render_string("{{ 1 | divided_by: 0 }}")
    [span] = spans.get_finished_spans()
    assert span.status.status_code.name == "ERROR"
    assert span.events[0].name == "exception"


def test_without_it_nothing_is_carried(engine: Engine) -> None:
    engine.render_string(_BLOCK)
    assert "traceparent" not in _payload(engine)


@pytest.mark.parametrize("carried", ["", "garbage", "00-0-0-00", 7, None, ["x"], "00-" + "f" * 99_000])
def test_garbage_that_is_carried_begins_a_trace(
    engine: Engine, store: Store, instrumented: Instrumented, carried: object
) -> None:
    spans = instrumented(engine)
    payload = {
        "v": 1,
        "template": "pages/p",
        "line": 1,
        "column": 0,
        "source": "x",
        "source_name": "x",
        "delay": 0,
        "max_attempts": 1,
        "parameters": {},
        "handed_over": {},
        "traceparent": carried,
    }
    assert engine.perform("id", payload, 1, 1).succeeded
    [span] = spans.get_finished_spans()
    assert span.parent is None


def test_a_hook_around_pages_that_raises_costs_none(engine: Engine, caplog: pytest.LogCaptureFixture) -> None:
    @engine.around_page
    def broken(template: str) -> Any:
        raise ValueError(template)

    assert engine.render_string("page", name="pages/p") == "page"
    assert "around_page hook" in caplog.text
    assert "ValueError: pages/p" in caplog.text
