"""A job as a page of text and as a JSON object; secret values are masked in both."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from time import monotonic
from typing import Any

import click

from liquid_background import Engine, JobNotFound, JobRecord, JobStatus, LogEntry
from liquid_background.jobs.handover import encode, size
from liquid_background.jobs.log import printable
from liquid_background.jobs.masking import hidden, mask
from liquid_background.jobs.pages import Page
from liquid_background.jobs.queue.waiting import Waiting, waiting
from poscli.jobrows import place_of
from poscli.tables import GAP, table
from poscli.terminal import line_of, styled, terminal_width
from poscli.times import age, clock, span

_INDENT = 2  # columns before what a heading has below it
_ATTEMPT = ("NUMBER", "STATUS", "WAITED", "DURATION", "ENDED")
_SHOWN = 200  # characters of one value; --format json has it whole
_CHILDREN = 20  # that are shown
_PATIENCE = 1.0  # seconds that they are looked for
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
        "error": hidden(job.error, _values_of(job), secret_names) if job.error else job.error,
        "edited_from": job.edited_from or None,
        "parent": job.parent or None,
        **{name: time.isoformat() if time else None for name, time in times.items()},
    }


def _masked(values: Mapping[str, Any], secret_names: Sequence[str]) -> dict[str, Any]:
    # One by one: each may be nested as deep as a value may be.
    return {name: encode(value) for name, value in mask(values, secret_names).items()}


def entries_of(engine: Engine, job: JobRecord) -> list[LogEntry]:
    """Return the log entries of one job, oldest first."""
    found = engine.log.entries(job.source_name, limit=_ENTRIES, since=job.created_at)
    return [entry for entry in found if entry.job_id == job.id]


@dataclass(frozen=True, slots=True)
class Shown:
    """A job with what is shown beside its record."""

    job: JobRecord
    wait: Waiting
    entries: Sequence[LogEntry]
    traceback: str
    parent: JobRecord | None  # None when there is none, it is a page render, or its record is gone
    children: Page  # the newest; its cursor says that there may be more

    @classmethod
    def of(cls, engine: Engine, job: JobRecord) -> Shown:
        """Look all of it up."""
        [wait] = waiting(engine.store, [job])
        secrets, values = engine.settings.secret_names, _values_of(job)
        entries = [replace(entry, message=hidden(entry.message, values, secrets)) for entry in entries_of(engine, job)]
        traceback = hidden(engine.jobs.traceback(job.id), values, secrets)
        return cls(job, wait, entries, traceback, _parent(engine, job), _children(engine, job))

    def as_json(self, secret_names: Sequence[str]) -> dict[str, Any]:
        """Return it as plain JSON values."""
        log = [{"time": e.time.isoformat() if e.time else None, **_entry(e)} for e in self.entries]
        known = as_json(self.job, self.wait, secret_names)
        children = [child.id for child in self.children]
        more = {
            "traceback": self.traceback or None,
            "children": children,
            "has_more_children": bool(self.children.cursor),
        }
        return {**known, **more, "log": log}


def _parent(engine: Engine, job: JobRecord) -> JobRecord | None:
    try:
        return engine.jobs.get(job.parent) if job.parent else None
    except JobNotFound:
        return None


def _children(engine: Engine, job: JobRecord) -> Page:
    """Return the newest jobs that a job made, as far as they are found in a moment."""
    if job.status is not JobStatus.COMPLETED:  # only a success sends them
        return Page()
    found, until = Page(), monotonic() + _PATIENCE
    for page in engine.jobs.pages(parent=job.id, since=job.started_at, limit=_CHILDREN):
        found = Page([*found, *page], cursor=page.cursor)
        if monotonic() > until:
            return Page(found, cursor=page.cursor or "…")
    return found


def _values_of(job: JobRecord) -> dict[str, Any]:
    return {**job.handed_over, **job.parameters}


def _entry(entry: LogEntry) -> dict[str, object]:
    names = ("status", "attempt", "duration", "message", "type", "template", "line", "final")
    return {name: getattr(entry, name) for name in names}


def describe(shown: Shown, secret_names: Sequence[str]) -> str:
    """Return all there is to know about a job, for reading."""
    job = shown.job
    parts = [_facts(shown, secret_names), *_values("Parameters", job.parameters, secret_names)]
    parts += [*_values("Handed over", job.handed_over, secret_names), *_source(job)]
    if attempts := [entry for entry in shown.entries if entry.status]:
        parts.append(_section("Attempts", _attempts(job, attempts)))
    if shown.traceback.strip():
        parts.append(_section("Traceback", "\n".join(map(printable, shown.traceback.splitlines()))))
    if logged := [line_of(entry) for entry in shown.entries if not entry.status]:
        parts.append(_section("Log", "\n".join(logged)))
    if job.result is not None and (lines := _result(job.result).strip("\n").splitlines()):
        parts.append(_section("Result", "\n".join(map(printable, lines))))
    if shown.children:
        rows = [(child.id, child.status, child.source_name, place_of(child)) for child in shown.children]
        parts.append(_section("Children", table(("ID", "STATUS", "SOURCE NAME", "PLACE"), rows, indent=_INDENT)))
    if shown.children.cursor:
        parts.append(f"There may be more children: poscli jobs list --parent {job.id}")
    return "\n\n".join(parts)


def _result(result: Any) -> str:
    """Return what a template printed, or what a function returned as JSON, as values are shown."""
    return result if isinstance(result, str) else json.dumps(encode(result), ensure_ascii=False)


def _attempts(job: JobRecord, attempts: Sequence[LogEntry]) -> str:
    """Return the attempts, each with how long the job waited for it."""
    before, rows = job.created_at, []
    for each in attempts:
        started = each.time - timedelta(milliseconds=each.duration) if each.time else None
        waited = span((started - before).total_seconds()) if started and before else "-"
        rows.append((each.attempt, each.status, waited, f"{each.duration} ms", clock(each.time), each.message))
        before = each.time
    heading, *lines = table(_ATTEMPT, [row[:-1] for row in rows], indent=_INDENT).split("\n")
    room = terminal_width() - _INDENT - max(len(click.unstyle(line)) for line in (heading, *lines)) - len(GAP)
    if not terminal_width() or room >= max(len(row[-1]) for row in rows):
        return table((*_ATTEMPT, "ERROR"), rows, indent=_INDENT)
    below = ([f"  {printable(row[-1])}"] if row[-1] else [] for row in rows)
    return "\n".join([heading, *(part for line, error in zip(lines, below, strict=True) for part in (line, *error))])


def _facts(shown: Shown, secret_names: Sequence[str]) -> str:
    job, wait = shown.job, shown.wait
    turn = ", waits for its turn there" if wait.parked else ""
    parent = shown.parent.source_name if shown.parent else "no job that is kept: a page's render, or one that is gone"
    facts = {
        "Job": job.id,
        "Edited from": job.edited_from,
        "Source name": job.source_name,
        "Status": str(job.status),
        "Error": hidden(job.error, _values_of(job), secret_names) if job.error else None,
        "Place": place_of(job),
        "Parent": f"{job.parent} ({parent})" if job.parent else None,
        "Priority": str(job.priority),
        "Group": f"{wait.group}, at most {wait.max_concurrency} at once{turn}" if wait.group else None,
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
    indented = "\n".join(f"{' ' * _INDENT}{line}" for line in text.splitlines())
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


def _source(job: JobRecord) -> list[str]:
    if not job.source.strip():
        return []
    lines = job.source.strip("\n").split("\n")
    first = job.line + len(job.source) - len(job.source.lstrip("\n"))
    width = len(str(first + len(lines)))
    return [_section("Source", "\n".join(f"{first + i:>{width}} | {printable(line)}" for i, line in enumerate(lines)))]
