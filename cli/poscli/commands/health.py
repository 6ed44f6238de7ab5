"""`poscli health`: one line and an exit code, for systemd, cron and Kubernetes."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from threading import Timer
from time import monotonic
from typing import TYPE_CHECKING, Final

import click

from liquid_background.basic_errors import LiquidBackgroundError, StoreError, StoreUnavailable
from liquid_background.jobs.log import printable
from liquid_background.jobs.queue.bounds import Bounds
from liquid_background.jobs.queue.probing import Probe, probe
from liquid_background.jobs.store.folder import unusable_folder
from liquid_background.jobs.store.probe import Place, embedded_place, line_to, plain_place
from liquid_background.jobs.store.verdict import Severity, Verdict, verdict_on
from liquid_background.store_settings import read_store_settings
from poscli.called import as_called
from poscli.loader import load
from poscli.options import app_option
from poscli.output import dump
from poscli.verdicts import as_json

if TYPE_CHECKING:
    from liquid_background.jobs.store.asking import Asking

_DEFAULT: Final = Bounds()
_QUICK: Final = 2.0  # seconds for all of it
_SLOW: Final = 5.0  # likewise, where the application or the whole client is loaded
_LEAST: Final = 0.05  # seconds for the store to answer, whatever came before
_SLACK: Final = 0.1  # seconds in which a limit of its own lets the store's connection say more
_UNHEALTHY: Final = 1  # the exit code; 2 is a wrong option


def _finite(_context: click.Context, _parameter: click.Parameter, seconds: float | None) -> float | None:
    if seconds is not None and math.isnan(seconds):  # which no range keeps out
        raise click.BadParameter("it must be a number of seconds")
    return seconds


@click.command("health")
@click.option(
    "--max-oldest",
    type=click.IntRange(min=0),
    default=_DEFAULT.max_oldest,
    show_default=True,
    metavar="SECONDS",
    help="How long a job may have waited, ready to run.",
)
@click.option(
    "--max-failed-per-minute",
    type=click.IntRange(0, 100_000),
    default=_DEFAULT.max_failed_per_minute,
    show_default=True,
    metavar="N",
    help="Attempts that may have failed or been lost in the last minute.",
)
@click.option(
    "--min-workers",
    type=click.IntRange(0, 10_000),
    default=_DEFAULT.min_workers,
    show_default=True,
    metavar="N",
    help="Worker processes that must run: children, as 'poscli status' lists them.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(0.1, 60),
    default=None,
    callback=_finite,
    metavar="SECONDS",
    help="Time for all of it, once the program runs. Default: 2, and 5 where it loads the application, or the whole "
    "client for TLS, Sentinels or options in the URL.",
)
@click.option(
    "--format",
    "style",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="json: one object on one line.",
)
@app_option
def command(
    max_oldest: int, max_failed_per_minute: int, min_workers: int, timeout: float | None, style: str, app: str | None
) -> None:
    """Say in one line and an exit code whether jobs are run, for probes. It changes nothing and starts no store.

    It ends with 0 when all is well, 1 when something is wrong or beyond a bound, 2 on a wrong option. What may lose
    jobs, as a store without an append-only file, is named as a warning, and ends with 0.

    \b
    Examples:
      poscli health
      poscli health --max-oldest 60 --min-workers 4
      poscli health --format json | jq -r '.verdicts[].found'
    """
    bounds = Bounds(max_oldest=max_oldest, max_failed_per_minute=max_failed_per_minute, min_workers=min_workers)
    try:
        said = _said(app, bounds, timeout, style)
    except LiquidBackgroundError as error:
        said = Probe((verdict_on(error),))
    print(_object_of(said) if style == "json" else _line_of(said))
    sys.exit(0 if said.is_healthy else _UNHEALTHY)


def _line_of(probe: Probe) -> str:
    return printable(as_called(probe.line()))


def _object_of(probe: Probe) -> str:
    """Return one line for programs; what is not known is null."""
    seen = probe.seen
    return dump(
        {
            "healthy": probe.is_healthy,
            "workers": seen and seen.workers,
            "waiting": seen and seen.waiting,
            "oldest_seconds": seen and seen.oldest,
            "failed_last_minute": probe.failures,
            "verdicts": as_json(probe.verdicts),
        }
    )


def _said(app: str | None, bounds: Bounds, timeout: float | None, style: str) -> Probe:
    settings = read_store_settings()
    by_application = app or _is_of_a_program() or (settings.app and not settings.redis_url)
    is_slow = by_application or (settings.redis_url and plain_place(settings.redis_url) is None)
    limit = timeout or (_SLOW if is_slow else _QUICK)
    with _last_word(limit, style) as progress:
        if by_application:
            settings = load("poscli.whole_client:settings_of_application")(app)
        folder = None if settings.redis_url else settings.data_dir
        try:
            with _line(settings.redis_url, settings.data_dir, progress) as ask:
                return probe(ask, folder, settings.site, bounds)
        except StoreError:
            unusable = unusable_folder(folder) if folder is not None else []
            if not unusable:
                raise
            return Probe(unusable)  # which is why it does not run


def _is_of_a_program() -> bool:
    """Return whether this is a command of another program, such as `flask`, which has an engine."""
    return click.get_current_context().find_object(object) is not None


def _line(url: str | None, data_dir: Path, progress: _Progress) -> AbstractContextManager[Asking]:
    place = plain_place(url) if url else _embedded(data_dir)
    if place is not None:
        return line_to(place, progress.asking())
    asking: Callable[[str | None, float], AbstractContextManager[Asking]] = load("poscli.whole_client:asking")
    return asking(url, progress.asking())


def _embedded(data_dir: Path) -> Place:
    socket = load("liquid_background.jobs.store.embedded:own_socket")(data_dir)
    if not socket.exists():
        raise StoreUnavailable(f"the embedded store in {data_dir} does not run, so no worker does: run poscli worker")
    return embedded_place(socket)


class _Progress:
    """How far a check with a limit has come."""

    def __init__(self, limit: float) -> None:
        self.limit = limit
        self.is_asking = False
        self._until = monotonic() + limit

    def asking(self) -> float:
        """Take note that the store is asked from now on; return the seconds that are left for it."""
        self.is_asking = True
        return max(self._until - monotonic(), _LEAST)

    def verdict(self) -> Verdict:
        """Return what kept it from being over in time."""
        if self.is_asking:
            found = f"the store did not answer within {self.limit:g} s"
            remedy = "is it overloaded, or the network or its name server down?"
        else:
            what = "the application, or the client for this URL,"
            found = f"{what} was not loaded within {self.limit:g} s, so the store was not asked"
            remedy = "give it more time with --timeout, or see whether this host is overloaded"
        return Verdict("store", Severity.WRONG, found, remedy)


@contextmanager
def _last_word(limit: float, style: str) -> Iterator[_Progress]:
    """End the program when this is not over in time: imports, and looking up a host's name, have no other limit."""
    progress = _Progress(limit)

    def give_up() -> None:
        said = Probe([progress.verdict()])
        print(_object_of(said) if style == "json" else _line_of(said), flush=True)
        os._exit(_UNHEALTHY)

    timer = Timer(limit + _SLACK, give_up)
    timer.daemon = True
    timer.start()
    try:
        yield progress
    finally:
        timer.cancel()
