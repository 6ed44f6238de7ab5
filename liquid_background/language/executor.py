"""Perform one attempt of a job in an environment that it is given."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final, Protocol

from liquid import BoundTemplate

from liquid_background.calling import call
from liquid_background.errors import FunctionNotFound, JobRefused, JobTimeout, NonRetryable, NotPlain
from liquid_background.hooks import Attempt, Hooks
from liquid_background.job import MAX_TRACEBACK, Encoded, LogEntry, Outcome
from liquid_background.jobs.family import Family
from liquid_background.jobs.handover import decode, decode_all, encode, size
from liquid_background.jobs.masking import hidden, mask
from liquid_background.language.environment import Environment
from liquid_background.language.handed import JobContext, hand_over
from liquid_background.language.kept import MAX_BODIES, MAX_BODY_WEIGHT, KeptSources
from liquid_background.language.plan import plan_body
from liquid_background.language.strict import Strict
from liquid_background.language.syntax import class_of, error_of_template, explain, raised_at, seen
from liquid_background.language.tags import Collector, close_collector, collecting, open_collector

_OF_A_PATH: Final = 300  # bytes of a plan for each
MAX_RETURNED: Final = 1024 * 1024  # bytes of JSON that a function may return


@dataclass(frozen=True, slots=True)
class _Body:
    """A body parsed once: its template, and which of its paths the page resolved."""

    template: BoundTemplate
    positions: Mapping[int, tuple[str, int]]
    weight: int = 0


class Functions(Protocol):
    """What knows the Python functions that may run as jobs."""

    def find(self, path: str) -> Callable[..., Any]:
        """Return the function that a payload names, or raise FunctionNotFound."""


class Executor:
    """Performs attempts; keeps the bodies that it has parsed.

    Args:
        environment: with the tags and filters of the application.
        functions: knows the Python functions that jobs may name; without it, none may run.
        hooks: the application's, around each attempt.
    """

    context_class: type[JobContext] = JobContext

    def __init__(
        self, environment: Environment, functions: Functions | None = None, hooks: Hooks | None = None
    ) -> None:
        self.environment = environment
        self._functions = functions
        self._hooks = hooks or Hooks()
        self._bodies: KeptSources[object, _Body] = KeptSources(MAX_BODIES, MAX_BODY_WEIGHT)

    def perform(self, job_id: str, payload: Mapping[str, Any], attempt: int, max_attempts: int) -> Outcome:
        """Perform one attempt; whatever the body does, the outcome says how it ended.

        Args:
            job_id: the job's id.
            payload: checked by `liquid_background.jobs.queue.payload.check_payload`.
            attempt: number of this attempt, from 1.
            max_attempts: attempts that the job may have in all.
        """
        collector = self._collector(job_id, payload, attempt, max_attempts)
        started = time.monotonic()
        result, error, raised, trace, retry = None, None, "", "", True
        exception: BaseException | None = None
        try:
            if self._hooks.around_jobs:
                seen = Attempt.of(job_id, payload, attempt, max_attempts)
                result = self._hooks.around(seen, partial(self._perform, payload, collector))
            else:
                result = self._perform(payload, collector)
        except JobTimeout as reason:
            error, raised, exception = str(reason), class_of(reason), reason
        except MemoryError:
            error, raised = "ran out of memory (LIQUID_BACKGROUND_MEMORY_LIMIT)", "MemoryError"
        except BaseException as reason:  # noqa: BLE001  SystemExit in a body ends the attempt, not the worker
            error, raised, trace = _said_of(reason, payload, self.environment.secret_names)
            exception, retry = reason, not isinstance(reason, NonRetryable | JobRefused)
        try:
            return Outcome(
                collector.keep(result) if isinstance(result, str) and "function" not in payload else result,
                error,
                raised,
                trace,
                retry,
                round((time.monotonic() - started) * 1000),
                tuple(collector.sendable()) if error is None and collector.jobs else (),
                _without_secrets(collector.entries, payload, self.environment.secret_names),
                exception if self._hooks.failures else None,
            )
        finally:
            del exception  # whose traceback holds this frame

    def _collector(self, job_id: str, payload: Mapping[str, Any], attempt: int, max_attempts: int) -> Collector:
        running = partial(_running, job_id, payload, attempt, max_attempts)
        return Collector(self.environment, running, family=Family.of(payload), maker=job_id)

    def _perform(self, payload: Mapping[str, Any], collector: Collector) -> Encoded:
        result = self._call(payload, collector) if "function" in payload else self._render(payload, collector)
        collector.handed_on()
        return result

    def _call(self, payload: Mapping[str, Any], collector: Collector) -> Encoded:
        if self._functions is None:
            raise FunctionNotFound(
                f"no Python functions are registered here, so {payload['function']!r} does not run: give the executor "
                "those of the application"
            )
        function = self._functions.find(payload["function"])
        given = payload["parameters"]
        args, kwargs = decode(given.get("args", [])), decode_all(given.get("kwargs", {}))
        with collecting(collector):
            return plain_result(call(function, args, kwargs))

    def _render(self, payload: Mapping[str, Any], collector: Collector) -> str:
        with Strict():
            body = self._body(payload)
            context = self.context_class(
                body.template,
                positions=body.positions,
                handed_over=decode_all(payload["handed_over"]),
                # python-liquid takes an empty mapping for none at all, and `render` then sees no arguments
                globals=decode_all(payload["parameters"]) or {"": None},
            )
            open_collector(context, lambda: collector)
            buffer = context.get_buffer()
            try:
                body.template.render_with_context(context, buffer)
            except RecursionError as error:
                raise error_of_template(error) from error
            finally:
                close_collector(context)
            return buffer.getvalue()

    def _body(self, payload: Mapping[str, Any]) -> _Body:
        source = payload.get("source")
        if source is None:
            return _Body(self.environment.get_template(payload["partial"], tag="background"), {})
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
        for path in plan.paths:
            hand_over(path)
        beside = _OF_A_PATH * len(plan.positions) + len(payload["source"]) + sum(map(len, names))  # the plan, its key
        return _Body(template, plan.positions, template.weight + beside)


def _running(job_id: str, payload: Mapping[str, Any], attempt: int, max_attempts: int) -> LogEntry:
    """Return the pattern of the lines that an attempt logs."""
    return LogEntry(
        job_id=job_id,
        source_name=payload["source_name"],
        template=payload["template"],
        line=payload["line"],
        attempt=attempt,
        max_attempts=max_attempts,
    )


def plain_result(returned: object) -> Encoded:
    """Return what a function returned, encoded.

    Raises:
        NonRetryable: when it is not plain data, or too much of it.
    """
    try:
        encoded = encode(returned)
    except NotPlain as reason:
        raise NonRetryable(f"the function ran, but its result {reason}: return ids or plain values") from reason
    if size(encoded) > MAX_RETURNED:
        raise NonRetryable(f"the function ran, but its result is over {MAX_RETURNED // 1024} KB: return an id")
    return encoded


def _said_of(error: BaseException, payload: Mapping[str, Any], secret_names: Sequence[str]) -> tuple[str, str, str]:
    """Return what is said of an error, with the job's secrets masked: in one line, its class, and its traceback."""
    if "partial" in payload and payload["partial"] != payload["template"]:
        error.add_note(f"run from {payload['template']}:{payload['line']}")
    shown = partial(hidden, values=_values_of(payload), secret_names=secret_names, written=seen)
    return shown(_one_line(error, payload)), class_of(error), shown(_traceback(error))[-MAX_TRACEBACK:]


def _without_secrets(
    entries: Sequence[LogEntry], payload: Mapping[str, Any], secret_names: Sequence[str]
) -> tuple[LogEntry, ...]:
    """Return what a body logged with the job's secrets masked: the log outlives the record that tells them."""
    values = _values_of(payload) if entries else {}
    if not values or mask(values, secret_names) == values:
        return tuple(entries)
    shown = partial(hidden, values=values, secret_names=secret_names)
    return tuple(replace(entry, message=shown(entry.message)) for entry in entries)


def _one_line(error: BaseException, payload: Mapping[str, Any]) -> str:
    """Return what was wrong and where: of a function, which is named by where it is defined, the line that raised."""
    place = raised_at(error, payload["function"]) if "function" in payload else ""
    return f"{explain(error)} ({place})" if place else explain(error)


def _traceback(error: BaseException) -> str:
    return "".join(traceback.format_exception(error))


def _values_of(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what a job was given, for a text that may repeat secrets of it: who reads it does not know the job."""
    try:
        return decode_all({"parameters": payload["parameters"], "handed_over": payload.get("handed_over", {})})
    except Exception:  # noqa: BLE001  what cannot be decoded is the error then
        return {}
