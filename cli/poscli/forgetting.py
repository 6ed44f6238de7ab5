"""`poscli jobs forget`: find what carries a text, and delete it."""

from __future__ import annotations

import sys
from contextlib import nullcontext

import click

from liquid_background import Engine
from liquid_background.jobs.operating.forgetting import OUT_OF_REACH, Forgotten
from liquid_background.wording import counted
from poscli.application import app_option, needed_engine
from poscli.loader import load
from poscli.output import dump
from poscli.tables import confirm
from poscli.terminal import note
from poscli.who import operator

_SHOWN = 20  # ids that are named


@click.command("forget")
@click.option(
    "--value", metavar="TEXT", required=True, help="What is to be forgotten, exactly, in upper and lower case as it is."
)
@click.option("--including-waiting", is_flag=True, help="Take jobs back that wait and carry it, and delete them, too.")
@click.option("--dry-run", is_flag=True, help="Only count what carries it.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option(
    "--format",
    "style",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="json: one object on one line.",
)
@app_option
def forget(*, value: str, including_waiting: bool, dry_run: bool, yes: bool, style: str, app: str | None) -> None:
    """Delete jobs that have ended and log entries that carry a text, such as an address; asks first.

    It is looked for in parameters, handed-over values, bodies, results, errors and tracebacks, in the job log and the
    audit. It may be ended and run again. It ends with 1 when something that carries the text is left, and says what it
    cannot reach.

    \b
    Examples:
      poscli jobs forget --value ada@example.com --dry-run
      poscli jobs forget --value ada@example.com --including-waiting --yes
    """
    engine = needed_engine(app)
    if not (yes or dry_run):
        found = _gone_through(engine, value, including_waiting, dry_run=True)
        if _is_empty(found):
            _tell(found, style)
            return
        confirm(f"Delete {_numbers(found)}?", yes)
    done = _gone_through(engine, value, including_waiting, dry_run=dry_run)
    _tell(done, style)
    sys.exit(bool(done.waiting or done.running or done.others) and not dry_run)


def _gone_through(engine: Engine, value: str, including_waiting: bool, *, dry_run: bool) -> Forgotten:
    with load("poscli.progress:Progress")("") if sys.stderr.isatty() else nullcontext() as shown:
        return engine.forget(
            value,
            by=operator(),
            dry_run=dry_run,
            including_waiting=including_waiting,
            progress=None if shown is None else lambda what, done, of: shown.done(done, of, what),
        )


def _is_empty(found: Forgotten) -> bool:
    return not (found.jobs or found.log_entries or found.audit_entries or found.notes)


def _numbers(found: Forgotten) -> str:
    numbers = [
        counted(found.jobs, "job"),
        counted(found.log_entries, "log entry", "log entries"),
        f"{found.audit_entries:,} of the audit",
        counted(found.notes, "note on failures", "notes on failures"),
    ]
    return ", ".join(numbers)


def _tell(found: Forgotten, style: str) -> None:
    if style == "json":
        print(dump(_as_json(found)))
    else:
        done = "would delete" if found.dry_run else "deleted"
        print(f"{done} {_numbers(found)}, of {counted(found.jobs_looked_at, 'job')}")
    for ids, what, why in (
        (found.waiting, "waiting job", "--including-waiting takes it back, or forget it again when it has ended"),
        (found.running, "running job", "forget it again when it has ended"),
        (found.others, "other place", "resume and pause anew, or wait until operations are dropped"),
    ):
        if ids:
            more = f" and {len(ids) - _SHOWN:,} more" if len(ids) > _SHOWN else ""
            note(f"left, in {counted(len(ids), what)}: {', '.join(ids[:_SHOWN])}{more}; {why}")
    if not found.dry_run:
        note(f"out of reach: {'; '.join(OUT_OF_REACH)}")


def _as_json(found: Forgotten) -> dict[str, object]:
    return {
        "dry_run": found.dry_run,
        "jobs": found.jobs,
        "jobs_looked_at": found.jobs_looked_at,
        "log_entries": found.log_entries,
        "audit_entries": found.audit_entries,
        "notes": found.notes,
        "waiting": found.waiting,
        "running": found.running,
        "others": found.others,
        "out_of_reach": list(OUT_OF_REACH),
    }
