"""`poscli render`: render a page once and send its jobs."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import click

from liquid_background import Engine, LogEntry
from liquid_background.errors import NotPlain
from liquid_background.job import Job
from liquid_background.variables import parse_variables
from poscli.application import app_option, load_engine
from poscli.completing import pages
from poscli.output import ClosedInput

_MAX_DATA: Final = 64 * 1024 * 1024  # bytes: a device, or a pipe that somebody forgot, has no end


@click.command("render")
@click.argument("page", shell_complete=pages)
@click.option("--param", "params", multiple=True, metavar="NAME=VALUE", help="A request parameter; may be repeated.")
@click.option(
    "--data",
    type=click.Path(path_type=Path, allow_dash=True),
    metavar="FILE",
    help="JSON object with the page's variables; - reads it from standard input.",
)
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
    request = dict(_split(param) for param in params)
    engine = load_engine(app)
    engine.environment.sink = held = _Held(engine)
    click.echo(engine.render(page, _read(data), params=request), nl=False)
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


def _split(param: str) -> tuple[str, str]:
    name, equals, value = param.partition("=")
    if not name or not equals:
        raise click.BadParameter(f"'{param}' is not NAME=VALUE", param_hint="--param")
    return name, value


def _read(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    if str(path) == "-" and isinstance(sys.stdin, ClosedInput):
        raise click.BadParameter("standard input is closed: redirect a file or a pipe to it", param_hint="--data")
    try:
        with click.open_file(str(path), "rb") as stream:
            text = stream.read(_MAX_DATA + 1)
        if len(text) > _MAX_DATA:
            raise click.BadParameter(f"{path} is over {_MAX_DATA // 1024**2} MB", param_hint="--data")
        return parse_variables(text)
    except OSError as error:
        raise click.BadParameter(f"cannot read {path}: {error.strerror}", param_hint="--data") from error
    except NotPlain as error:
        raise click.BadParameter(f"{path} {error}", param_hint="--data") from error
