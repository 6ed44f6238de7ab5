"""A job as a page of text and as a JSON object; secret values are masked in both."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import click

from liquid_background import JobRecord, LogEntry
from liquid_background.jobs.handover import encode, size
from liquid_background.jobs.log import printable
from liquid_background.jobs.operating.story import Attempt, SourceLine, Story
from liquid_background.jobs.queue.waiting import Waiting
from poscli.jobrows import place_of
from poscli.tables import GAP, name_cell, table
from poscli.terminal import line_of, styled, terminal_width
from poscli.times import age, clock, span

_INDENT = 2  # columns before what a heading has below it
_ATTEMPT = ("NUMBER", "STATUS", "WAITED", "DURATION", "ENDED")
_SHOWN = 200  # characters of one value; --format json has it whole


def as_json(job: JobRecord, wait: Waiting) -> dict[str, Any]:
    """Return a job, as `engine.shown` returns it, as plain JSON values."""
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
        "parameters": _encoded(job.parameters),
        "handed_over": _encoded(job.handed_over),
        "source": job.source,
        "result": encode(job.result),
        "error": job.error,
        "edited_from": job.edited_from or None,
        "parent": job.parent or None,
        **{name: time.isoformat() if time else None for name, time in times.items()},
    }


def _encoded(values: Mapping[str, Any]) -> dict[str, Any]:
    # One by one: each may be nested as deep as a value may be.
    return {name: encode(value) for name, value in values.items()}


def story_as_json(story: Story) -> dict[str, Any]:
    """Return all that is known of a job as plain JSON values."""
    log = [{"time": e.time.isoformat() if e.time else None, **_entry(e)} for e in story.entries]
    more = {
        "traceback": story.traceback or None,
        "children": [child.id for child in story.children],
        "has_more_children": bool(story.children.cursor),
    }
    return {**as_json(story.job, story.wait), **more, "log": log}


def _entry(entry: LogEntry) -> dict[str, object]:
    names = ("status", "attempt", "duration", "message", "type", "template", "line", "final")
    return {name: getattr(entry, name) for name in names}


def describe(story: Story) -> str:
    """Return all there is to know about a job, for reading."""
    job = story.job
    parts = [_facts(story), *_values("Parameters", job.parameters), *_values("Handed over", job.handed_over)]
    parts += _source(story.source)
    if attempts := [attempt for attempt in story.attempts if attempt.status]:
        parts.append(_section("Attempts", _attempts(attempts)))
    if story.traceback.strip():
        parts.append(_section("Traceback", "\n".join(map(printable, story.traceback.splitlines()))))
    if logged := [line_of(entry) for entry in story.lines]:
        parts.append(_section("Log", "\n".join(logged)))
    if job.result is not None and (lines := _result(job.result).strip("\n").splitlines()):
        parts.append(_section("Result", "\n".join(map(printable, lines))))
    if story.children:
        rows = [(child.id, child.status, name_cell(child.source_name), place_of(child)) for child in story.children]
        parts.append(_section("Children", table(("ID", "STATUS", "SOURCE NAME", "PLACE"), rows, indent=_INDENT)))
    if story.children.cursor:
        parts.append(f"There may be more children: poscli jobs list --parent {job.id}")
    return "\n\n".join(parts)


def _result(result: Any) -> str:
    """Return what a template printed, or what a function returned as JSON, as values are shown."""
    return result if isinstance(result, str) else json.dumps(encode(result), ensure_ascii=False)


def _attempts(attempts: Sequence[Attempt]) -> str:
    """Return the attempts, each with how long the job waited for it."""
    rows = [
        (
            each.number,
            each.status,
            "-" if each.waited is None else span(each.waited),
            f"{each.duration} ms",
            clock(each.ended),
            each.error,
        )
        for each in attempts
    ]
    heading, *lines = table(_ATTEMPT, [row[:-1] for row in rows], indent=_INDENT).split("\n")
    room = terminal_width() - _INDENT - max(len(click.unstyle(line)) for line in (heading, *lines)) - len(GAP)
    if not terminal_width() or room >= max(len(row[-1]) for row in rows):
        return table((*_ATTEMPT, "ERROR"), rows, indent=_INDENT)
    below = ([f"  {printable(row[-1])}"] if row[-1] else [] for row in rows)
    return "\n".join([heading, *(part for line, error in zip(lines, below, strict=True) for part in (line, *error))])


def _facts(story: Story) -> str:
    job, wait = story.job, story.wait
    turn = ", waits for its turn there" if wait.parked else ""
    parent = story.parent.source_name if story.parent else "no job that is kept: a page's render, or one that is gone"
    facts = {
        "Job": job.id,
        "Edited from": job.edited_from,
        "Source name": job.source_name,
        "Status": str(job.status),
        "Error": job.error,
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


def _values(title: str, values: Mapping[str, Any]) -> list[str]:
    lines = []
    for name, value in values.items():
        encoded = encode(value)
        text = printable(json.dumps(encoded, ensure_ascii=False))
        text = text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
        lines.append(f"{printable(name)} = {text} ({size(encoded)} bytes)")
    return [_section(title, "\n".join(lines))] if lines else []


def _source(lines: Sequence[SourceLine]) -> list[str]:
    if not lines:
        return []
    width = len(str(lines[-1].number))
    marked = any(line.raised for line in lines)
    rows = [
        f"{('> ' if line.raised else '  ') if marked else ''}{line.number:>{width}} | {printable(line.text)}"
        for line in lines
    ]
    return [_section("Source", "\n".join(rows))]
