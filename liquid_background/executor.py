"""Perform one attempt of a job in an environment that it is given."""

from __future__ import annotations

import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from liquid import BoundTemplate, RenderContext, Token
from liquid.output import LimitedStringIO
from liquid.undefined import UNDEFINED
from liquid.utils import LRUCache, ReadOnlyChainMap

from liquid_background.environment import Environment
from liquid_background.errors import JobTimeout
from liquid_background.handover import decode_all
from liquid_background.job import LogEntry, Outcome
from liquid_background.plan import plan_body
from liquid_background.syntax import explain
from liquid_background.tags import Collector, close_collector, open_collector

MAX_RESULT: Final = 10 * 1024 * 1024  # bytes that a body may print
CACHED_BODIES: Final = 500


@dataclass(frozen=True, slots=True)
class _Body:
    """A body parsed once: its template, and which of its paths the page resolved."""

    template: BoundTemplate
    positions: Mapping[int, tuple[str, int]]
    source: str | None  # what the tokens of those paths point into


class JobContext(RenderContext):
    """What a job sees: its parameters, what it assigns, and handed-over values where the plan put them."""

    __slots__ = ("body", "handed_over")
    body: _Body
    handed_over: Mapping[str, object]

    def __init__(
        self,
        template: Any,
        *,
        body: _Body | None = None,
        handed_over: Mapping[str, object] | None = None,
        parent_context: RenderContext | None = None,
        **options: Any,
    ) -> None:
        super().__init__(template, parent_context=parent_context, **options)
        if isinstance(parent_context, JobContext):
            self.body, self.handed_over = parent_context.body, parent_context.handed_over
        elif body is not None and handed_over is not None:
            self.body, self.handed_over = body, handed_over

    def get(self, path: list[object], *, token: Token | None, default: object = UNDEFINED) -> object:
        """Resolve a path: handed over, if the plan says so and no local has that name; else as ever."""
        covered = self._covered(path, token)
        if covered is None:
            return super().get(path, token=token, default=default)
        try:
            key, rest = covered
            value = self.handed_over[key]
            for segment in rest:
                value = self.get_item(value, segment)
        except (KeyError, TypeError, IndexError):
            if default == UNDEFINED:
                return self.env.undefined(str(path[0]), token=token)
            return default
        return value

    async def get_async(self, path: list[object], *, token: Token | None, default: object = UNDEFINED) -> object:
        """Resolve a path; handed-over values are plain, so there is nothing to await in them."""
        if self._covered(path, token) is not None:
            return self.get(path, token=token, default=default)
        return await super().get_async(path, token=token, default=default)

    def _covered(self, path: list[object], token: Token | None) -> tuple[str, list[object]] | None:
        """Return the handed-over key for a path and the segments beyond it."""
        if token is None or token.source is not self.body.source:
            return None
        planned = self.body.positions.get(token.start_index)
        if planned is None or path[0] in self.locals:
            return None
        return planned[0], path[planned[1] :]


class Executor:
    """Performs attempts; keeps the bodies that it has parsed.

    Args:
        environment: with the tags and filters of the application.
    """

    def __init__(self, environment: Environment) -> None:
        self.environment = environment
        self._bodies: LRUCache[object, _Body] = LRUCache(capacity=CACHED_BODIES)

    def perform(self, job_id: str, payload: Mapping[str, Any], attempt: int, max_attempts: int) -> Outcome:
        """Perform one attempt; whatever the body does, the outcome says how it ended.

        Args:
            job_id: the job's id.
            payload: checked by `liquid_background.job.check_payload`.
            attempt: number of this attempt, from 1.
            max_attempts: attempts that the job may have in all.
        """
        running = LogEntry(
            job_id=job_id,
            source_name=payload["source_name"],
            template=payload["template"],
            line=payload["line"],
            attempt=attempt,
            max_attempts=max_attempts,
        )
        collector = Collector(self.environment, running)
        started = time.monotonic()
        result, error, trace = None, None, ""
        try:
            result = self._render(payload, collector)
        except JobTimeout as reason:
            error = str(reason)
        except MemoryError:
            error = "ran out of memory (setting memory_limit)"
        except BaseException as reason:  # noqa: BLE001  SystemExit in a body ends the attempt, not the worker
            error, trace = explain(reason), _traceback(reason)
        return Outcome(
            result=result,
            error=error,
            traceback=trace,
            duration=round((time.monotonic() - started) * 1000),
            jobs=tuple(collector.jobs) if error is None else (),
            entries=tuple(collector.entries),
        )

    def _render(self, payload: Mapping[str, Any], collector: Collector) -> str:
        with self.environment.strict():
            body = self._body(payload)
            context = JobContext(
                body.template,
                body=body,
                handed_over=decode_all(payload["handed_over"]),
                # python-liquid takes an empty mapping for none at all, and `render` then sees no arguments
                globals=ReadOnlyChainMap({"": None}, decode_all(payload["parameters"])),
            )
            open_collector(context, lambda: collector)
            buffer = LimitedStringIO(limit=MAX_RESULT)
            try:
                body.template.render_with_context(context, buffer)
            finally:
                close_collector(context)
            return buffer.getvalue()

    def _body(self, payload: Mapping[str, Any]) -> _Body:
        source = payload.get("source")
        if source is None:
            template = self.environment.get_template(payload["partial"], tag="background")
            return _Body(template, {}, None)
        names = frozenset(payload["parameters"])
        key = (source, payload["template"], payload["line"], payload["column"], names)
        try:
            return self._bodies[key]
        except KeyError:
            body = self._bodies[key] = self._parse(payload, names)
            return body

    def _parse(self, payload: Mapping[str, Any], names: frozenset[str]) -> _Body:
        template = self.environment.parse_at(
            payload["source"], line=payload["line"], column=payload["column"], path=payload["template"]
        )
        plan = plan_body(self.environment, template.nodes, names, self.environment.hands_over)
        source = template.nodes[0].token.source if template.nodes else None
        return _Body(template, plan.positions, source)


def _traceback(error: BaseException) -> str:
    return "".join(traceback.format_exception(error))[-20_000:]
