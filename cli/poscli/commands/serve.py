"""`poscli serve`: serve the pages over HTTP."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
from collections.abc import Callable
from functools import partial

import click

from liquid_background import Settings
from liquid_background.confined import confine, die_with, memory_held
from liquid_background.web import PAGE_PROCESSES, serve
from liquid_background_worker import limits
from liquid_background_worker.surroundings import Surroundings
from poscli.application import app_option, load_engine
from poscli.plain_log import log_to_stderr
from poscli.whereabouts import jobs_at


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
@click.option(
    "--allow-host",
    "allow_hosts",
    metavar="NAME",
    multiple=True,
    help="A name to answer to, again for more. On loopback only localhost's own are answered without it.",
)
@click.option(
    "--processes",
    metavar="N",
    type=click.IntRange(1, 256),
    default=PAGE_PROCESSES,
    show_default=True,
    help="Different pages that run at the same time, each in a process; up to half of them for one page.",
)
@click.option("--show-errors", is_flag=True, help="Tell visitors what is wrong with a template.")
@click.option("--show-jobs", is_flag=True, help="Log which jobs each page made, and where to look for them.")
@click.option("--no-probes", is_flag=True, help="Leave /healthz and /readyz to pages.")
@click.option("--dashboard", metavar="URL", help="With --show-jobs, look there.")
@app_option
def command(
    host: str,
    port: int,
    allow_hosts: tuple[str, ...],
    processes: int,
    show_errors: bool,
    show_jobs: bool,
    no_probes: bool,
    dashboard: str | None,
    app: str | None,
) -> None:
    """Serve the pages over HTTP.

    A page answers at the slug of its front matter, else at its name. Pages run in processes of their own: one that
    takes longer than PAGE_TIMEOUT is stopped and holds up no other. For the public, put a proxy in front. /healthz
    says whether it answers, /readyz whether the store takes jobs.

    \b
    Examples:
      poscli serve
      poscli serve --allow-host shop.example
      poscli serve --host 0.0.0.0 --port 80
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # the server ends in order and then raises it again
    with contextlib.suppress(KeyboardInterrupt):
        log_to_stderr(logging.WARNING)
        logging.getLogger("liquid_background.web").setLevel(logging.INFO)
        serve(
            load_engine(app, for_pages=True),
            host,
            port,
            show_errors=show_errors,
            processes=processes,
            allow_hosts=allow_hosts,
            confine=partial(_confine, os.getpid(), memory_held()),
            ready=lambda url: click.echo(f"Serving {url}", err=True),
            jobs_at=partial(jobs_at, dashboard) if show_jobs else None,
            probes=not no_probes,
        )


def _confine(server: int, held: int, settings: Settings) -> Callable[[], bool]:
    """Hold a page process to its limits.

    Args:
        server: process id of the server.
        held: bytes of memory that the server held at its start. What it holds for visitors by now is not the page's.
        settings: with the limits.
    """
    inherited = max(0, memory_held() - held)
    die_with(server)
    confine(settings.memory_limit, inherited=inherited)
    surroundings, wear = Surroundings(), limits.Wear(settings, inherited)

    def after_page() -> bool:
        surroundings.restore()
        return not wear.is_too_much

    return after_page
