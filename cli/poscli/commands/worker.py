"""`poscli worker`: run jobs until stopped."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click

from liquid_background.errors import SettingsError
from liquid_background.job import Priority
from liquid_background.settings import LOG_FORMATS, LOG_LEVELS, Settings, load_settings
from liquid_background_worker import run
from poscli.application import app_option, given_engine, load_engine
from poscli.beside import METRICS, Beside
from poscli.terminal import hint
from poscli.worker_log import Style, WorkerLog


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
@click.option(
    "--log-level",
    "level",
    type=click.Choice(LOG_LEVELS),
    help="Least of what is logged on stderr. Default: the setting LOG_LEVEL.",
)
@click.option(
    "--log-format",
    "style",
    type=click.Choice(LOG_FORMATS),
    help="json: one object a line. Default: the setting LOG_FORMAT.",
)
@click.option(
    "--metrics-port",
    metavar="N",
    type=click.IntRange(0, 65535),
    help="Serve metrics there, too, on 127.0.0.1: see 'poscli metrics'. One for each site is enough.",
)
@click.option("--quiet", is_flag=True, help="Log only what the worker warns of: not its start, stop and failed jobs.")
@app_option
def command(
    processes: int | None,
    queues: str,
    burst: bool,
    level: str | None,
    style: Style | None,
    metrics_port: int | None,
    quiet: bool,
    app: str | None,
) -> None:
    """Run jobs until stopped.

    SIGTERM or Ctrl-C finishes the running jobs and gives the others back; a second one gives the running jobs
    back, too.

    Its start, its stop, each job that fails for good and trouble with the store are logged on stderr, unless the
    application configures logging itself.

    \b
    Examples:
      poscli worker
      poscli worker --processes 4 --queues high,default
      poscli worker --burst
      poscli worker --log-format json 2>> worker.log
      poscli worker --metrics-port 9394
    """
    log = WorkerLog(style or "text")
    log.begin()
    engine = load_engine(app)
    log.settle(style or engine.settings.log_format, level, engine.settings.log_level, quiet=quiet)
    count = processes or engine.settings.processes
    children = "1 child process" if count == 1 else f"{count} child processes"
    hint(f"Running jobs in {children}; 'poscli logs --tail' shows them. Ctrl-C ends it.")
    with _metrics(metrics_port, app):
        code = run(
            _named(engine.settings, app), engine, [name.strip() for name in queues.split(",")], count, burst=burst
        )
    sys.exit(code)


@contextmanager
def _metrics(port: int | None, app: str | None) -> Iterator[None]:
    """Have `poscli metrics` run beside the worker, as a process of its own, which the worker's limits don't concern."""
    if port is None:
        yield
        return
    if given_engine() is not None:  # which is another program's, and no new process of ours has it
        raise SettingsError("--metrics-port cannot be given here: run 'poscli metrics' beside the worker instead")
    beside = Beside(["metrics", "--port", str(port), *(["--app", app] if app else [])], METRICS)
    beside.start()
    try:
        if beside.address is None:
            sys.exit(1)  # it has said why: a worker that nobody watches is not what was asked for
        yield
    finally:
        beside.stop()


def _named(settings: Settings, app: str | None) -> Settings:
    """Return the engine's settings with the name by which it was found: an engine need not know it."""
    if settings.app or given_engine() is not None:
        return settings
    return settings.model_copy(update={"app": load_settings(app=app).app})
