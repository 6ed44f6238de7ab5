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
@click.option("--gui", is_flag=True, help="Run the dashboard, too, and print its link.")
@app_option
def command(host: str, port: int, allow_hosts: tuple[str, ...], gui: bool, app: str | None) -> None:
    """Run store, worker and pages together, show the job log, and reload what changes.

    Changed templates are used at once, and checked: findings of 'poscli check' are printed. Changed Python files and
    settings restart worker and pages. Which jobs a page made is told with where to look for them: by a command, or at
    the dashboard with --gui. One Ctrl-C stops everything that it started.

    \b
    Examples:
      poscli dev --port 8080
      poscli dev --gui
    """
    load("liquid_background.web:serve")  # at once, where the web extra is missing: the pages alone would end for it
    os.environ.setdefault("LIQUID_BACKGROUND_DEV", "true")  # for the processes that it starts, too
    Together(load_engine(app), app, host, port, allow_hosts, gui=gui).run()
