"""`poscli worker`: run jobs until stopped."""

from __future__ import annotations

import sys

import click

from liquid_background.job import Priority
from liquid_background_worker import run
from poscli.application import app_option, load_engine
from poscli.terminal import hint, log_to_stderr


@click.command("worker")
@click.option(
    "--processes", type=click.IntRange(1, 256), metavar="N", help="Child processes. Default: the setting PROCESSES."
)
@click.option(
    "--queues",
    default=",".join(Priority),
    show_default=True,
    metavar="NAMES",
    help="Queues to serve, separated by commas.",
)
@click.option("--burst", is_flag=True, help="End when nothing is queued or due.")
@app_option
def command(processes: int | None, queues: str, burst: bool, app: str | None) -> None:
    """Run jobs until stopped.

    SIGTERM or Ctrl-C finishes the running jobs and gives the others back; a second one gives the running jobs
    back, too.

    \b
    Examples:
      poscli worker
      poscli worker --processes 4 --queues high,default
      poscli worker --burst
    """
    log_to_stderr()
    engine = load_engine(app)
    count = processes or engine.settings.processes
    children = "1 child process" if count == 1 else f"{count} child processes"
    hint(f"Running jobs in {children}; 'poscli logs --tail' shows them. Ctrl-C ends it.")
    sys.exit(run(engine.settings, engine, [name.strip() for name in queues.split(",")], count, burst=burst))
