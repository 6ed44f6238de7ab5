"""`poscli render`: render a page once and send its jobs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from poscli.application import app_option, load_engine
from poscli.completing import pages


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
    for a worker.

    \b
    Examples:
      poscli render welcome
      poscli render checkout --param coupon=SPRING --data order.json
    """
    request = dict(_split(param) for param in params)
    click.echo(load_engine(app).render(page, _read(data), params=request), nl=False)


def _split(param: str) -> tuple[str, str]:
    name, equals, value = param.partition("=")
    if not name or not equals:
        raise click.BadParameter(f"'{param}' is not NAME=VALUE", param_hint="--param")
    return name, value


def _read(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        with click.open_file(str(path), encoding="utf-8") as stream:
            data = json.load(stream)
    except OSError as error:
        raise click.BadParameter(f"cannot read {path}: {error.strerror}", param_hint="--data") from error
    except ValueError as error:
        raise click.BadParameter(f"{path} is not JSON: {error}", param_hint="--data") from error
    if not isinstance(data, dict):
        raise click.BadParameter(f"{path} holds a {type(data).__name__}, not a JSON object", param_hint="--data")
    return data
