"""A job as a page of text and as a JSON object; secret values are masked in both."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from liquid_background import Engine, JobRecord, LogEntry
from liquid_background.jobs.handover import encode, size
from liquid_background.jobs.log import printable
from liquid_background.jobs.masking import mask
from liquid_background.jobs.queue.waiting import Waiting
from poscli.jobrows import place_of
from poscli.tables import table
from poscli.terminal import line_of, styled
from poscli.times import age, clock

_SHOWN = 200  # characters of one value; --format json has it whole
_ENTRIES = 10_000  # log entries of a source name that are searched for those of one job


def as_json(job: JobRecord, wait: Waiting, secret_names: Sequence[str]) -> dict[str, Any]:
    """Return a job as plain JSON values."""
    times = {name: getattr(job, name) for name in ("created_at", "started_at", "completed_at")}
    return {
        "id": job.id,
        "source_name": job.source_name,
        "status": str(job.status),
        "priority": str(job.priority),
        "delay": job.delay,
        "max_attempts": job.max_attempts,
        "attempts": job.attempts,
        "due_at": wait.due_at.isoformat() if wait.due_at else None,
        "group": wait.group,
        "max_concurrency": wait.max_concurrency,
        "waits_for_group": wait.parked,
        "paused": wait.pause.what if wait.pause else None,
        "template": job.template,
        "line": job.line,
        "parameters": _masked(job.parameters, secret_names),
        "handed_over": _masked(job.handed_over, secret_names),
        "source": job.source,
        "result": encode(job.result),
        "error": job.error,
        "edited_from": job.edited_from or None,
        **{name: time.isoformat() if time else None for name, time in times.items()},
    }


def _masked(values: Mapping[str, Any], secret_names: Sequence[str]) -> dict[str, Any]:
    # One by one: each may be nested as deep as a value may be.
    return {name: encode(value) for name, value in mask(values, secret_names).items()}


def entries_of(engine: Engine, job: JobRecord) -> list[LogEntry]:
    """Return the log entries of one job, oldest first."""
    found = engine.log.entries(job.source_name, limit=_ENTRIES, since=job.created_at)
    return [entry for entry in found if entry.job_id == job.id]


def describe(job: JobRecord, wait: Waiting, entries: Sequence[LogEntry], secret_names: Sequence[str]) -> str:
    """Return all there is to know about a job, for reading."""
    parts = [_facts(job, wait), *_values("Parameters", job.parameters, secret_names)]
    parts += [*_values("Handed over", job.handed_over, secret_names), _source(job)]
    attempts = [entry for entry in entries if entry.status]
    if attempts:
        rows = [(e.attempt, e.status, f"{e.duration} ms", clock(e.time), e.message) for e in attempts]
        parts.append(_section("Attempts", table(("NUMBER", "STATUS", "DURATION", "ENDED", "ERROR"), rows)))
    logged = [line_of(entry) for entry in entries if not entry.status]
    if logged:
        parts.append(_section("Log", "\n".join(logged)))
    if job.result is not None:
        parts.append(_section("Result", "\n".join(printable(line) for line in str(job.result).splitlines())))
    return "\n\n".join(parts)


def _facts(job: JobRecord, wait: Waiting) -> str:
    place = ", waits for its turn there" if wait.parked else ""
    facts = {
        "Job": job.id,
        "Edited from": job.edited_from,
        "Source name": job.source_name,
        "Status": str(job.status),
        "Error": job.error,
        "Place": place_of(job),
        "Priority": str(job.priority),
        "Group": f"{wait.group}, at most {wait.max_concurrency} at once{place}" if wait.group else None,
        "Delay": f"{job.delay:g} minutes" if job.delay else None,
        "Due": clock(wait.due_at) if wait.due_at else None,
        "Waits": str(wait.pause) if wait.pause else None,
        "Attempts": f"{job.attempts} of {job.max_attempts}",
        "Created": f"{clock(job.created_at)} ({age(job.created_at)} ago)",
        "Started": clock(job.started_at) if job.started_at else None,
        "Ended": clock(job.completed_at) if job.completed_at else None,
    }
    return "\n".join(f"{name + ':':<13}{printable(value)}" for name, value in facts.items() if value)


def _section(title: str, text: str) -> str:
    indented = "\n".join(f"  {line}" for line in text.splitlines())
    return f"{styled(title, bold=True)}\n{indented}"


def _values(title: str, values: Mapping[str, Any], secret_names: Sequence[str]) -> list[str]:
    if not values:
        return []
    shown = _masked(values, secret_names)
    lines = []
    for name, value in values.items():
        text = printable(json.dumps(shown[name], ensure_ascii=False))
        text = text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
        lines.append(f"{printable(name)} = {text} ({size(encode(value))} bytes)")
    return [_section(title, "\n".join(lines))]


def _source(job: JobRecord) -> str:
    lines = job.source.strip("\n").split("\n")
    first = job.line + len(job.source) - len(job.source.lstrip("\n"))
    width = len(str(first + len(lines)))
    return _section("Source", "\n".join(f"{first + i:>{width}} | {printable(line)}" for i, line in enumerate(lines)))
