"""`poscli failures`: what fails, in groups: list, show, retry, prove and silence them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import click

from liquid_background import Engine, JobStatus
from liquid_background.jobs.filter import Filter
from liquid_background.jobs.operating.failures import Order
from liquid_background.jobs.operating.operation import Kind
from liquid_background.nearest import nearest
from poscli.application import app_option, needed_engine, stored_engine
from poscli.completing import failures as stored_ids
from poscli.completing import source_names
from poscli.failureview import as_json, describe, listing, shown_as_json
from poscli.group import Group
from poscli.loader import load
from poscli.operating import checked_rate, operate, operating_options
from poscli.output import dump
from poscli.terminal import fitted, hint, note, told_first
from poscli.times import clock, since, until
from poscli.who import operator


@click.group("failures", cls=Group)
def command() -> None:
    """See what fails, in groups: failed jobs of one place and one kind of error stand in one.

    An ID may be cut short, to what no other group's begins with.

    \b
    Examples:
      poscli failures list
      poscli failures show 3fa94c
      poscli failures prove 3fa94c
      poscli failures silence 3fa94c --until 2h
    """


def _style(command: Any) -> Any:
    return click.option(
        "--format",
        "style",
        type=click.Choice(["text", "json"]),
        default="text",
        show_default=True,
        help="How it is shown.",
    )(command)


@command.command("list")
@click.option(
    "--source-name",
    metavar="NAME",
    shell_complete=source_names,
    help="Only groups with a failed job of this source name.",
)
@click.option("--template", metavar="NAME", help="Only those of this template, such as pages/checkout, or function.")
@click.option(
    "--since",
    "time",
    type=since,
    metavar="TIME",
    help="Only those seen since: 10m, 2h30m, 1d, or 14:00 or a date and time (UTC).",
)
@click.option(
    "--order",
    type=click.Choice(["last", "count"]),
    default="last",
    show_default=True,
    help="By when a group was last seen, or by its failed jobs.",
)
@click.option("--silenced", is_flag=True, help="Those that are silenced, too.")
@_style
@app_option
def list_failures(
    source_name: str | None,
    template: str | None,
    time: datetime | None,
    order: Order,
    silenced: bool,
    style: str,
    app: str | None,
) -> None:
    """List the groups of failed jobs, those first that were seen last.

    COUNT is how many jobs have failed with it now; those that were retried since are not among them.

    \b
    Examples:
      poscli failures list --since 2h
      poscli failures list --order count --format json | jq -r .id
    """
    engine = stored_engine(app)
    if engine is None:
        return
    found = engine.failures.list(
        source_name=source_name or "", template=template or "", since=time, silenced=True, order=order
    )
    shown = [group for group in found if silenced or group.silence is None]
    if style == "json":
        for group in shown:
            print(dump(as_json(group)))
    elif shown:
        print(listing(shown))
        hint("poscli failures show ID says more of one.")
    else:
        note(_nothing(engine, source_name, template, time))
    if found.unfiled:
        note(f"{found.unfiled:,} failed jobs may be missing: 'poscli store reindex' files them")
    hidden = len(found) - len(shown)
    if hidden:
        note(f"{hidden} silenced {'group is' if hidden == 1 else 'groups are'} not shown; --silenced shows them, too")


@command.command("show")
@click.argument("failure", metavar="ID", shell_complete=stored_ids)
@_style
@app_option
def show(failure: str, style: str, app: str | None) -> None:
    """Show the group ID: how often and since when, and its newest job with the line that failed and its values.

    Values whose names look secret are masked; the setting SECRET_NAMES lists the names.

    \b
    Example:
      poscli failures show 3fa94c
    """
    shown = needed_engine(app).failures.show(failure)
    print(fitted(describe(shown)) if style == "text" else dump(shown_as_json(shown)))


@command.command("retry")
@click.argument("failure", metavar="ID", shell_complete=stored_ids)
@operating_options
@app_option
def retry(failure: str, app: str | None, **how: Any) -> None:
    """Start a new run of the failed jobs of the group ID. The workers do it, as for 'poscli jobs retry --failure ID'.

    \b
    Examples:
      poscli failures retry 3fa94c --dry-run
      poscli failures retry 3fa94c --rate 10/s --yes
    """
    engine = needed_engine(app)
    group = engine.failures.show(failure).group
    operate(engine, Kind.RETRY, Filter(status=JobStatus.FAILED, failure=group.id), **how)


@command.command("prove")
@click.argument("failure", metavar="ID", shell_complete=stored_ids)
@click.option("--retry-passing", is_flag=True, help="Then start a new run of those that pass, by the workers.")
@click.option(
    "--rate", metavar="N/UNIT", default="", callback=checked_rate, help="With it: at most so many, such as 10/s."
)
@click.option("--yes", is_flag=True, help="With it: do not ask.")
@_style
@app_option
def prove(failure: str, retry_passing: bool, rate: str, yes: bool, style: str, app: str | None) -> None:
    """Run the failed jobs of the group ID dry, and say which would pass with the templates that are here now.

    Nothing is sent, written or called: what an application's own code would do is listed as an effect. Each job runs
    in a process with a worker's limits. It ends with 1 when no job passes.

    \b
    Examples:
      poscli failures prove 3fa94c
      poscli failures prove 3fa94c --retry-passing --rate 10/s
    """
    if (rate or yes) and not retry_passing:
        raise click.UsageError("--rate and --yes go with --retry-passing")
    if retry_passing and style == "json":
        raise click.UsageError("--retry-passing says in words how it went: leave --format json out")
    load("poscli.proving:prove_group")(app, failure, style, retry_passing=retry_passing, rate=rate, yes=yes)


@command.command("silence")
@click.argument("failure", metavar="ID", shell_complete=stored_ids)
@click.option("--until", "time", type=until, metavar="TIME", help="When it is shown again: 2h, 1d, or a date and time.")
@click.option("--by", metavar="NAME", help="Who wants it so. Default: the user that runs this, and the host.")
@app_option
def silence(failure: str, time: datetime | None, by: str | None, app: str | None) -> None:
    """Leave the group ID out of lists, until a time or until it is unsilenced. Its jobs go on as they would.

    \b
    Example:
      poscli failures silence 3fa94c --until 1d
    """
    engine = needed_engine(app)
    group = engine.failures.show(failure).group
    with told_first(f"silenced {group.id}{f' until {clock(time)}' if time else ''}"):
        engine.failures.silence(group.id, by or operator(), time)


@command.command("unsilence")
@click.argument("failure", metavar="ID", shell_complete=stored_ids)
@app_option
def unsilence(failure: str, app: str | None) -> None:
    """Show the group ID in lists again.

    \b
    Example:
      poscli failures unsilence 3fa94c
    """
    engine = needed_engine(app)
    group = engine.failures.show(failure).group
    with told_first(f"unsilenced {group.id}"):
        engine.failures.unsilence(group.id, operator())


def _nothing(engine: Engine, source_name: str | None, template: str | None, time: datetime | None) -> str:
    about = [f"of the source name '{source_name}'" if source_name else "", f"in '{template}'" if template else ""]
    about.append(f"since {clock(time)}" if time else "")
    said = " ".join(filter(None, ("no failed jobs", *about)))
    if not source_name and not template:
        return said
    groups = engine.failures.list(silenced=True)
    names = (source_name, {group.source_name for group in groups}), (template, {group.template for group in groups})
    for wanted, known in names:
        near = nearest(wanted or "", known - {wanted or ""})
        if near:
            return f"{said}; did you mean '{near}'?"
    return said
