"""`poscli preview`: what a page would send, and what its jobs would do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import click

from liquid_background.preview import DEEPEST, MOST_JOBS, SECONDS, Tree, as_json
from poscli.application import app_option, load_engine
from poscli.completing import pages
from poscli.page_values import page_options, read_variables, request_of
from poscli.terminal import fitted, styled

_COLOURS: Final = {"good": "green", "bad": "red", "doubtful": "yellow", "note": "cyan"}


@click.command("preview")
@click.argument("page", shell_complete=pages)
@page_options
@click.option("--format", "style", type=click.Choice(["text", "json"]), default="text", help="json: one object.")
@click.option(
    "--jobs",
    type=click.IntRange(1, 10_000),
    default=MOST_JOBS,
    show_default=True,
    metavar="N",
    help="How many jobs are shown, and run dry.",
)
@click.option(
    "--depth",
    type=click.IntRange(1, 100),
    default=DEEPEST,
    show_default=True,
    metavar="N",
    help="How many jobs one after the other, of which each makes the next.",
)
@click.option(
    "--seconds",
    type=click.FloatRange(0, 3600, min_open=True),
    default=SECONDS,
    show_default=True,
    metavar="S",
    help="How long the preview may take.",
)
@app_option
def command(
    page: str, params: tuple[str, ...], data: Path | None, style: str, jobs: int, depth: int, seconds: float, app: str
) -> None:
    """Show what a page would send, and what its jobs would do. Nothing is sent.

    PAGE is a template in templates/pages, without its ending. Each job is run dry against the templates as they
    are now, then the jobs that it makes, to the end of the chain. No store is needed. A filter, tag or action of
    the application's is not called: it is listed with its arguments, and [name?] stands for its value, unless it
    was registered with pure=True, or with a preview= that answers for it; see docs/preview.md.

    It ends with 1 when the page or one of its jobs fails for certain.

    \b
    Examples:
      poscli preview welcome
      poscli preview checkout --param coupon=SPRING --data order.json
      poscli preview checkout --format json | jq '.run.jobs[].source_name'
    """
    engine = load_engine(app)
    found = engine.preview(
        page, read_variables(data), jobs=jobs, depth=depth, seconds=seconds, params=request_of(params)
    )
    if style == "json":
        click.echo(json.dumps(as_json(found)))
    else:
        for before, line in Tree(found, _paint).rows():
            click.echo(fitted(line, before=before))
    if found.fails:
        raise click.exceptions.Exit(1)


def _paint(text: str, tone: str) -> str:
    return styled(text, bold=True) if tone == "name" else styled(text, fg=_COLOURS[tone])
