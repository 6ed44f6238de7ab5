"""OpenTelemetry: a page's span is the parent of its jobs' spans, across the queue; each attempt is a span.

    instrument(engine)

See docs/tracing.md.
"""

from liquid_background.extras import extra

with extra("otel"):
    from liquid_background.otel.spans import instrument

__all__ = ["instrument"]
