"""`poscli health`: one line and an exit code, for systemd, cron and Kubernetes."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Timer
from typing import TYPE_CHECKING, Final

import click

from liquid_background.basic_errors import LiquidBackgroundError, StoreUnavailable
from liquid_background.jobs.log import printable
from liquid_background.jobs.log.searching import count_failures
from liquid_background.jobs.queue.bounds import Bounds, bound_verdicts
from liquid_background.jobs.queue.health import look
from liquid_background.jobs.queue.serving import Serving
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
_MINUTE: Final = 60.0
_SLACK: Final = 0.1  # seconds in which a limit of its own lets the store's connection say more
_COUNTED: Final = 1_000  # failures that are counted, at least, whatever the bound
_UNHEALTHY: Final = 1  # the exit code; 2 is a wrong option


def _finite(_context: click.Context, _parameter: click.Parameter, seconds: float) -> float:
    if math.isnan(seconds):  # which no range keeps out
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
    default=2.0,
    callback=_finite,
    show_default=True,
    metavar="SECONDS",
    help="Time that the store has to answer.",
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
    max_oldest: int, max_failed_per_minute: int, min_workers: int, timeout: float, style: str, app: str | None
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
        said = _Said((verdict_on(error),))
    print(said.as_json() if style == "json" else said.line())
    sys.exit(0 if said.is_healthy else _UNHEALTHY)


@dataclass(frozen=True, slots=True)
class _Said:
    """What was found: the verdicts, the worst first, and what there was to see, unless it could not be seen."""

    verdicts: Sequence[Verdict]
    seen: Serving | None = None
    failures: int | None = None

    @property
    def is_healthy(self) -> bool:
        return not any(verdict.severity is Severity.WRONG for verdict in self.verdicts)

    def line(self) -> str:
        """Return one line: what is wrong, the shortest first, then the warnings."""
        wrong = [str(verdict) for verdict in self.verdicts if verdict.severity is Severity.WRONG]
        warnings = [f"warning: {verdict}" for verdict in self.verdicts if verdict.severity is Severity.WARNING]
        told = sorted(wrong, key=len) if wrong else [self._summary()]
        line = "; ".join([*told, *sorted(warnings, key=len)])
        return printable(as_called(f"{'ok' if self.is_healthy else 'failed'}: {line}"))

    def _summary(self) -> str:
        assert self.seen is not None  # else something is wrong
        workers = "an unknown number of" if self.seen.workers is None else str(self.seen.workers)
        oldest = "" if self.seen.oldest is None else f", the oldest for {self.seen.oldest:.1f} s"
        parts = [f"{workers} {'worker' if workers == '1' else 'workers'}", f"{self.seen.waiting} waiting{oldest}"]
        parts += [] if self.failures is None else [f"{self.failures} failed in the last minute"]
        return ", ".join(parts)

    def as_json(self) -> str:
        """Return one line for programs; what is not known is null."""
        seen = self.seen
        return dump(
            {
                "healthy": self.is_healthy,
                "workers": seen and seen.workers,
                "waiting": seen and seen.waiting,
                "oldest_seconds": seen and seen.oldest,
                "failed_last_minute": self.failures,
                "verdicts": as_json(self.verdicts),
            }
        )


def _said(app: str | None, bounds: Bounds, timeout: float, style: str) -> _Said:
    settings = read_store_settings()
    if app or _is_of_a_program() or (settings.app and not settings.redis_url):
        settings = load("poscli.whole_client:settings_of_application")(app)
    line = _line(settings.redis_url, settings.data_dir, timeout)
    with _last_word(timeout, style), line as ask:
        health = look(ask, None if settings.redis_url else settings.data_dir, settings.site)
        most = max(_COUNTED, bounds.max_failed_per_minute + 1)
        failures = count_failures(ask, _MINUTE, most, settings.site)
    beyond = bound_verdicts(health.serving, failures, bounds)
    told = {verdict.name for verdict in beyond}
    rest = [verdict for verdict in health.verdicts if verdict.name not in told]
    return _Said([*beyond, *rest], health.serving, failures)


def _is_of_a_program() -> bool:
    """Return whether this is a command of another program, such as `flask`, which has an engine."""
    return click.get_current_context().find_object(object) is not None


def _line(url: str | None, data_dir: Path, timeout: float) -> AbstractContextManager[Asking]:
    place = plain_place(url) if url else _embedded(data_dir)
    if place is not None:
        return line_to(place, timeout)
    line: AbstractContextManager[Asking] = load("poscli.whole_client:asking")(url, timeout)
    return line


def _embedded(data_dir: Path) -> Place:
    socket = load("liquid_background.jobs.store.embedded:own_socket")(data_dir)
    if not socket.exists():
        raise StoreUnavailable(f"the embedded store in {data_dir} does not run, so no worker does: run poscli worker")
    return embedded_place(socket)


@contextmanager
def _last_word(timeout: float, style: str) -> Iterator[None]:
    """End the program when this is not over in time: looking up a host's name cannot be given a limit of its own."""

    def give_up() -> None:
        found = f"the store did not answer within {timeout:g} s"
        said = _Said(
            [Verdict("store", Severity.WRONG, found, "is it overloaded, or the network or its name server down?")]
        )
        print(said.as_json() if style == "json" else said.line(), flush=True)
        os._exit(_UNHEALTHY)

    timer = Timer(timeout + _SLACK, give_up)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
