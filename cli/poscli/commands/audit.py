"""`poscli audit`: who did what to jobs and queues."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

import click

from liquid_background.errors import FilterError
from liquid_background.jobs.filter import Filter
from poscli.application import app_option, stored_engine
from poscli.operating import as_options
from poscli.output import dump
from poscli.tables import table
from poscli.terminal import hint, note
from poscli.times import clock, since

HEADINGS = ("TIME", "BY", "ACTION", "ABOUT")
_OPERATION: Final = re.compile(r"(operation \w+: )(\{.*\})")


@click.command("audit")
@click.option(
    "--since",
    "moment",
    type=since,
    metavar="TIME",
    help="Entries of 10m, 2h30m or 1d ago and later, or since 14:00 or a date and time (UTC).",
)
@click.option(
    "-n", "--limit", metavar="N", type=click.IntRange(min=1), default=50, show_default=True, help="The newest so many."
)
@click.option(
    "--format",
    "style",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="json: one object a line.",
)
@app_option
def command(moment: datetime | None, limit: int, style: str, app: str | None) -> None:
    """Show who did what to jobs and queues, oldest first.

    Retries, cancels, deletes, operations, pauses and the like are kept apart from the job log: some 10,000 of them.

    \b
    Examples:
      poscli audit --since 1d
      poscli audit --format json | jq -r .by | sort | uniq -c
    """
    engine = stored_engine(app)
    if engine is None:
        return
    found = engine.audit.entries(limit, moment)
    if style == "json":
        for entry in found:
            values = {"by": entry.by, "action": entry.action, "about": entry.about}
            print(dump({"time": entry.time.isoformat(), **values}))
    elif found:
        print(table(HEADINGS, [(clock(entry.time), entry.by, entry.action, _readable(entry.about)) for entry in found]))
        if len(found) == limit:
            hint(f"The newest {limit}; --limit N shows more.")
    else:
        note("nobody has done anything yet" if moment is None else "nobody has done anything since then")


def _readable(about: str) -> str:
    """Return what an entry is about with the filter of an operation as the options that give it."""
    found = _OPERATION.fullmatch(about)
    if found is None:
        return about
    try:
        return f"{found[1]}{as_options(Filter.from_json(found[2])) or 'all'}"
    except FilterError:  # it was cut, or is of a newer version
        return about
