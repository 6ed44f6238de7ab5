"""`poscli gui`: the dashboard, for one person at this machine."""

from __future__ import annotations

import logging
import os
import signal
import sys
import webbrowser
from contextlib import suppress
from threading import Thread

import click

from liquid_background.screens import ACTIONS
from liquid_background.web.dashboard.own import serve_own
from poscli.application import app_option, load_engine
from poscli.beside import LINK
from poscli.plain_log import log_to_stderr
from poscli.terminal import hint
from poscli.who import operator


@click.command("gui")
@click.option(
    "--port", metavar="N", type=click.IntRange(0, 65535), default=0, help="Port to listen on; a free one without it."
)
@click.option("--no-browser", is_flag=True, help="Print the link only.")
@click.option("--read-only", is_flag=True, help="Show everything and change nothing.")
@app_option
def command(port: int, no_browser: bool, read_only: bool, app: str | None) -> None:
    """Open the dashboard in a browser: what runs, waits and fails, and buttons to mend it.

    It listens on this machine only, on a name of its own, and opens to the link that is printed: that works once, for
    one browser. What is done there stands in the audit with your name. Ctrl-C ends it. See docs/dashboard.md for
    mounting it in an application instead.

    \b
    Examples:
      poscli gui
      poscli gui --read-only
      poscli gui --no-browser --port 8400    # then open the link that it prints
    """
    engine = load_engine(app)
    engine.store.client.ping()  # a store that is away is one line here
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # the server ends first and then raises it again
    log_to_stderr(logging.WARNING)

    def ready(link: str, own_link: str) -> None:
        print(f"{LINK}{link}", flush=True)
        hint("The link works once. Ctrl-C ends the dashboard.")
        if not no_browser and _has_browser():
            Thread(target=webbrowser.open, args=(own_link,), daemon=True).start()  # some wait for the browser's end

    with suppress(KeyboardInterrupt):
        serve_own(engine, by=operator(), permission="read" if read_only else ACTIONS, port=port, ready=ready)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # threads may wait for the store, such as for the next entry of the log, and would be waited for


def _has_browser() -> bool:
    """Return whether there is a screen for a browser: one on this terminal would be in the way."""
    return sys.platform == "darwin" or any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"))
