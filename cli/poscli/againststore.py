"""The deploy guard, `poscli check --against-store`: what jobs in the store need and these templates lack."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import groupby
from typing import Any

import click

from liquid_background import Engine
from liquid_background.jobs.log import printable
from liquid_background.lint import Lacking, StoreChecked, check_store
from liquid_background.wording import counted
from poscli.loader import load
from poscli.output import dump
from poscli.terminal import fitted, note, styled


def check_against_store(engine: Engine, style: str, *, failed: bool) -> None:
    """Print which jobs need what the application lacks; end with 1 when there are any."""
    found = _checked(engine, failed=failed)
    for line in _as_json(found) if style == "json" else _as_text(found):
        click.echo(line)
    if found.unread:
        note(f"{counted(found.unread, 'job')} cannot be read, and were not looked into")
    if found.jobs:
        raise click.exceptions.Exit(1)


def _checked(engine: Engine, *, failed: bool) -> StoreChecked:
    if not sys.stdout.isatty():
        return check_store(engine, failed=failed)
    with load("poscli.progress:Progress")() as progress:  # its import takes long
        return check_store(engine, failed=failed, progress=progress.done)


def _as_text(found: StoreChecked) -> Iterator[str]:
    for source_name, rows in groupby(sorted(found.lacking, key=_name), key=_name):
        yield fitted(styled(printable(source_name), bold=True))
        for row in rows:
            yield fitted(f"  {_said(row)}")
            if row.lack.fix:
                yield fitted(f"      {printable(row.lack.fix)}")
    if found.more:
        yield f"and {counted(found.more, 'job')} of more source names"
    looked_at = f"{found.looked_at:,} of {found.of:,} jobs" if found.looked_at < found.of else counted(found.of, "job")
    verb = "needs" if found.jobs == 1 else "need"
    what = f"{counted(found.jobs, 'job')} {verb} what is not here" if found.jobs else "nothing is lacking"
    yield f"{what}; looked at {looked_at}"


def _name(row: Lacking) -> str:
    return row.source_name


def _said(row: Lacking) -> str:
    lack = row.lack
    return (
        f"{printable(lack.place)}: {printable(lack.message)} [{lack.what}]: {counted(row.jobs, 'job')}, "
        f"such as {printable(row.first)}"
    )


def _as_json(found: StoreChecked) -> Iterator[str]:
    for row in found.lacking:
        values: dict[str, Any] = {
            "source_name": row.source_name,
            "what": str(row.lack.what),
            "name": row.lack.name,
            "template": row.lack.template,
            "line": row.lack.line,
            "message": row.lack.message,
            "fix": row.lack.fix,
            "jobs": row.jobs,
            "first": row.first,
        }
        yield dump(values)
    yield dump(
        {
            "lacking": found.jobs,
            "more": found.more,
            "unread": found.unread,
            "looked_at": found.looked_at,
            "of": found.of,
        }
    )
