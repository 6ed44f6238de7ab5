"""A preview as a tree of text."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, Final

from liquid_background.job import Encoded
from liquid_background.jobs.log import printable, printable_once, steady
from liquid_background.language.dry import Effect, Verdict
from liquid_background.preview import Preview, PreviewedJob, PreviewedRun, PreviewedValue
from liquid_background.wording import counted
from poscli.terminal import fitted, styled

_COLOURS: Final = {Verdict.PASSES: "green", Verdict.FAILS: "red", Verdict.DEPENDS: "yellow", Verdict.UNKNOWN: "yellow"}
_VALUE: Final = 100  # characters of a value that are shown
_LINES: Final = 8  # of an output
_WIDTH: Final = 100  # characters of one of them
_LISTED: Final = 20  # effects and log lines of a run; --format json has all


def as_text(preview: Preview) -> str:
    """Return a preview for reading: the page, its jobs and theirs as a tree, and what was left out."""
    lines = [f"{_bold(f'pages/{preview.page}')}  {_verdict(preview, preview.run)}"]
    lines += [fitted(line, before="  ") for line in _run(preview, preview.run, of_page=True)]
    lines += _branches(preview, preview.run, "")
    lines += ["", fitted(_summary(preview))]
    lines += [fitted(f"Left out: {printable(each)}.") for each in preview.cut]
    return "\n".join(lines)


def _branches(preview: Preview, run: PreviewedRun, before: str) -> Iterator[str]:
    """Yield the jobs of a run, each with what it makes below it.

    Args:
        preview: the whole of it.
        run: whose jobs they are.
        before: the branches of the tree that go on to the left.
    """
    for at, job in enumerate(run.jobs):
        is_last = at == len(run.jobs) - 1 and not run.jobs_left_out
        yield f"{before}│"
        head, below = ("└─ ", "   ") if is_last else ("├─ ", "│  ")
        yield f"{before}{head}{_title(preview, job)}"
        yield from (fitted(line, before=f"{before}{below}  ") for line in _job(preview, job))
        if job.run is not None:
            yield from _branches(preview, job.run, before + below)
    if run.jobs_left_out:
        yield f"{before}│"
        yield f"{before}└─ … and {counted(run.jobs_left_out, 'more job')}"


def _title(preview: Preview, job: PreviewedJob) -> str:
    name = f"{job.number} {_bold(steady(job.source_name))}"
    return f"{name}  {_verdict(preview, job.run) if job.run is not None else styled(job.cut, fg='yellow')}"


def _job(preview: Preview, job: PreviewedJob) -> Iterator[str]:
    """Yield what there is to say of a job, but for its name and what it makes."""
    yield " · ".join(_facts(job))
    if job.depends_on:
        yield styled(
            f"depends on {_names(preview, job.depends_on)}: whether it is sent, or with which values", fg="yellow"
        )
    for values in (job.parameters, job.handed_over):
        yield from map(_value, values)
    if job.run is not None:
        yield from _run(preview, job.run)


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


def _run(preview: Preview, run: PreviewedRun, *, of_page: bool = False) -> Iterator[str]:
    """Yield what a run does."""
    if run.error is not None:
        yield styled(f"error: {printable(run.error)}", fg="red")
    for effect in run.effects[:_LISTED]:
        yield f"{styled('not called:', fg='cyan')} {_effect(effect)}"
    yield from _more(len(run.effects) - _LISTED + run.effects_left_out, "more call")
    for line in run.lines[:_LISTED]:
        kind = "" if line.type == "info" else f" ({steady(line.type)})"
        yield f"log{kind}: {printable(line.message)}{_depending(preview, line.depends_on)}"
    yield from _more(len(run.lines) - _LISTED, "more line")
    for event in run.events:
        yield f"event: {steady(event.name)}, {counted(event.consumers, 'consumer')}"
    if run.output is not None:
        yield from _output(preview, run, of_page=of_page)


def _more(count: int, what: str) -> Iterator[str]:
    if count > 0:
        yield f"… and {counted(count, what)}"


def _output(preview: Preview, run: PreviewedRun, *, of_page: bool) -> Iterator[str]:
    text = run.output if isinstance(run.output, str) else json.dumps(run.output, ensure_ascii=False)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    size = f"{counted(run.output_size, 'byte')}{_depending(preview, run.output_depends_on)}"
    if of_page or not lines:
        yield f"output: {size}" if lines else "output: nothing but blanks" if run.output_size else "output: nothing"
        return
    yield f"output: {size}"
    yield from (f"  {_short(printable(line), _WIDTH)}" for line in lines[:_LINES])
    yield from (f"  {line}" for line in _more(len(lines) - _LINES, "more line"))


def _effect(effect: Effect) -> str:
    arguments = ", ".join(
        _shown(value) if name.isdigit() else f"{printable(name)}: {_shown(value)}"
        for name, value in effect.arguments.items()
    )
    place = f" ({steady(effect.template)}:{effect.line})" if effect.template else ""
    body = f" around {_shown(' '.join(effect.text.split()))}" if effect.text.strip() else ""
    stood = ", its preview answered" if effect.is_previewed else ""
    return f"{effect.kind} {steady(effect.name)}({arguments}){body}{place}{stood}"


def _verdict(preview: Preview, run: PreviewedRun) -> str:
    said = str(run.verdict)
    if run.verdict is Verdict.DEPENDS:
        said = f"{'fails' if run.error is not None else 'passes'}, depending on {_names(preview, run.depends_on)}"
    elif run.verdict is Verdict.UNKNOWN:
        said = "takes too long to tell"
    return styled(said, fg=_COLOURS[run.verdict])


def _depending(preview: Preview, numbers: Sequence[int]) -> str:
    return styled(f" (depends on {_names(preview, numbers)})", fg="yellow") if numbers else ""


def _names(preview: Preview, numbers: Sequence[int]) -> str:
    """Return the names of effects; several of one name count once."""
    names = dict.fromkeys(found.name for number in numbers if (found := preview.effect(number)) is not None)
    return ", ".join(map(steady, names)) or "a call that is not listed"


def _summary(preview: Preview) -> str:
    runs = [*preview.runs()]
    jobs = sum(1 for _ in preview.jobs())
    calls = sum(len(run.effects) + run.effects_left_out for run in runs)
    failing = sum(run.verdict is Verdict.FAILS for run in runs)
    said = [counted(jobs, "job"), f"{counted(calls, 'call')} of the application's code"]
    if failing:
        said.append(f"{failing} {'fails' if failing == 1 else 'fail'}")
    return f"{', '.join(said)}. Nothing was sent, and none of the calls was made."


def _shown(value: Encoded) -> str:
    return _short(printable_once(json.dumps(value, ensure_ascii=False)), _VALUE)


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _bold(text: str) -> Any:
    return styled(text, bold=True)
