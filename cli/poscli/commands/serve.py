"""`poscli serve`: serve the pages over HTTP."""

from __future__ import annotations

import contextlib
import logging
import signal
import sys

import click

from liquid_background.web import serve
from poscli.application import app_option, load_engine


@click.command("serve")
@click.option("--host", metavar="ADDRESS", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    metavar="N",
    type=click.IntRange(0, 65535),
    default=8000,
    show_default=True,
    help="Port to listen on; 0 for a free one.",
)
@click.option("--show-errors", is_flag=True, help="Tell visitors what is wrong with a template.")
@app_option
def command(host: str, port: int, show_errors: bool, app: str | None) -> None:
    """Serve the pages over HTTP.

    A page answers at the slug of its front matter, else at its name. For the public, put a proxy in front.

    \b
    Examples:
      poscli serve
      poscli serve --host 0.0.0.0 --port 80
    """
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    logging.getLogger("liquid_background.web").setLevel(logging.INFO)
    engine = load_engine(app)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # the server ends in order and then raises it again
    with contextlib.suppress(KeyboardInterrupt):
        serve(engine, host, port, show_errors=show_errors, ready=lambda url: click.echo(f"Serving {url}", err=True))
