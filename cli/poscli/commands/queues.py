"""`poscli queues`: what waits in each queue; queues, source names and groups that are paused and resumed."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any

import click

from liquid_background import Engine
from liquid_background.job import Priority
from liquid_background.jobs.contract import COUNTED
from liquid_background.jobs.queue.pausing import Pause
from poscli.application import app_option, needed_engine, stored_engine
from poscli.completing import source_names
from poscli.group import Group
from poscli.output import dump
from poscli.tables import table
from poscli.terminal import note
from poscli.times import age, clock
from poscli.who import operator

QUEUES = ("QUEUE", "PAUSED", *map(str.upper, COUNTED))
PAUSES = ("PAUSED", "SINCE", "BY", "WAITING", "REASON")


@click.group("queues", cls=Group)
def command() -> None:
    """List queues, pause and resume them, single source names or groups.

    \b
    Examples:
      poscli queues pause low --reason 'the importer is down'
      poscli queues pause --source-name 'sync_*'
      poscli queues resume --source-name 'sync_*'
    """


def _target_options(function: Callable[..., Any]) -> Callable[..., Any]:
    options = [
        click.argument(
            "queue", required=False, type=click.Choice([str(queue) for queue in Priority]), metavar="[QUEUE]"
        ),
        click.option(
            "--source-name",
            metavar="NAME",
            default="",
            shell_complete=source_names,
            help="A source name instead of a queue, or what names begin with and a *, such as 'sync_*'.",
        ),
        click.option("--group", metavar="NAME", default="", help="A group instead of a queue."),
    ]
    for option in reversed(options):
        function = option(function)
    return function


@command.command("list")
@click.option(
    "--format",
    "style",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="json: one object on one line.",
)
@app_option
def list_queues(style: str, app: str | None) -> None:
    """List queues with the numbers of their jobs, and what is paused.

    \b
    Examples:
      poscli queues list
      poscli queues list --format json | jq -r '.paused[].what'
    """
    engine = stored_engine(app)
    if engine is None:
        return
    pauses = engine.queues.paused()
    waiting = engine.queues.held(pauses)
    print(_json(engine, pauses, waiting) if style == "json" else _text(engine, pauses, waiting))


def _text(engine: Engine, pauses: Sequence[Pause], waiting: Sequence[int]) -> str:
    rows = [
        (
            counts.name,
            "yes" if any(pause.holds(queue=counts.name, source_name="", group=None) for pause in pauses) else "no",
            *(getattr(counts, name) for name in COUNTED),
        )
        for counts in engine.queues.counts()
    ]
    if not pauses:
        return table(QUEUES, rows)
    return "\n".join([table(QUEUES, rows), "", table(PAUSES, pause_rows(pauses, waiting))])


def pause_rows(pauses: Sequence[Pause], waiting: Sequence[int]) -> list[tuple[object, ...]]:
    """Return a row for each pause, under the headings PAUSES."""
    return [
        (
            pause.what,
            f"{clock(pause.since)} ({age(pause.since)})" if pause.since else "-",
            pause.by or "-",
            count,
            pause.reason,
        )
        for pause, count in zip(pauses, waiting, strict=True)
    ]


def _json(engine: Engine, pauses: Sequence[Pause], waiting: Sequence[int]) -> str:
    queues = {counts.name: {name: getattr(counts, name) for name in COUNTED} for counts in engine.queues.counts()}
    return dump({"queues": queues, "paused": pauses_as_json(pauses, waiting)})


def pauses_as_json(pauses: Sequence[Pause], waiting: Sequence[int]) -> list[dict[str, object]]:
    """Return pauses as objects for programs."""
    return [
        {
            "what": pause.what,
            "kind": pause.kind.name.lower(),
            "name": pause.name or None,
            "since": pause.since.isoformat() if pause.since else None,
            "by": pause.by or None,
            "reason": pause.reason or None,
            "waiting": count,
        }
        for pause, count in zip(pauses, waiting, strict=True)
    ]


@command.command("pause")
@_target_options
@click.option("--reason", metavar="TEXT", default="", help="Why, for those who wonder.")
@app_option
def pause(queue: str | None, source_name: str, group: str, reason: str, app: str | None) -> None:
    """Have the jobs of a QUEUE, a source name or a group wait. Jobs that run go on.

    They are pending, and delayed ones keep their time. Workers of RQ's own know nothing of it.

    \b
    Examples:
      poscli queues pause low
      poscli queues pause --source-name 'sync_*' --reason 'the CRM is down'
      poscli queues pause --group crm
    """
    engine = needed_engine(app)
    target = _target(queue, source_name, group)
    before = engine.queues.paused()
    found = engine.queues.pause(**target, by=operator(), reason=reason)
    if found in before:
        note(f"was so already: {found}")
    else:
        print(f"paused {found.what}")


@command.command("resume")
@_target_options
@app_option
def resume(queue: str | None, source_name: str, group: str, app: str | None) -> None:
    """Have jobs go on that were paused, before others and in their order.

    A QUEUE or a name is given as it was paused: 'sync_*' ends the pause of 'sync_*', and no other.

    \b
    Examples:
      poscli queues resume low
      poscli queues resume --source-name 'sync_*'
    """
    engine = needed_engine(app)
    target = _target(queue, source_name, group)
    found = engine.queues.resume(**target, by=operator())
    if found is not None:
        print(f"resumed {found.what}")
        return
    others = ", ".join(pause.what for pause in engine.queues.paused())
    note(f"poscli: it was not paused; {f'what is: {others}' if others else 'nothing is'}")
    sys.exit(1)


def _target(queue: str | None, source_name: str, group: str) -> dict[str, str]:
    if [bool(queue), bool(source_name), bool(group)].count(True) != 1:
        raise click.UsageError("name one queue, or give one of --source-name and --group")
    return {"queue": queue or "", "source_name": source_name, "group": group}
