"""A job of the store as the text of a test: masked values, and what comes of them when the job runs dry today."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from liquid.exceptions import LiquidError

from liquid_background.errors import EnqueueError, FunctionNotFound, JobRefused, NotPlain
from liquid_background.job import JobRecord, plain_name
from liquid_background.jobs.contract import Jobs
from liquid_background.jobs.masking import shown
from liquid_background.language.blocks import blocks_of, source_name_of_block
from liquid_background.language.tags import BackgroundNode
from liquid_background.saved.clock import tells_time
from liquid_background.saved.code import Code
from liquid_background.saved.writing import Call, Seen, Writer
from liquid_background.testing import EngineLike, FakeJobs

_ID: Final = 8  # characters of a job's id in names


@dataclass(frozen=True, slots=True)
class SavedTest:
    """A test, and what whoever saves it should know.

    Attributes:
        name: of its file.
        text: of the file.
        notes: one line each; none where the test guards all that the job did.
    """

    name: str
    text: str
    notes: tuple[str, ...] = ()


def save_test(engine: EngineLike, jobs: Jobs, job_id: str, app: str | None = None) -> SavedTest:
    """Return the test of a job: it runs that dry, with masked values, and asserts what comes of it today.

    Nothing of the application's own is called for it, but for what it has declared pure.

    Args:
        engine: with the templates of today.
        jobs: where the job is.
        job_id: its id.
        app: what the test imports, as `--app` names it; None for an engine of the settings alone.

    Raises:
        JobNotFound: when no record has that id.
        JobRefused: when its record does not say what it runs.
    """
    record = jobs.get(job_id)
    if not record.runs:
        raise JobRefused(f"job {job_id} cannot be a test: its record does not say what it runs")
    masked = shown(record, engine.settings.secret_names)
    call = _call_of(engine, masked)
    first, second = _seen(engine, call), _seen(engine, call)
    is_steady = first == second and not _tells_time(engine, masked, call)
    notes = call.notes if is_steady else (*call.notes, "its output changes from run to run, so the test leaves it out")
    name = f"test_{_identifier(masked.source_name)}_{_identifier(job_id[:_ID])}"
    writer = Writer(engine.settings, app)
    return SavedTest(f"{name}.py", writer.text(name, masked, call, first if is_steady else None, first.error), notes)


def _call_of(engine: EngineLike, job: JobRecord) -> Call:
    if job.runs == "partial":
        return Call("run_partial", (job.source,), _given(parameters=job.parameters))
    if job.runs == "function":
        named = {"args": job.parameters.get("args", []), "kwargs": job.parameters.get("kwargs", {})}
        return Call("run_function", (job.source,), _given(**named))
    values = _given(parameters=job.parameters, handed_over=job.handed_over)
    try:
        blocks = blocks_of(engine.environment, job.template)
    except LiquidError:
        blocks = []
    which = _which(blocks, job)
    if which is not None:
        return Call("run_block", (job.template,), {**which, **values})
    note = f"{job.template} has no such block today: the test holds the body as it was, and does not see changes of it"
    return Call("run_source", (job.source,), {"template": job.template, "line": job.line, **values}, (note,))


def _given(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value}


def _which(blocks: Sequence[BackgroundNode], job: JobRecord) -> dict[str, Any] | None:
    """Return how a job's block is told from the others of its template; None when it is not there any more.

    It is the one with the job's text, the nearest where there are several; of a changed text that with its name.
    """
    same = [block for block in blocks if block.source is not None and block.source.text == job.source]
    found = min(same, key=lambda block: abs(block.line - job.line), default=None)
    named = [block for block in blocks if source_name_of_block(block) == job.source_name]
    found = found or (named[0] if len(named) == 1 else None)
    if found is None:
        return None
    if len(named) == 1 and named[0] is found:
        return {"source_name": job.source_name}
    return {"number": next(at for at, block in enumerate(blocks, 1) if block is found)}


def _seen(engine: EngineLike, call: Call) -> Seen:
    """Return what comes of a job when it runs dry."""
    jobs = FakeJobs(engine, dry=True)
    try:
        record = getattr(jobs, call.method)(*call.args, **call.named)
    except (FunctionNotFound, EnqueueError) as error:
        raise JobRefused(f"the job cannot be a test: {error}") from error
    waiting = [job.source_name for job in jobs.waiting]
    return Seen(record.result, record.error, jobs.messages, waiting, [*_effects(jobs)])


def _effects(jobs: FakeJobs) -> Iterator[tuple[Any, ...]]:
    for effect in jobs.effects:
        try:
            Code().of(dict(effect.arguments))
        except NotPlain:
            yield effect.kind, effect.name
        else:
            yield effect.kind, effect.name, dict(effect.arguments)


def _tells_time(engine: EngineLike, job: JobRecord, call: Call) -> bool:
    environment = engine.environment
    try:
        if call.method == "run_partial":
            return tells_time(environment, environment.get_template(job.source, tag="background").nodes)
        return call.method != "run_function" and tells_time(environment, environment.from_string(job.source).nodes)
    except LiquidError:
        return False  # its error does not


def _identifier(name: str) -> str:
    return re.sub(r"\W+", "_", plain_name(name), flags=re.ASCII).strip("_").lower() or "job"
