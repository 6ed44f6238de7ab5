"""`poscli alerts`: who is told of which event, and one told with sample values."""

from __future__ import annotations

import sys
from typing import Any

import click

from liquid_background import Engine
from liquid_background.alerting import AlertTemplate, Teller, sample_of
from liquid_background.errors import SettingsError
from liquid_background.events import EVERY, SYSTEM_EVENTS
from liquid_background.job import Outcome, new_id
from liquid_background.jobs.log import format_entry, printable
from liquid_background.nearest import nearest
from liquid_background.wording import counted
from poscli.application import app_option, load_engine
from poscli.group import Group
from poscli.output import dump
from poscli.tables import table

_HEADINGS = ("EVENT", "TOLD TO", "WHEN")
_HOOKS = "hooks"


@click.group("alerts", cls=Group)
def command() -> None:
    """Show who is told of what: templates in the folder of the setting ALERTS, and the application's hooks.

    Workers tell of events, such as a job that has failed for good. See docs/alerts.md.

    \b
    Examples:
      poscli alerts list
      poscli alerts test job.failed
    """


@command.command("list")
@click.option(
    "--format",
    "style",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="json: one object a line.",
)
@app_option
def list_alerts(style: str, app: str | None) -> None:
    """List the events of the system, each with who is told of it.

    \b
    Example:
      poscli alerts list
    """
    engine = load_engine(app)
    teller = Teller(engine, engine.settings)
    rows = [(event.name, _told_to(teller, event.name), event.says) for event in SYSTEM_EVENTS.values()]
    if style == "json":
        for name, told_to, says in rows:
            print(dump({"event": name, "told_to": told_to, "when": says}))
    else:
        print(table(_HEADINGS, [(name, ", ".join(told_to) or "nobody", says) for name, told_to, says in rows]))
    for warning in teller.warnings():
        print(printable(warning), file=sys.stderr)


def _told_to(teller: Teller, event: str) -> list[str]:
    hooks = [_HOOKS] if teller.has_hooks(event) else []
    return [template.name for template in teller.templates(event)] + hooks


@command.command("test")
@click.argument("event", metavar="EVENT")
@app_option
def test_alert(event: str, app: str | None) -> None:
    """Tell of EVENT now, with sample values, to all who would be told: mails are sent, hooks are called.

    It goes by no window and no cap, and to no worker: templates are rendered here. Exits with 1 when nobody is told,
    or one of them cannot be.

    \b
    Examples:
      poscli alerts test job.failed
      poscli alerts test queue.late --app shop:engine
    """
    if event not in SYSTEM_EVENTS:
        near = nearest(event, SYSTEM_EVENTS)
        hint = f"did you mean '{near}'?" if near else f"events are {', '.join(SYSTEM_EVENTS)}"
        raise click.UsageError(f"no event '{event}'; {hint}")
    engine = load_engine(app)
    teller = Teller(engine, engine.settings)
    if not _told_to(teller, event):
        raise SettingsError(f"nobody is told of {event}: {_to_do(engine, event)}")
    engine.hooks.child_started()
    values = teller.values(event, sample_of(event), f"test-{new_id()}")
    if teller.has_hooks(event):
        teller.call_hooks(values)
        print(f"{event} told to hooks")
    failed = sum(not _tell(engine, teller, template, values) for template in teller.templates(event))
    engine.hooks.child_stopped()
    sys.exit(1 if failed else 0)


def _to_do(engine: Engine, event: str) -> str:
    hook = f'register a hook, @engine.on_event("{event}")'
    if SYSTEM_EVENTS[event].for_hooks_only:
        return hook
    if engine.settings.alerts is None:
        return f"set ALERTS to a folder of templates outside of the site's, or {hook}"
    return f"write {engine.settings.alerts}/{event}/NAME.liquid, or {EVERY}/NAME.liquid there, or {hook}"


def _tell(engine: Engine, teller: Teller, template: AlertTemplate, values: dict[str, Any]) -> bool:
    """Render a template and say what came of it; return whether it was sent."""
    try:
        payload = teller.payload(template, values)
    except SettingsError as error:
        outcome = Outcome(error=str(error))
    else:
        outcome = engine.perform(f"alert-{values['id']}", payload, 1, 1)
    if outcome.error:
        print(f"{values['type']} not sent by {template.path}: {printable(outcome.error)}", file=sys.stderr)
        return False
    print(f"{values['type']} sent by {template.path} ({outcome.duration}ms)")
    for line in str(outcome.result or "").splitlines():
        if line.strip():
            print(f"  {printable(line)}")
    for entry in outcome.entries:
        print(f"  {format_entry(entry)}")
    if outcome.jobs:
        engine.send(outcome.jobs, outcome.entries)
        print(f"  {counted(len(outcome.jobs), 'job')} sent: {', '.join(job.source_name for job in outcome.jobs)}")
    return True
