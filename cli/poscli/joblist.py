"""A list of jobs as it is found: rows, what has been looked at meanwhile, and how it goes on."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from time import monotonic
from typing import Final

import click

from liquid_background import Engine, JobRecord
from liquid_background.jobs.filter import Filter
from liquid_background.jobs.pages import Page
from poscli.filtering import described, whole
from poscli.jobrows import Rows, rows
from poscli.jobview import as_json
from poscli.names import near_name
from poscli.output import dump
from poscli.terminal import hint, note

_WHOLE: Final = 32  # characters of a page render's id
_QUIET: Final = 0.3  # seconds before it is told how far a search has come, and between two times
_CLEAR: Final = "\r\x1b[K"


def print_jobs(engine: Engine, wanted: Filter, limit: int, after: str | None, style: str) -> None:
    """Print jobs, the newest first, and say how the list goes on.

    Raises:
        FilterError: when the filter asks for a value that is never shown, or the cursor is none.
    """
    wanted = whole(engine, wanted)
    count, last = 0, Page()
    lines = _Lines(engine, style)
    for last in _told(engine.jobs.pages(wanted, limit=limit, after=after)):
        lines.take(last)
        count += len(last)
    lines.end()
    if not count:
        note(_nothing(engine, wanted, last, after))
    elif last.cursor:
        known = f" of {last.total:,}" if last.total is not None else ""
        more = f"{count:,}{known}, the newest first. The next ones: --after"
        (note if style == "json" else hint)(more, to_copy=last.cursor)
    elif last.total is None:
        hint(f"{count:,}, all that fit; {last.looked_at:,} looked at")


class _Lines:
    """Prints jobs in a style: on a terminal and as JSON at once; in a pipe a table's columns need all of its rows."""

    def __init__(self, engine: Engine, style: str) -> None:
        self._engine = engine
        self._is_json = style == "json"
        self._held: list[JobRecord] = []
        self._above: Rows | None = None

    def take(self, jobs: list[JobRecord]) -> None:
        """Print some more jobs."""
        self._held += jobs
        if self._held and (self._is_json or sys.stdout.isatty()):
            self.end()

    def end(self) -> None:
        """Print what is held back."""
        jobs, self._held = self._engine.shown(self._held), []
        waits = self._engine.waiting(jobs)
        if self._is_json:
            for job, wait in zip(jobs, waits, strict=True):
                print(dump(as_json(job, wait)))
        elif jobs:
            shown = rows(jobs, waits)
            print(shown.text(self._above))
            self._above = self._above or shown


def _told(pages: Iterator[Page]) -> Iterator[Page]:
    """Say on a terminal how much has been looked at, in a line that goes away again."""
    next_time, is_shown = monotonic() + _QUIET, False
    is_told = sys.stdout.isatty() and sys.stderr.isatty()
    for page in pages:
        if is_shown and page:
            click.echo(_CLEAR, err=True, nl=False)
            is_shown = False
        yield page
        if is_told and monotonic() >= next_time:
            click.echo(f"{_CLEAR}{page.looked_at:,} of {page.of:,} looked at so far", err=True, nl=False)
            next_time, is_shown = monotonic() + _QUIET, True
    if is_shown:
        click.echo(_CLEAR, err=True, nl=False)


def _nothing(engine: Engine, wanted: Filter, last: Page, after: str | None) -> str:
    if after:
        return "no more jobs that fit"
    about = f"no {described(wanted)}"
    if len(wanted.parent) in range(1, _WHOLE):
        return f"{about}; of a page's render, and of a job that is gone, --parent takes the whole id"
    if wanted.source_name and not wanted.is_prefix:
        near = near_name(engine, wanted.source_name)
        return f"{about}; did you mean '{near}'?" if near else about
    return about
