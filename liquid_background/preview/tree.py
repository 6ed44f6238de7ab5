"""A preview as a tree of text: one line for each thing, whatever is in it, with nothing that moves a cursor."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Final, TypeAlias

from liquid_background.job import Encoded
from liquid_background.jobs.log import printable, printable_once, steady
from liquid_background.language.dry import DryVerdict, Effect
from liquid_background.preview.values import Preview, PreviewedJob, PreviewedRun, PreviewedValue
from liquid_background.wording import counted

Paint: TypeAlias = Callable[[str, str], str]
"""Returns a text as it looks that is a `name`, `good`, `bad`, `doubtful` or a `note`."""
Row: TypeAlias = tuple[str, str]
"""The branches of the tree to the left of a line, and the line."""

_TONES: Final = {
    DryVerdict.PASSES: "good",
    DryVerdict.FAILS: "bad",
    DryVerdict.DEPENDS: "doubtful",
    DryVerdict.UNKNOWN: "doubtful",
}
_VALUE: Final = 100  # characters of a value that are shown
_LINES: Final = 8  # of an output
_WIDTH: Final = 100  # characters of one of them
_LISTED: Final = 20  # effects and log lines of a run; the JSON has all


def _plainly(text: str, _tone: str) -> str:
    return text


class Tree:
    """A preview for reading: what it is of, its jobs and theirs as a tree, and what was left out.

    Args:
        preview: what is shown.
        paint: colours it.
    """

    def __init__(self, preview: Preview, paint: Paint = _plainly) -> None:
        self._preview = preview
        self._paint = paint
        self._effects = preview.effects

    def rows(self) -> Iterator[Row]:
        """Yield its lines, each with the branches to the left of it."""
        preview = self._preview
        name = f"pages/{preview.page}" if preview.page else f"job {preview.job}"
        yield "", f"{self._paint(printable(name), 'name')}  {self._verdict(preview.run)}"
        yield from (("  ", line) for line in self._run(preview.run, of_page=bool(preview.page)))
        yield from self._branches(preview.run, "")
        yield "", ""
        yield "", self._summary()
        yield from (("", f"Left out: {printable(each)}.") for each in preview.cut)

    def _branches(self, run: PreviewedRun, before: str) -> Iterator[Row]:
        """Yield the jobs of a run, each with what it makes below it."""
        for at, job in enumerate(run.jobs):
            is_last = at == len(run.jobs) - 1 and not run.jobs_left_out
            head, below = ("└─ ", "   ") if is_last else ("├─ ", "│  ")
            yield before, "│"
            yield before + head, self._title(job)
            yield from ((f"{before}{below}  ", line) for line in self._job(job))
            if job.run is not None:
                yield from self._branches(job.run, before + below)
        if run.jobs_left_out:
            yield before, "│"
            yield f"{before}└─ ", f"… and {counted(run.jobs_left_out, 'more job')}"

    def _title(self, job: PreviewedJob) -> str:
        said = self._verdict(job.run) if job.run is not None else self._paint(job.cut, "doubtful")
        return f"{job.number} {self._paint(steady(job.source_name), 'name')}  {said}"

    def _job(self, job: PreviewedJob) -> Iterator[str]:
        """Yield what there is to say of a job, but for its name and what it makes."""
        yield " · ".join(_facts(job))
        if job.depends_on:
            said = f"depends on {self._names(job.depends_on)}: whether it is sent, or with which values"
            yield self._paint(said, "doubtful")
        for values in (job.parameters, job.handed_over):
            yield from map(_value, values)
        if job.run is not None:
            yield from self._run(job.run)

    def _run(self, run: PreviewedRun, *, of_page: bool = False) -> Iterator[str]:
        """Yield what a run does."""
        if run.error is not None:
            yield self._paint(f"error: {printable(run.error)}", "bad")
        for effect in run.effects[:_LISTED]:
            yield f"{self._paint('not called:', 'note')} {_effect(effect)}"
        yield from _more(len(run.effects) - _LISTED + run.effects_left_out, "more call")
        for line in run.lines[:_LISTED]:
            kind = "" if line.type == "info" else f" ({steady(line.type)})"
            yield f"log{kind}: {printable(line.message)}{self._depending(line.depends_on)}"
        yield from _more(len(run.lines) - _LISTED, "more line")
        for event in run.events:
            yield f"event: {steady(event.name)}, {counted(event.consumers, 'consumer')}"
        if run.output is not None:
            yield from self._output(run, of_page=of_page)

    def _output(self, run: PreviewedRun, *, of_page: bool) -> Iterator[str]:
        text = run.output if isinstance(run.output, str) else json.dumps(run.output, ensure_ascii=False)
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        if not lines:
            yield "output: nothing but blanks" if run.output_size else "output: nothing"
            return
        yield f"output: {counted(run.output_size, 'byte')}{self._depending(run.output_depends_on)}"
        if not of_page:
            yield from (f"  {_short(printable(line), _WIDTH)}" for line in lines[:_LINES])
            yield from (f"  {line}" for line in _more(len(lines) - _LINES, "more line"))

    def _verdict(self, run: PreviewedRun) -> str:
        said = str(run.verdict)
        if run.verdict is DryVerdict.DEPENDS:
            said = f"{'fails' if run.error is not None else 'passes'}, depending on {self._names(run.depends_on)}"
        elif run.verdict is DryVerdict.UNKNOWN:
            said = "takes too long to tell"
        return self._paint(said, _TONES[run.verdict])

    def _depending(self, numbers: Sequence[int]) -> str:
        return self._paint(f" (depends on {self._names(numbers)})", "doubtful") if numbers else ""

    def _names(self, numbers: Sequence[int]) -> str:
        """Return the names of effects; several of one name count once."""
        names = dict.fromkeys(self._effects[number].name for number in numbers if number in self._effects)
        return ", ".join(map(steady, names)) or "a call that is not listed"

    def _summary(self) -> str:
        runs = [*self._preview.runs()]
        jobs = sum(1 for _ in self._preview.jobs())
        calls = sum(len(run.effects) + run.effects_left_out for run in runs)
        failing = sum(run.verdict is DryVerdict.FAILS for run in runs)
        said = [counted(jobs, "job"), f"{counted(calls, 'call')} of the application's code"]
        if failing:
            said.append(f"{failing} {'fails' if failing == 1 else 'fail'}")
        return f"{', '.join(said)}. Nothing was sent, and none of the calls was made."


def _facts(job: PreviewedJob) -> Iterator[str]:
    yield job.priority
    yield f"due after {_minutes(job.due)}" if job.due else "due at once"
    if job.max_attempts > 1:
        yield f"{job.max_attempts} attempts (after {', '.join(f'{wait:g} s' for wait in job.waits)})"
    if job.event:
        yield f"on {steady(job.event)}"
    yield steady(job.what) if job.what else f"{steady(job.template)}:{job.line}"
    yield counted(job.size, "byte")


def _minutes(seconds: float) -> str:
    return f"{seconds:g} s" if seconds < 120 else f"{seconds / 60:g} min"


def _value(value: PreviewedValue) -> str:
    return f"{printable(value.name)} = {_shown(value.value)} ({counted(value.size, 'byte')})"


def _effect(effect: Effect) -> str:
    arguments = ", ".join(
        _shown(value) if name.isdigit() else f"{printable(name)}: {_shown(value)}"
        for name, value in effect.arguments.items()
    )
    place = f" ({steady(effect.template)}:{effect.line})" if effect.template else ""
    body = f" around {_shown(' '.join(effect.text.split()))}" if effect.text.strip() else ""
    stood = ", its preview answered" if effect.is_previewed else ""
    return f"{effect.kind} {steady(effect.name)}({arguments}){body}{place}{stood}"


def _more(count: int, what: str) -> Iterator[str]:
    if count > 0:
        yield f"… and {counted(count, what)}"


def _shown(value: Encoded) -> str:
    return _short(printable_once(json.dumps(value, ensure_ascii=False)), _VALUE)


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
