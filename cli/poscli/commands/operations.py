"""`poscli operations`: how far retries, cancels and deletes of all that match a filter are, and their end."""

from __future__ import annotations

from typing import Any

import click

from liquid_background.jobs.log import printable
from liquid_background.jobs.operating.operation import Operation
from poscli.application import app_option, needed_engine, stored_engine
from poscli.group import Group
from poscli.operating import as_options, follow, summary
from poscli.output import dump
from poscli.tables import table
from poscli.terminal import fitted, hint, note
from poscli.times import age, clock
from poscli.verdictview import lines_of, verdicts_as_json
from poscli.who import operator

HEADINGS = ("ID", "KIND", "STATE", "AGE", "DONE", "FAILED", "RATE", "BY", "FILTER")
_FORMAT = click.option(
    "--format", "style", type=click.Choice(["text", "json"]), default="text", show_default=True, help="How it is shown."
)


@click.group("operations", cls=Group)
def command() -> None:
    """Follow retries, cancels, deletes and proofs of all that match a filter.

    They are kept for 30 days, the newest 1,000 of them.

    \b
    Examples:
      poscli operations list
      poscli operations show 3fa94c07 --follow
    """


@command.command("list")
@click.option(
    "--limit", metavar="N", type=click.IntRange(min=1), default=50, show_default=True, help="The newest so many."
)
@_FORMAT
@app_option
def list_operations(limit: int, style: str, app: str | None) -> None:
    """List operations, newest first.

    \b
    Example:
      poscli operations list --limit 5
    """
    engine = stored_engine(app)
    if engine is None:
        return
    found = engine.operations.list(limit)
    if style == "json":
        for each in found:
            print(dump(_as_json(each)))
    elif found:
        print(table(HEADINGS, [_row(each) for each in found]))
        if len(found) == limit:
            hint(f"The newest {limit}; --limit N shows more.")
    else:
        note("no operations; 'poscli jobs retry --all-failed' starts one, and so do cancel and delete")


@command.command("show")
@click.argument("operation_id", metavar="ID")
@click.option("--follow", "follows", is_flag=True, help="Wait until it has ended; exit with 1 when jobs failed.")
@_FORMAT
@app_option
def show(operation_id: str, follows: bool, style: str, app: str | None) -> None:
    """Show one operation, by its ID or the beginning of it.

    \b
    Example:
      poscli operations show 3fa94c07 --follow
    """
    engine = needed_engine(app)
    found = engine.operations.get(operation_id)
    if follows:
        follow(engine, found.id)
    elif style == "json":
        print(dump(_as_json(found)))
    else:
        print(fitted(_described(found)))


@command.command("abort")
@click.argument("operation_id", metavar="ID")
@app_option
def abort(operation_id: str, app: str | None) -> None:
    """End the operation ID before it is done; what it has done stays done.

    \b
    Example:
      poscli operations abort 3fa94c07
    """
    engine = needed_engine(app)
    print(summary(engine.operations.abort(operation_id, by=operator())))


def _row(operation: Operation) -> tuple[object, ...]:
    counts = (f"{operation.done:,}", f"{operation.failed:,}")
    head = (operation.id, operation.kind, operation.state, age(operation.created), *counts)
    return (*head, operation.rate or "-", operation.by, as_options(operation.filter) or "all")


def _described(operation: Operation) -> str:
    ended = f"{clock(operation.ended)}{f' by {operation.ended_by}' if operation.ended_by else ''}"
    facts = {
        "Operation": operation.id,
        "Kind": str(operation.kind),
        "State": str(operation.state),
        "Filter": as_options(operation.filter) or "all",
        "Rate": operation.rate,
        "By": operation.by,
        "Started": f"{clock(operation.created)} ({age(operation.created)} ago)",
        "Ended": ended if operation.ended else "",
        "Looked at": f"{operation.looked_at:,} of {operation.of:,}" if operation.of else "",
        "Matched": f"{operation.matched:,}",
        "Done": f"{operation.done:,}",
        "Failed": f"{operation.failed:,}" if operation.failed else "",
        "Skipped": f"{operation.skipped:,}" if operation.skipped else "",
        "Passed": f"the proof {operation.proof}" if operation.proof else "",
        "Last error": operation.last_error,
    }
    lines = [f"{name + ':':<12}{printable(value)}" for name, value in facts.items() if value]
    return "\n".join([*lines, *(lines_of(operation.verdicts) if operation.verdicts is not None else ())])


def _as_json(operation: Operation) -> dict[str, Any]:
    times = {name: getattr(operation, name) for name in ("created", "ended")}
    names = ("id", "kind", "state", "by", "rate", "matched", "done", "failed", "skipped", "looked_at", "of")
    return {
        **{name: getattr(operation, name) for name in names},
        "filter": as_options(operation.filter),
        "last_error": operation.last_error,
        "ended_by": operation.ended_by,
        "proof": operation.proof,
        **(verdicts_as_json(operation.verdicts) if operation.verdicts is not None else {}),
        **{name: time.isoformat() if time else None for name, time in times.items()},
    }
