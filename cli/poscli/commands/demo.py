"""`poscli demo`: the demo site's pages, their jobs, and what became of them."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from poscli.demo_site.play import play
from poscli.loader import load


@click.command("demo")
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="FOLDER",
    default=Path(".liquid-background-demo"),
    show_default=True,
    help="Where the demo keeps its store and its outbox; emptied at each start.",
)
def command(folder: Path) -> None:
    """Render the demo site's pages, run their jobs, show their log.

    It uses a store and a worker of its own, which end with it, and changes nothing outside its folder.
    """
    screen = load("poscli.progress:Progress" if sys.stdout.isatty() else "poscli.demo_site.play:Lines")()
    sys.exit(play(folder, screen))
