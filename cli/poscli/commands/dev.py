"""`poscli dev`: store, worker and pages together, until Ctrl-C."""

from __future__ import annotations

import os

import click

from poscli.application import app_option, load_engine
from poscli.loader import load
from poscli.together import Together


@click.command("dev")
@click.option("--host", metavar="ADDRESS", default="127.0.0.1", show_default=True, help="Address of the pages.")
@click.option(
    "--port", metavar="N", type=click.IntRange(1, 65535), default=8000, show_default=True, help="Port of the pages."
)
@click.option(
    "--allow-host",
    "allow_hosts",
    metavar="NAME",
    multiple=True,
    help="A name that the pages answer to, again for more.",
)
@app_option
def command(host: str, port: int, allow_hosts: tuple[str, ...], app: str | None) -> None:
    """Run store, worker and pages together, show the job log, and reload what changes.

    Changed templates are used at once; changed Python files and settings restart worker and pages. One Ctrl-C
    stops everything that it started.

    \b
    Example:
      poscli dev --port 8080
    """
    load("liquid_background.web:serve")  # at once, where the web extra is missing: the pages alone would end for it
    os.environ.setdefault("LIQUID_BACKGROUND_DEV", "true")  # for the processes that it starts, too
    Together(load_engine(app), app, host, port, allow_hosts).run()
