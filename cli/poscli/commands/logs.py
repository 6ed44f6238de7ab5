"""`poscli logs`: show the job log, and follow it."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from datetime import datetime

import click

from liquid_background import Engine, LogEntry, LogStatus
from liquid_background.jobs.log import Format, last_id, oldest_first
from poscli.application import app_option, hint_waiting, load_engine, no_store
from poscli.completing import source_names, types
from poscli.names import near_name
from poscli.original import KnowsOriginal
from poscli.terminal import end_with_reader, hint, line_of, note
from poscli.times import since as since_time

_ON_A_TERMINAL = 100  # entries shown without -n; a pipe gets all that are kept
_BEFORE_A_TAIL = 10
_ALL = 1_000_000_000


@click.command("logs", cls=KnowsOriginal)
@click.option(
    "--source-name",
    metavar="NAME",
    shell_complete=source_names,
    help="Only entries of this source name, taken literally.",
)
@click.option(
    "--status",
    type=click.Choice([str(status) for status in LogStatus], case_sensitive=False),
    help="Only attempts that ended so.",
)
@click.option(
    "--type",
    metavar="TYPE",
    shell_complete=types,
    help="Only entries of this type, in any case: job for attempts, else what a log tag gave.",
)
@click.option(
    "--since",
    type=since_time,
    metavar="TIME",
    help="Only entries of the last 10m, 2h30m, 1d, or since 14:00 or 2024-01-15T14:32 (UTC).",
)
@click.option(
    "-n",
    "--lines",
    type=click.IntRange(min=0),
    metavar="N",
    help=f"The newest N. Default: all; {_ON_A_TERMINAL} on a terminal; {_BEFORE_A_TAIL} with --tail.",
)
@click.option("-f", "--tail", is_flag=True, help="Go on with new entries as they are written, until Ctrl-C.")
@click.option(
    "--format",
    "style",
    type=click.Choice(["text", "short", "json"]),
    default="text",
    show_default=True,
    help="How an entry is shown: always one line.",
)
@app_option
def command(
    source_name: str | None,
    status: str | None,
    type: str | None,
    since: datetime | None,
    lines: int | None,
    tail: bool,
    style: Format,
    app: str | None,
) -> None:
    """Show the job log: how each attempt ended, and what templates logged.

    \b
    Examples:
      poscli logs --tail
      poscli logs --source-name send_email --since 1h
      poscli logs --status FAILED --format json
      poscli logs | grep -E '[5-9][0-9]{2}ms|[0-9]{4,}ms'    # attempts of half a second and more
    """
    engine = load_engine(app)
    missing = no_store(engine.settings)
    if missing and not tail:
        note(missing)
        return
    wanted = {"source_name": source_name, "status": status, "type": type}
    limit = _limit(lines, tail, since)
    start = last_id(engine.store.client, engine.store.site)
    if limit == _ALL and not any(wanted.values()):
        _print(oldest_first(engine.store.client, start, since, site=engine.store.site), style)
        shown: list[LogEntry] = []
    else:
        shown = engine.log.entries(limit=limit, since=since, **wanted)
        _print(shown, style)
        if not shown and source_name is not None:
            _suggest(engine, source_name)
    if tail:
        # An entry that came between the two reads is in `shown`: go on behind whichever is later.
        after = max([start, *(entry.id for entry in shown[-1:])], key=_order)
        _follow(engine, wanted, after, style)
    elif lines is None and len(shown) == _ON_A_TERMINAL:
        hint(f"The newest {_ON_A_TERMINAL}; -n N shows more.")


def _limit(lines: int | None, tail: bool, since: datetime | None) -> int:
    if lines is not None:
        return lines
    if since is not None:
        return _ALL
    if tail:
        return _BEFORE_A_TAIL
    return _ON_A_TERMINAL if sys.stdout.isatty() else _ALL


def _follow(engine: Engine, wanted: Mapping[str, str | None], after: str, style: Format) -> None:
    try:
        end_with_reader()
        hint_waiting(engine)
        hint(f"Following the job log of {engine.store.url}. Ctrl-C ends it.")
        _print(engine.log.follow(after=after, **wanted), style)
    except KeyboardInterrupt:
        sys.exit(0)


def _order(entry_id: str) -> tuple[int, int]:
    time, _, number = entry_id.partition("-")
    return int(time), int(number or 0)


def _print(entries: Iterable[LogEntry], style: Format) -> None:
    for entry in entries:
        print(line_of(entry, style))


def _suggest(engine: Engine, source_name: str) -> None:
    """Say that no entry fits, with the nearest source name that has entries or jobs."""
    near = near_name(engine, source_name)
    if near is None:
        return
    note(f"no entry has the source name '{source_name}'" + (f"; did you mean '{near}'?" if near else ""))
