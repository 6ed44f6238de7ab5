"""Spans that a test's own process makes."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from liquid_background import Engine
from liquid_background.job import carry_traces
from liquid_background.otel import instrument


@pytest.fixture
def instrumented() -> Iterator[Callable[[Engine], InMemorySpanExporter]]:
    """`instrumented(engine)` has an engine traced, and returns where its spans are; other tests' jobs carry nothing."""

    def of(engine: Engine) -> InMemorySpanExporter:
        exporter, provider = InMemorySpanExporter(), TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(exporter))
        instrument(engine, tracer_provider=provider)
        return exporter

    yield of
    carry_traces(None)
