"""`poscli store`: the embedded store of this project."""

from __future__ import annotations

import sys

import click

from liquid_background import Settings
from liquid_background.jobs.store import embedded
from liquid_background.settings import load_settings
from poscli.group import Group
from poscli.loader import load
from poscli.options import app_option
from poscli.terminal import note, told_first
from poscli.times import span


@click.group("store", cls=Group)
def command() -> None:
    """Look after the store: the embedded one, the Valkey that runs when no URL is set, and what any holds.

    \b
    Examples:
      poscli store status
      poscli store usage
      poscli store reindex
      rq info -u "$(poscli store path --url)"
    """


@command.command("status")
def status() -> None:
    """Say whether the embedded store runs, without starting it."""
    settings = load_settings()
    if _external(settings):
        return
    seen = embedded.status(settings.data_dir)
    if not seen.running:
        print(f"not running, in {settings.data_dir}; it starts when it is needed")
    elif seen.pid is None:
        print(f"starting or stopping, in {settings.data_dir}")
    else:
        memory = f"{(seen.memory_bytes or 0) / 1024 / 1024:.1f} MB"
        clients = f"{seen.clients} client{'' if seen.clients == 1 else 's'}"
        since = f"up {span(seen.uptime_seconds or 0)}"
        print(f"running, in {settings.data_dir}: pid {seen.pid}, version {seen.version}, {since}, {clients}, {memory}")


@command.command("stop")
def stop() -> None:
    """Stop the embedded store. Its jobs are kept; a worker that still runs starts it again."""
    settings = load_settings()
    if _external(settings):
        sys.exit(1)
    seen = embedded.status(settings.data_dir)
    clients = seen.clients
    if not seen.running:
        note(f"it was not running, in {settings.data_dir}")
        return
    with told_first(f"stopped, in {settings.data_dir}"):
        embedded.stop(settings.data_dir)
    if clients:
        note(f"{clients} clients were attached, such as a worker or a tail: stop them first, or they start it again")


@command.command("path")
@click.option("--url", is_flag=True, help="As a unix:// URL, for rq and redis tools.")
def path(url: bool) -> None:
    """Print the path of the embedded store's socket, for other programs."""
    settings = load_settings()
    if _external(settings):
        sys.exit(1)
    socket = embedded.own_socket(settings.data_dir)  # other programs would talk to whoever listens there
    print(embedded.socket_url(settings.data_dir) if url else socket)


@command.command("usage")
@click.option(
    "--format",
    "style",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="json: one object on one line.",
)
@app_option
def usage(style: str, app: str | None) -> None:
    """Say what jobs take in the store's memory: records, results, log, audit, indexes.

    It is an estimate, from a few thousand jobs that are weighed.

    \b
    Examples:
      poscli store usage
      poscli store usage --format json | jq .kinds.records.bytes
    """
    load("poscli.using:show_usage")(style, app)


@command.command("reindex")
@app_option
def reindex(app: str | None) -> None:
    """Bring the indexes of failed and of delayed jobs in line with the jobs themselves.

    Workers do so, too, a little every second; this does it at once. Workers may run meanwhile, and it may be ended
    and run again at any time.

    \b
    Example:
      poscli store reindex
    """
    load("poscli.reindexing:reindex")(app)


def _external(settings: Settings) -> bool:
    """Return whether the store is somebody else's, and say so."""
    if settings.redis_url:
        note("the store is an external server, by the setting REDIS_URL: there is no embedded one to look after")
        return True
    return False
