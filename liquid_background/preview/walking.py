"""The walk of a preview: the page is rendered dry, then the jobs that it makes, then those that they make."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from time import monotonic, time
from typing import Any, Final

from liquid_background.errors import NotPlain
from liquid_background.job import Encoded, Job
from liquid_background.jobs.handover import decode_all, encode, size
from liquid_background.jobs.masking import hidden, hidden_inside, mask, secrets_in
from liquid_background.jobs.queue.payload import encode_payload
from liquid_background.jobs.queue.records import waits_of
from liquid_background.language.dry import DryJob, DryOutcome, DryRuns, Effect, Marks
from liquid_background.language.rendering import Request
from liquid_background.preview.values import (
    Preview,
    PreviewedEvent,
    PreviewedJob,
    PreviewedLine,
    PreviewedRun,
    PreviewedValue,
)
from liquid_background.settings import Settings
from liquid_background.wording import a, counted

MOST_EFFECTS: Final = 1_000
"""Effects that one preview lists."""
LONGEST: Final = 20_000
"""Characters of an output, and bytes of an effect's argument, that a preview shows."""
MOST_OF_EFFECTS: Final = 4 * 1024 * 1024
"""Bytes of the arguments and texts of all effects: whoever asks holds them in memory several times."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How far a preview goes.

    Attributes:
        jobs: that are shown, and run dry.
        depth: how many jobs one after the other are run, of which each makes the next.
        seconds: that all of it may take.
    """

    jobs: int
    depth: int
    seconds: float


@dataclass(slots=True)
class _Step:
    """A job on the walk."""

    made: DryJob
    depth: int  # 1 for a job of the page
    due: float
    outcome: DryOutcome | None = None
    cut: str = ""
    steps: list[_Step] = field(default_factory=list)
    left_out: int = 0


class Walk:
    """One preview.

    Args:
        dry: runs jobs and pages.
        settings: of the engine.
        limits: how far it goes.
    """

    def __init__(self, dry: DryRuns, settings: Settings, limits: Limits) -> None:
        self._dry = dry
        self._settings = settings
        self._limits = limits
        self._ends = monotonic() + limits.seconds
        self._marks = Marks()
        self._effects = 0  # that there were so far
        self._listed = 0  # effects
        self._room = MOST_OF_EFFECTS
        self._shown = 0  # jobs
        self._numbered = 0
        self._cut: dict[str, None] = {}

    def go(self, page: str, data: Mapping[str, Any] | None, request: Request) -> Preview:
        """Return the preview of a page.

        Raises:
            PageNotFound: when there is none of that name.
        """
        outcome = self._dry.render(page, data, **self._options(), **request)
        values = {**self._dry.environment.globals, **request, **(data or {})}
        run = self._followed(outcome, values)
        return Preview(page=page, run=run, cut=tuple(self._cut))

    def go_from(self, job_id: str, payload: Mapping[str, Any]) -> Preview:
        """Return the preview of a job that is in the store."""
        outcome = self._dry.perform(payload, job_id, max_attempts=payload["max_attempts"], **self._options())
        values = {**decode_all(payload["handed_over"]), **decode_all(payload["parameters"])}
        run = self._followed(outcome, values)
        return Preview(job=job_id, run=run, cut=tuple(self._cut))

    def _followed(self, outcome: DryOutcome, values: Mapping[str, Any]) -> PreviewedRun:
        """Return the first run, with all that comes of it.

        Args:
            outcome: how it would end.
            values: that it was given, for their secrets.
        """
        self._effects += len(outcome.effects)
        steps, left_out = self._steps(outcome, 0, 0.0)
        left = deque(steps)
        while left:
            step = left.popleft()
            self._take(step)
            left += step.steps
        return self._run(outcome, steps, left_out, values)

    def _options(self) -> dict[str, Any]:
        return {
            "seconds": max(0.0, self._ends - monotonic()),
            "marks": self._marks,
            "first": self._effects + 1,
        }

    def _steps(self, outcome: DryOutcome, depth: int, due: float) -> tuple[list[_Step], int]:
        """Return the jobs of a run that are shown, and how many more there are."""
        room = max(0, self._limits.jobs - self._shown)
        shown, left_out = outcome.jobs[:room], max(0, len(outcome.jobs) - room)
        self._shown += len(shown)
        if left_out:
            self._cut[f"only the first {counted(self._limits.jobs, 'job')} are shown and run"] = None
        return [_Step(made, depth + 1, due + _wait(made.job)) for made in shown], left_out

    def _take(self, step: _Step) -> None:
        """Run a job dry, unless that goes too far."""
        if step.depth > self._limits.depth:
            step.cut = f"not run: {counted(self._limits.depth, 'job')} before it have made each other"
            self._cut[f"a chain is followed for {counted(self._limits.depth, 'job')}"] = None
        elif monotonic() >= self._ends:
            step.cut = "not run: the preview has taken its time"
            self._cut[f"the preview ended after {self._limits.seconds:g} s"] = None
        else:
            job = step.made.job
            step.outcome = self._dry.perform(
                step.made.payload, job.id, max_attempts=job.max_attempts, **self._options()
            )
            self._effects += len(step.outcome.effects)
            step.steps, step.left_out = self._steps(step.outcome, step.depth, step.due)

    # What people are shown.

    def _run(
        self, outcome: DryOutcome, steps: Sequence[_Step], left_out: int, values: Mapping[str, Any]
    ) -> PreviewedRun:
        effects = outcome.effects[: max(0, MOST_EFFECTS - self._listed)]
        self._listed += len(effects)
        if len(effects) < len(outcome.effects) or outcome.effects_left_out:
            self._cut[f"only the first {MOST_EFFECTS:,} effects are listed"] = None
        result, secret_names = outcome.result, self._settings.secret_names
        values = secrets_in(values, secret_names)
        shown = hidden_inside(mask({"": result}, secret_names)[""], values, secret_names)
        return PreviewedRun(
            verdict=outcome.verdict,
            output=f"{shown[:LONGEST]}…" if isinstance(shown, str) and len(shown) > LONGEST else shown,
            output_size=_size(result),
            error=None if outcome.error is None else hidden(outcome.error, values, secret_names),
            raised=outcome.raised,
            template=outcome.template,
            line=outcome.line,
            depends_on=outcome.depends_on,
            output_depends_on=outcome.result_depends_on,
            effects=tuple(self._effect(each, values) for each in effects),
            effects_left_out=outcome.effects_left_out + len(outcome.effects) - len(effects),
            lines=tuple(
                PreviewedLine(
                    message=hidden(each.entry.message, values, secret_names),
                    type=each.entry.type,
                    template=each.entry.template,
                    line=each.entry.line,
                    depends_on=each.depends_on,
                )
                for each in outcome.entries
            ),
            events=tuple(PreviewedEvent(name=each.name, consumers=each.consumers) for each in outcome.events),
            jobs=tuple(map(self._job, steps)),
            jobs_left_out=left_out,
        )

    def _effect(self, effect: Effect, values: Mapping[str, Any]) -> Effect:
        secret_names = self._settings.secret_names
        masked = mask(effect.arguments, secret_names)
        arguments = {name: hidden_inside(self._fitting(value), values, secret_names) for name, value in masked.items()}
        text = str(self._fitting(effect.text, MOST_OF_EFFECTS))
        return replace(effect, arguments=arguments, text=hidden(text, values, secret_names))

    def _fitting(self, value: object, most: int = LONGEST) -> Encoded:
        """Return a value encoded; of one that is large, or for which no room is left, how large it is."""
        try:
            made = encode(value)
        except NotPlain:
            return a(type(value).__name__)
        bytes_ = size(made)
        if bytes_ > min(most, self._room):
            return f"{a(type(value).__name__)} of {bytes_:,} bytes"
        self._room -= bytes_
        return made

    def _job(self, step: _Step) -> PreviewedJob:
        self._numbered += 1
        job, number = step.made.job, self._numbered
        values = {**decode_all(job.handed_over), **decode_all(job.parameters)}
        run = self._run(step.outcome, step.steps, step.left_out, values) if step.outcome is not None else None
        return PreviewedJob(
            number=number,
            source_name=job.source_name,
            priority=str(job.priority),
            delay=job.delay,
            max_attempts=job.max_attempts,
            waits=tuple(waits_of(job, self._settings)),
            due=step.due,
            kind="block" if job.source is not None else "partial" if job.partial is not None else "function",
            what=job.partial or job.function or "",
            template=job.template,
            line=job.line,
            event=step.made.event,
            parameters=self._values(job.parameters),
            handed_over=self._values(job.handed_over),
            size=len(encode_payload(step.made.payload)),
            depends_on=step.made.depends_on,
            run=run,
            cut=step.cut,
        )

    def _values(self, values: Mapping[str, Encoded]) -> tuple[PreviewedValue, ...]:
        masked = mask(decode_all(values), self._settings.secret_names)
        return tuple(
            PreviewedValue(name=name, value=encode(value), size=size(values[name])) for name, value in masked.items()
        )


def _wait(job: Job) -> float:
    """Return the seconds after which a job is due that is sent now."""
    return job.delay * 60 if job.start_at is None else max(0.0, job.start_at - time())


def _size(result: Encoded) -> int:
    if result is None:
        return 0
    return len(result.encode("utf-8", "replace")) if isinstance(result, str) else size(result)
