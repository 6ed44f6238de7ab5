"""Whether a preview told what a real worker then did: jobs with options and values, results, errors and log lines."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from liquid_background import Engine, JobRecord, JobStatus
from liquid_background.jobs.handover import encode
from liquid_background.jobs.masking import shown
from liquid_background.preview import Preview, PreviewedJob, PreviewedRun

_UNKNOWN = re.compile(r"\[[\w.,: ]+\?\]")
"""What stands in a preview for what depends on an effect."""
_EACH_TIME = ("date", "id")  # of an event: the moment, and a new name


def assert_agrees(preview: Preview, engine: Engine, sent: Sequence[JobRecord]) -> None:
    """Fail unless jobs that a page sent, and all that came of them, are as its preview told.

    Args:
        preview: of the page.
        engine: with the store in which all jobs have ended.
        sent: the page's jobs.
    """
    _assert_jobs(preview.run.jobs, [engine.jobs.get(job.id) for job in sent], engine)


def _assert_jobs(told: Sequence[PreviewedJob], done: Sequence[JobRecord], engine: Engine) -> None:
    masked = [shown(job, engine.settings.secret_names) for job in done]
    real = sorted(masked, key=lambda job: repr(_facts(job)))
    previewed = sorted(told, key=lambda job: repr(_told(job)))
    assert [_told(job) for job in previewed] == [_facts(job) for job in real]
    for each, job in zip(previewed, real, strict=True):
        assert each.run is not None
        _assert_run(each.run, job, engine)
        _assert_jobs(each.run.jobs, list(engine.jobs.list(parent=job.id)), engine)


def _told(job: PreviewedJob) -> tuple[Any, ...]:
    values = {value.name: value.value for value in job.parameters}
    handed = {value.name: value.value for value in job.handed_over}
    options = (job.source_name, job.priority, job.delay, job.max_attempts)
    return *options, job.template, job.line, _without_time(values), handed


def _facts(job: JobRecord) -> tuple[Any, ...]:
    values = {name: encode(value) for name, value in job.parameters.items()}
    handed = {name: encode(value) for name, value in job.handed_over.items()}
    options = (job.source_name, str(job.priority), job.delay, job.max_attempts)
    return *options, job.template, job.line, _without_time(values), handed


def _without_time(values: Mapping[str, Any]) -> dict[str, Any]:
    event = values.get("event")
    if not isinstance(event, dict):
        return dict(values)
    return {**values, "event": {name: value for name, value in event.items() if name not in _EACH_TIME}}


def _assert_run(told: PreviewedRun, job: JobRecord, engine: Engine) -> None:
    if told.error is None:
        assert job.status is JobStatus.COMPLETED, job.error
        output = str(told.output)
        assert matches(output if output.strip() else "", str(encode(job.result)))  # blanks are not kept
    else:
        assert job.status is JobStatus.FAILED
        assert matches(told.error, str(job.error))
    logged = [entry.message for entry in reversed(list(engine.log.entries(limit=1000))) if _is_line_of(entry, job)]
    logged = logged if told.error is None else logged[-len(told.lines) :] if told.lines else []
    said = [line.message for line in told.lines]
    assert len(said) == len(logged), (said, logged)
    assert all(matches(*pair) for pair in zip(said, logged, strict=True)), (said, logged)


def _is_line_of(entry: Any, job: JobRecord) -> bool:
    return entry.job_id == job.id and entry.status is None


def matches(told: str, done: str) -> bool:
    """Return whether a text is what a preview told, whatever stands where it said that it could not know."""
    parts = [re.escape(part) for part in _UNKNOWN.split(told)]
    return re.fullmatch(".*?".join(parts), done, re.DOTALL) is not None
