"""`poscli render`: render a page once and send its jobs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from liquid_background import Engine, LogEntry
from liquid_background.job import Job
from poscli.application import app_option, load_engine
from poscli.completing import pages
from poscli.page_values import page_options, read_variables, request_of


@click.command("render")
@click.argument("page", shell_complete=pages)
@page_options
@app_option
def command(page: str, params: tuple[str, ...], data: Path | None, app: str | None) -> None:
    """Render a page once and send its jobs.

    PAGE is a template in templates/pages, without its ending. The text goes to standard output; the jobs wait
    for a worker. They are sent once the text is written: when that cannot be, none is.

    \b
    Examples:
      poscli render welcome
      poscli render checkout --param coupon=SPRING --data order.json
    """
    request = request_of(params)
    engine = load_engine(app)
    engine.environment.sink = held = _Held(engine)
    click.echo(engine.render(page, read_variables(data), params=request), nl=False)
    held.release()


class _Held:
    """Holds a page's jobs until its text is written; sends at once what a page without jobs logs."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._jobs: list[Job] = []
        self._entries: list[LogEntry] = []

    def send(self, jobs: Sequence[Job], entries: Sequence[LogEntry]) -> None:
        """Hold jobs, and what was logged beside them."""
        if jobs:
            _ = self.engine.jobs  # connects: a store that is away is told before anything is written
            self._jobs.extend(jobs)  # to those of a page that a filter rendered
            self._entries.extend(entries)
        else:
            self.engine.send(jobs, entries)

    async def send_async(self, jobs: Sequence[Job], entries: Sequence[LogEntry]) -> None:
        """Do what `send` does."""
        self.send(jobs, entries)

    def release(self) -> None:
        """Send what is held."""
        if self._jobs:
            self.engine.send(self._jobs, self._entries)
