"""Retry, cancel or delete all that match a filter, from the command line: asked for, followed, and told how it went."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from time import monotonic
from typing import Any, Final

import click

from liquid_background import Engine
from liquid_background.errors import JobNotFound, OperationError
from liquid_background.jobs.filter import Filter
from liquid_background.jobs.operating.operation import Kind, Operation, OperationState, gap_of
from liquid_background.jobs.queue.overview import workers
from liquid_background.wording import counted
from poscli.filtering import whole
from poscli.jobrows import rows
from poscli.loader import load
from poscli.tables import confirm
from poscli.terminal import note
from poscli.who import operator

_DONE: Final = {Kind.RETRY: "retried", Kind.CANCEL: "cancelled", Kind.DELETE: "deleted", Kind.PROVE: "run dry"}
_ALONE: Final = 5.0  # seconds without a worker after which nobody waits any more


def operating_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of an operation."""
    options = (
        click.option("--dry-run", is_flag=True, help="Say how many jobs match and show the first few; change nothing."),
        click.option(
            "--rate",
            metavar="N/UNIT",
            default="",
            callback=checked_rate,
            help="At most so many, such as 10/s, 100/m or 5/h.",
        ),
        click.option("--yes", is_flag=True, help="Do not ask."),
    )
    for option in reversed(options):
        command = option(command)
    return command


def checked_rate(context: click.Context, parameter: click.Parameter, value: str) -> str:
    """Return a rate that is given as an option.

    Raises:
        BadParameter: when it is none.
    """
    try:
        gap_of(value)
    except OperationError as error:
        raise click.BadParameter(str(error)) from None
    return value


def check_asked(job_ids: Sequence[str], wanted: Filter, advice: str, options: Mapping[str, Any]) -> None:
    """Accept a command that is either about jobs by their ids or about all that match.

    Raises:
        UsageError: when it is about neither, or both, or jobs that are named have an operation's options.
    """
    if bool(job_ids) == (wanted != Filter()):
        raise click.UsageError(f"name the jobs, or give {advice}" + (": not both" if job_ids else ""))
    if job_ids and (options["rate"] or options["dry_run"]):
        raise click.UsageError("--rate and --dry-run are for all that match, not for jobs that are named")


_OPTIONS: Final = (
    "status",
    "source_name",
    "template",
    "queue",
    "group",
    "failure",
    "error",
    "since",
    "until",
    "parent",
)


def as_options(wanted: Filter) -> str:
    """Return a filter as the options that give it."""
    given = {name: getattr(wanted, name) for name in _OPTIONS}
    words = [f"--{name.replace('_', '-')} {_quoted(value)}" for name, value in given.items() if value]
    return " ".join([*words, *(f"--value {_quoted(f'{name}={value}')}" for name, value in wanted.values.items())])


def _quoted(value: object) -> str:
    return shlex.quote(value.isoformat() if isinstance(value, datetime) else str(value))


def operate(engine: Engine, kind: Kind, wanted: Filter, *, rate: str, dry_run: bool, yes: bool) -> None:
    """Have the workers do it with all jobs that match, and wait until they have."""
    wanted = whole(engine, wanted)
    if dry_run:
        _show(engine, engine.operations.start(kind, wanted, rate=rate, dry_run=True))
        return
    if yes:
        total = None
        is_empty = next(iter(engine.operations.matching(kind, wanted)), None) is None
    else:
        total = engine.operations.start(kind, wanted, rate=rate, dry_run=True).matched
        is_empty = not total
    if is_empty:
        only = wanted.status and wanted == Filter(status=wanted.status)
        note(f"no {wanted.status} jobs" if only else f"no jobs match {as_options(wanted)}")
        return
    if total is not None:
        confirm(f"{kind.capitalize()} {counted(total, 'job')}?", yes)
    start(engine, kind, wanted, rate=rate, total=total)


def start(engine: Engine, kind: Kind, wanted: Filter, *, rate: str, total: int | None, proof: str = "") -> None:
    """Start an operation, and wait until the workers have carried it out.

    Args:
        engine: whose jobs it is about.
        kind: what is done.
        wanted: with which jobs.
        rate: how many at most; empty for as fast as it goes.
        total: how many they are, where that is known.
        proof: id of the proof whose passing jobs it is about, where it is about such alone.
    """
    operation = engine.operations.start(kind, wanted, by=operator(), rate=rate, proof=proof)
    if not workers(engine.store):
        note(
            f"operation {operation.id} waits: no worker is running. Start one: poscli worker; follow it with "
            f"'poscli operations show {operation.id} --follow'"
        )
        return
    follow(engine, operation.id, total)


def _show(engine: Engine, found: Operation) -> None:
    print(f"{counted(found.matched, 'job')} would be {_DONE[found.kind]}")
    jobs = []
    for job_id in found.sample:
        try:
            jobs.append(engine.jobs.get(job_id))
        except JobNotFound:  # gone meanwhile
            continue
    if jobs:
        print(rows(engine.shown(jobs), engine.waiting(jobs)).text())
    if found.matched > len(jobs) > 0:
        note(f"and {found.matched - len(jobs):,} more")


def follow(engine: Engine, operation_id: str, total: int | None = None) -> None:
    """Wait for an operation and say how it went; the exit code is 1 when some jobs failed, or nobody carries it out."""
    try:
        last = _followed(engine, operation_id, total)
    except KeyboardInterrupt:
        note(
            f"operation {operation_id} goes on: see 'poscli operations show {operation_id}', end it with "
            f"'poscli operations abort {operation_id}'"
        )
        raise
    print(summary(last))
    if last.failed:
        note(f"the last one that failed is {last.last_error}")
    if last.state is OperationState.RUNNING:
        note(f"operation {operation_id} waits: no worker is running any more. Start one: poscli worker")
    if last.failed or last.state is not OperationState.DONE:
        sys.exit(1)


def _followed(engine: Engine, operation_id: str, total: int | None) -> Operation:
    if not sys.stdout.isatty():
        return _until_ended(engine, operation_id, lambda _: None)
    # A terminal's bar takes long to import.
    with load("poscli.progress:Progress")() as progress:
        return _until_ended(engine, operation_id, lambda now: progress.done(now.matched, total or now.of))


def _until_ended(engine: Engine, operation_id: str, show: Callable[[Operation], None]) -> Operation:
    """Return an operation when it has ended, or nobody is left who carries it out."""
    attended = monotonic()
    for now in engine.operations.follow(operation_id):
        show(now)
        if monotonic() - attended > _ALONE:
            if not workers(engine.store):
                break
            attended = monotonic()
    return now


def summary(operation: Operation) -> str:
    """Return in a line what an operation has done."""
    parts = [f"{_DONE[operation.kind]} {counted(operation.done, 'job')}"]
    if operation.failed:
        parts.append(f"{operation.failed:,} failed")
    if operation.skipped:
        parts.append(f"{operation.skipped:,} had moved on")
    if operation.state is not OperationState.DONE:
        parts.append(str(operation.state))
    return ", ".join(parts)
