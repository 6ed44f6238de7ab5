"""Dry runs: what a job, or a page, would do against the templates as they are now; nothing of it is done."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from math import inf
from typing import Any, Unpack

from liquid_background.errors import PageNotFound, PageTimeout
from liquid_background.job import Encoded, Job, LogEntry, Outcome
from liquid_background.jobs.operating.verdicts import DryVerdict
from liquid_background.jobs.queue.payload import payload_of
from liquid_background.language.dry.context import DryContext
from liquid_background.language.dry.environment import DryCollector, DryEnvironment, dry_environment, stand_in
from liquid_background.language.dry.marks import Marks
from liquid_background.language.dry.trace import Effect, Trace
from liquid_background.language.environment import Environment
from liquid_background.language.executor import Executor, Functions
from liquid_background.language.pages import find_page
from liquid_background.language.rendering import Request, render_page
from liquid_background.language.syntax import class_of, error_of_template, explain, locate
from liquid_background.language.tags import Collector


@dataclass(frozen=True, slots=True)
class DryEntry:
    """A line that a run would log."""

    entry: LogEntry
    depends_on: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class DryJob:
    """A job that a run would make."""

    job: Job  # with what people are shown in the place of marks
    payload: Mapping[str, Any]  # for a dry run of it, with the marks of its preview
    depends_on: tuple[int, ...]
    event: str = ""  # that made it; empty for a job of a block, or of Python code


@dataclass(frozen=True, slots=True)
class DryEvent:
    """An event that a run would trigger."""

    name: str
    consumers: int  # how many get it each time


@dataclass(frozen=True, slots=True, kw_only=True)
class DryOutcome:
    """How a run would end, and what it would make.

    Attributes:
        verdict: what becomes of it.
        result: its text, or what a function returned, encoded; [name?] stands for what depends on an effect of that
            name. None when it failed.
        error: one line that says why it fails, and where; secrets of the job's values are masked.
        raised: the class of the error; "" when there is none.
        template: where the error was raised; "" when nothing tells.
        line: of that template; 0 when nothing tells.
        depends_on: numbers of the effects that the verdict depends on.
        result_depends_on: numbers of those that the result depends on.
        effects: what was listed, and not called.
        effects_left_out: how many more there were.
        entries: what it would log, an attempt's end aside.
        jobs: what it would send; none when it fails.
        events: what it would trigger, whoever consumes it.
    """

    verdict: DryVerdict
    result: Encoded = None
    error: str | None = None
    raised: str = ""
    template: str = ""
    line: int = 0
    depends_on: tuple[int, ...] = ()
    result_depends_on: tuple[int, ...] = ()
    effects: tuple[Effect, ...] = ()
    effects_left_out: int = 0
    entries: tuple[DryEntry, ...] = ()
    jobs: tuple[DryJob, ...] = ()
    events: tuple[DryEvent, ...] = ()


class DryRuns:
    """Runs jobs and pages dry in an environment, one after the other; made once, it parses each template once.

    It reads templates and nothing else: no store is needed, nothing is sent, and of the application's own code only
    that is called which it has declared pure, or given for previews.

    Args:
        environment: the application's.
        functions: knows the Python functions that jobs may name; without it, a job that names one fails.
    """

    def __init__(self, environment: Environment, functions: Functions | None = None) -> None:
        self.environment = dry_environment(environment)
        self._executor = _DryExecutor(
            self.environment, None if functions is None else _DryFunctions(functions, self.environment)
        )

    def perform(
        self,
        payload: Mapping[str, Any],
        job_id: str = "",
        attempt: int = 1,
        max_attempts: int = 1,
        *,
        seconds: float = inf,
        marks: Marks | None = None,
        first: int = 1,
    ) -> DryOutcome:
        """Run one attempt of a job dry; whatever its body does, the outcome tells.

        Args:
            payload: checked by `liquid_background.jobs.queue.payload.check_payload`.
            job_id: the job's id, for its log lines.
            attempt: number of the attempt, from 1.
            max_attempts: attempts that the job may have in all.
            seconds: that it may take; a look at the clock is taken where pages look at it.
            marks: of the preview that it is a part of; its own when not given.
            first: the number of its first effect.
        """
        self._begin(seconds, marks, first)
        self.environment.trace.decide(self.environment.trace.marks.numbers(payload.get("partial")))
        self._executor.raised = None
        outcome = self._executor.perform(job_id, payload, attempt, max_attempts)
        return self._outcome(outcome, self._executor.raised)

    def render(
        self,
        page: str,
        data: Mapping[str, Any] | None = None,
        *,
        seconds: float = inf,
        marks: Marks | None = None,
        first: int = 1,
        **request: Unpack[Request],
    ) -> DryOutcome:
        """Render a page dry; whatever it does, the outcome tells.

        Args:
            page: its name.
            data: its variables.
            seconds: as in `perform`, as are the next two.
            marks: of the preview that it is a part of.
            first: the number of its first effect.
            request: params, session, cookies, headers, current_user.

        Raises:
            PageNotFound: when there is none of that name.
        """
        self._begin(seconds, marks, first)
        env, raised, text, error = self.environment, None, None, None
        try:
            found = find_page(env, page)
        except PageNotFound:
            raise
        except Exception as reason:  # noqa: BLE001  one that cannot be parsed
            raised = error_of_template(reason)
            return self._outcome(Outcome(None, explain(raised), class_of(raised)), raised)
        try:
            text = render_page(env, found, data, request)
        except Exception as reason:  # noqa: BLE001  whatever a page raises is what is asked for
            raised = error_of_template(reason)
            error = explain(raised)
        made = env.collector
        jobs = tuple(made.jobs) if made is not None and raised is None else ()
        entries = tuple(made.entries) if made is not None else ()
        raised_class = class_of(raised) if raised is not None else ""
        return self._outcome(Outcome(text, error, raised_class, jobs=jobs, entries=entries), raised)

    def _begin(self, seconds: float, marks: Marks | None, first: int) -> None:
        env = self.environment
        env.trace, env.seconds, env.collector = Trace(marks or Marks(), first), seconds, None

    def _outcome(self, outcome: Outcome, raised: BaseException | None) -> DryOutcome:
        """Return what a run has come to, with labels in the place of marks."""
        trace = self.environment.trace
        marks, error = trace.marks, outcome.error
        depends = trace.decided | (trace.worked_on if error is None else trace.valued)
        template, line = ("", 0) if raised is None else locate(raised)
        return DryOutcome(
            verdict=_verdict(error, raised, depends),
            result=marks.shown(outcome.result),
            error=None if error is None else marks.shown(error),
            raised=outcome.raised,
            template=template,
            line=line,
            depends_on=_sorted(depends),
            result_depends_on=_sorted(trace.depends(outcome.result) if error is None else ()),
            effects=tuple(trace.effects),
            effects_left_out=trace.left_out,
            entries=tuple(
                DryEntry(_shown_entry(entry, marks), _sorted(of))
                for entry, of in zip(outcome.entries, trace.entry_depends, strict=False)
            ),
            jobs=tuple(
                DryJob(_shown_job(job, marks), payload_of(job), _sorted(of), event)
                for job, (of, event) in zip(outcome.jobs, trace.jobs, strict=False)
            ),
            events=tuple(DryEvent(marks.shown(name), count) for name, count in trace.events.items()),
        )


def _verdict(error: str | None, raised: BaseException | None, depends: Collection[int]) -> DryVerdict:
    if isinstance(raised, PageTimeout):
        return DryVerdict.UNKNOWN
    if depends:
        return DryVerdict.DEPENDS
    return DryVerdict.PASSES if error is None else DryVerdict.FAILS


def _sorted(numbers: Iterable[int]) -> tuple[int, ...]:
    return tuple(sorted(numbers))


def _shown_entry(entry: LogEntry, marks: Marks) -> LogEntry:
    return replace(entry, message=marks.shown(entry.message), type=marks.shown(entry.type))


def _shown_job(job: Job, marks: Marks) -> Job:
    values = {name: marks.shown(getattr(job, name)) for name in ("parameters", "handed_over", "partial", "source_name")}
    return replace(job, **values)


class _DryExecutor(Executor):
    """Performs attempts in a dry environment, and keeps the error of the last one."""

    context_class = DryContext
    environment: DryEnvironment
    raised: BaseException | None = None

    def _collector(self, job_id: str, payload: Mapping[str, Any], attempt: int, max_attempts: int) -> Collector:
        plain = super()._collector(job_id, payload, attempt, max_attempts)
        env = self.environment
        return DryCollector(env, plain.running, family=plain.family, maker=job_id, trace=env.trace)

    def _perform(self, payload: Mapping[str, Any], collector: Collector) -> Encoded:
        try:
            return super()._perform(payload, collector)
        except BaseException as error:
            self.raised = error
            raise


class _DryFunctions:
    """Knows what is called in the place of the functions that jobs name."""

    def __init__(self, functions: Functions, env: DryEnvironment) -> None:
        self._functions = functions
        self._env = env

    def find(self, path: str) -> Callable[..., Any]:
        """Return what is called in the place of a function.

        Raises:
            FunctionNotFound: when there is none of that name.
        """
        return stand_in("function", path, self._functions.find(path), self._env)
