"""The spans of pages and attempts, by OpenTelemetry's API alone: without an SDK they cost next to nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Final

from opentelemetry import trace as api
from opentelemetry.context import Context
from opentelemetry.trace import Link, Span, SpanKind, Status, StatusCode, TracerProvider
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util.types import AttributeValue

from liquid_background.engine import Engine
from liquid_background.hooks import Attempt
from liquid_background.job import carry_traces

_NAME: Final = "liquid_background"
_PARENT: Final = "traceparent"
_TEXT: Final = TraceContextTextMapPropagator()


def instrument(engine: Engine, *, tracer_provider: TracerProvider | None = None) -> None:
    """Have an engine's pages and jobs traced.

    The render of a page is a span, in the request's where that is traced. Each attempt of a job is one, in whatever
    process performs it: a child of the span in which the job was made, and from the second attempt on linked to it with
    the number of the attempt, too. Jobs that an attempt makes are below it.

    Jobs carry the ids of the trace and the span, whoever made the engine: all jobs of this process do from now on.

    Args:
        engine: whose pages and jobs they are.
        tracer_provider: the global one when it is None.
    """

    def tracer() -> api.Tracer | None:  # asked anew: the SDK may be set up later, as in each child of a worker
        if tracer_provider is None and isinstance(api.get_tracer_provider(), api.ProxyTracerProvider):
            return None  # nobody hears of spans
        return api.get_tracer(_NAME, tracer_provider=tracer_provider)

    def around_page(template: str) -> AbstractContextManager[None]:
        its = tracer()
        attributes = {f"{_NAME}.template": template}
        return nullcontext() if its is None else _inside(its.start_span(f"render {template}", attributes=attributes))

    def around_job(attempt: Attempt) -> AbstractContextManager[None]:
        its = tracer()
        return nullcontext() if its is None else _inside(_start(its, attempt))

    carry_traces(_current)
    engine.around_page(around_page)
    engine.around_job(around_job)


def _current() -> str:
    carrier: dict[str, str] = {}
    _TEXT.inject(carrier)  # nothing, outside of a span
    return carrier.get(_PARENT, "")


def _start(tracer: api.Tracer, attempt: Attempt) -> Span:
    parent = _TEXT.extract({_PARENT: attempt.traceparent}, Context())  # an empty one, if that is none
    made_in = api.get_current_span(parent).get_span_context()
    links = []
    if attempt.attempt > 1 and made_in.is_valid:
        links.append(Link(made_in, {f"{_NAME}.attempt": attempt.attempt}))
    return tracer.start_span(
        f"process {attempt.source_name}", parent, SpanKind.CONSUMER, attributes=_attributes(attempt), links=links
    )


def _attributes(attempt: Attempt) -> Mapping[str, AttributeValue]:
    """Return what a span says, by OpenTelemetry's conventions for messaging where they have a word for it."""
    return {
        "messaging.system": _NAME,
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.destination.name": attempt.source_name,
        "messaging.message.id": attempt.id,
        f"{_NAME}.template": attempt.template,
        f"{_NAME}.line": attempt.line,
        f"{_NAME}.attempt": attempt.attempt,
        f"{_NAME}.max_attempts": attempt.max_attempts,
    }


@contextmanager
def _inside(span: Span) -> Iterator[None]:
    """Run inside a span that ends with it, and that says what was raised: JobTimeout, too, which is no Exception."""
    with api.use_span(span, end_on_exit=True, record_exception=False, set_status_on_exception=False):
        try:
            yield
        except BaseException as error:
            span.record_exception(error)
            span.set_status(Status(StatusCode.ERROR, f"{type(error).__name__}: {error}"))
            raise
