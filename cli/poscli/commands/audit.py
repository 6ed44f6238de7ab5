"""`poscli audit`: who did what to jobs and queues."""

from __future__ import annotations

from datetime import datetime

import click

from poscli.application import app_option, load_engine, no_store
from poscli.output import dump
from poscli.tables import table
from poscli.terminal import hint, note
from poscli.times import clock, since

HEADINGS = ("TIME", "BY", "ACTION", "ABOUT")


@click.command("audit")
@click.option(
    "--since",
    "oldest",
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
def command(oldest: str | None, limit: int, style: str, app: str | None) -> None:
    """Show who did what to jobs and queues, oldest first.

    Retries, cancels, deletes, operations, pauses and the like are kept apart from the job log: some 10,000 of them.

    \b
    Examples:
      poscli audit --since 1d
      poscli audit --format json | jq -r .by | sort | uniq -c
    """
    moment: datetime | None = since(oldest) if oldest else None
    engine = load_engine(app)
    missing = no_store(engine.settings)
    if missing:
        note(missing)
        return
    found = engine.audit.entries(limit, moment)
    if style == "json":
        for entry in found:
            values = {"by": entry.by, "action": entry.action, "about": entry.about}
            print(dump({"time": entry.time.isoformat(), **values}))
    elif found:
        print(table(HEADINGS, [(clock(entry.time), entry.by, entry.action, entry.about) for entry in found]))
        if len(found) == limit:
            hint(f"The newest {limit}; --limit N shows more.")
    else:
        note("nobody has done anything yet" if moment is None else "nobody has done anything since then")
