"""`poscli schedules`: what comes when, what came of the last time, and pausing it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import click

from liquid_background.jobs.log import printable
from liquid_background.python_jobs.cron_words import in_words
from liquid_background.python_jobs.timetable import Paused, Planned
from poscli.application import app_option, needed_engine
from poscli.group import Group
from poscli.output import dump
from poscli.tables import table
from poscli.terminal import hint, note
from poscli.times import age, clock, span
from poscli.who import operator

_HEADINGS = ("NAME", "NEXT", "LAST", "OUTCOME", "WHEN")

_style = click.option(
    "--format",
    "style",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="json: one object a line.",
)
_name = click.argument("name", metavar="NAME")


@click.group("schedules", cls=Group)
def command() -> None:
    """List, show, pause, resume and run schedules: those of the application, and of the templates' front matter.

    \b
    Examples:
      poscli schedules list
      poscli schedules pause nightly_report
      poscli schedules run nightly_report
    """


@command.command("list")
@_style
@app_option
def list_schedules(style: str, app: str | None) -> None:
    """List the schedules, the one that comes next first.

    \b
    Example:
      poscli schedules list --format json | jq -r 'select(.paused) | .name'
    """
    engine = needed_engine(app)
    found = engine.timetable.list()
    if style == "json":
        for each in found:
            print(dump(_json(each)))
    elif found:
        print(table(_HEADINGS, [_row(each) for each in found]))
        paused = sum(each.paused is not None for each in found)
        if paused:
            hint(f"{paused} paused: 'poscli schedules show NAME' says by whom")
    else:
        note("no schedules: engine.schedule and the front matter of templates make them; --app names the application")


@command.command("show")
@_name
@_style
@app_option
def show(name: str, style: str, app: str | None) -> None:
    """Show the schedule NAME: its times, what runs, and what came of the last time.

    \b
    Example:
      poscli schedules show nightly_report
    """
    found = needed_engine(app).timetable.get(name)
    print(dump(_json(found)) if style == "json" else _text(found))


@command.command("pause")
@_name
@app_option
def pause(name: str, app: str | None) -> None:
    """Have no time of the schedule NAME come until it is resumed. Times that pass meanwhile do not come later.

    \b
    Example:
      poscli schedules pause nightly_report
    """
    changed = needed_engine(app).timetable.pause(name, operator())
    print(f"{name} is paused" if changed else f"{name} is paused already")


@command.command("resume")
@_name
@app_option
def resume(name: str, app: str | None) -> None:
    """Have the times of the schedule NAME come again, from the next one on.

    \b
    Example:
      poscli schedules resume nightly_report
    """
    changed = needed_engine(app).timetable.resume(name, operator())
    print(f"{printable(name)} is resumed" if changed else f"{printable(name)} is not paused")


@command.command("run")
@_name
@app_option
def run(name: str, app: str | None) -> None:
    """Enqueue the job of the schedule NAME now, beside its times; also while it is paused.

    \b
    Example:
      poscli schedules run nightly_report
    """
    print(needed_engine(app).timetable.run(name, operator()))


def _row(each: Planned) -> tuple[object, ...]:
    next_time = "paused" if each.paused else _until(each.next_times[0]) if each.next_times else "never"
    outcome = each.last.status if each.last else "-"
    last = f"{age(each.last_time)} ago" if each.last_time else "-"
    return (each.name, next_time, last, outcome, f"{in_words(each.cron)} ({each.timezone})")


def _until(moment: datetime) -> str:
    return f"in {span((moment - datetime.now(UTC)).total_seconds())}"


def _text(each: Planned) -> str:
    times = [f"{moment:%a %Y-%m-%d %H:%M %Z}" for moment in each.next_times]
    facts = {
        "Schedule": each.name,
        "When": f"{in_words(each.cron)} ({each.timezone})",
        "Cron": each.cron,
        "Runs": each.runs,
        "Source name": each.source_name,
        "Paused": _since(each.paused) if each.paused else None,
        "Next": "\n             ".join(times) if times and not each.paused else None,
        "Waiting": each.waiting,
        "Last": f"{clock(each.last_time)} UTC ({age(each.last_time)} ago)" if each.last_time else None,
        "Job": each.last.id if each.last else None,
        "Outcome": str(each.last.status) if each.last else None,
        "Error": each.last.error if each.last else None,
    }
    lines = []
    for name, value in facts.items():
        if value:
            shown = value if name == "Next" else printable(value)
            lines.append(f"{name + ':':<13}{shown}")
    return "\n".join(lines)


def _since(paused: Paused) -> str:
    return f"since {clock(paused.since)} UTC, by {paused.by}"


def _json(each: Planned) -> dict[str, Any]:
    return {
        "name": each.name,
        "cron": each.cron,
        "words": in_words(each.cron),
        "timezone": each.timezone,
        "source_name": each.source_name,
        "runs": each.runs,
        "next_times": [moment.isoformat() for moment in each.next_times],
        "waiting": each.waiting,
        "last_time": each.last_time.isoformat() if each.last_time else None,
        "last": {"id": each.last.id, "status": str(each.last.status), "error": each.last.error} if each.last else None,
        "paused": _paused(each.paused),
    }


def _paused(paused: Paused | None) -> dict[str, Any] | None:
    if paused is None:
        return None
    return {"since": paused.since.isoformat() if paused.since else None, "by": paused.by}
