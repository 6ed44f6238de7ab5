"""`poscli stats`: what jobs have done, by source name."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import click

from liquid_background.jobs.operating.statistics import NameStatistics, Percentiles, Statistics
from liquid_background.jobs.queue.protocol import OTHER_NAMES
from poscli.application import app_option, stored_engine
from poscli.charts import columns
from poscli.completing import source_names
from poscli.names import near_name
from poscli.output import dump
from poscli.tables import name_cell, table
from poscli.terminal import note, terminal_width
from poscli.times import clock
from poscli.times import since as since_time

_HEADINGS = ("SOURCE NAME", "RUNS", "FAILED", "RATE", "WAIT P50", "P95", "P99", "RUN P50", "P95", "P99", "PER MIN")
_DISPENSABLE = (2, 5, 8)  # columns: failures are told by their rate, too
_SECOND = 1_000
_MINUTE = 60 * _SECOND
_HOUR = 60 * _MINUTE


@click.command("stats")
@click.option(
    "--source-name",
    metavar="NAME",
    default="",
    shell_complete=source_names,
    help="Only this source name; one that ends in * is what names begin with.",
)
@click.option(
    "--since",
    type=since_time,
    metavar="TIME",
    help="Only the last 10m, 2h30m, 7d, or since 14:00 or 2024-01-15T14:32 (UTC); 31 days at most. Default: all time.",
)
@click.option(
    "--format",
    "style",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="json: one object on one line, times in ms.",
)
@app_option
def command(source_name: str, since: datetime | None, style: str, app: str | None) -> None:
    """Show what jobs have done, by source name: runs, failures, and how long they waited and ran.

    A retry is a run of its own. Half of the times are at most P50, 95 % at most P95.

    \b
    Examples:
      poscli stats --since 1h
      poscli stats --source-name 'mail_*' --since 7d
      poscli stats --format json | jq '.names[] | select(.failure_rate > 0.1)'
    """
    engine = stored_engine(app)
    if engine is None:
        return
    found = engine.stats(source_name, since)
    if style == "json":
        print(dump(_json(found)))
    elif not found.names:
        near = near_name(engine, source_name) if source_name and not source_name.endswith("*") else ""
        hint = f"did you mean '{near}'?" if near else "workers count them as they run jobs"
        note(f"no runs are counted{_about(source_name, found)}; {hint}")
    else:
        print(_text(found))


def _about(source_name: str, found: Statistics) -> str:
    name = f" of the source name '{source_name}'" if source_name else ""
    return f"{name} since {clock(found.since)}" if found.since else name


def _text(found: Statistics) -> str:
    rows = [_row(each) for each in found.names]
    if len(found.names) > 1:
        rows.append(_row(found.total))
    parts = [table(*_narrowed(rows))]
    if found.moments:
        unit = "hour" if found.seconds == _HOUR // _SECOND else "minute"
        chart = columns([(each.succeeded + each.cancelled, each.failed + each.lost) for each in found.moments])
        ends = f"{clock(found.moments[0].at)} to {clock(found.until)} UTC"
        parts += [f"{chart}\nruns a {unit}, {ends}; red where some failed"] if chart else []
    return "\n\n".join(filter(None, parts))


def _narrowed(rows: Sequence[Sequence[object]]) -> tuple[Sequence[str], Sequence[Sequence[object]]]:
    """Return headings and rows, on a narrow terminal without P95, the first that is dispensable."""
    width = terminal_width()
    columns = [max(len(str(row[at])) for row in (_HEADINGS, *rows)) + 2 for at in range(len(_HEADINGS))]
    shown = [at for at in range(len(_HEADINGS)) if not width or sum(columns) <= width or at not in _DISPENSABLE]
    return [_HEADINGS[at] for at in shown], [[row[at] for at in shown] for row in rows]


def _row(each: NameStatistics) -> tuple[object, ...]:
    rate = "-" if each.failure_rate is None else f"{each.failure_rate:.1%}"
    per_minute = "-" if each.per_minute is None else f"{each.per_minute:.1f}"
    counts = f"{each.ended:,}", f"{each.failed + each.lost:,}", rate
    name = each.source_name if each.source_name == OTHER_NAMES else name_cell(each.source_name)
    return (name if each.source_name else "(all)", *counts, *_times(each.waited), *_times(each.ran), per_minute)


def _times(times: Percentiles) -> tuple[str, str, str]:
    return _shown(times.p50), _shown(times.p95), _shown(times.p99)


def _shown(milliseconds: float | None) -> str:
    """Return a time in two figures: it is known no better."""
    if milliseconds is None:
        return "-"
    for unit, word in ((_HOUR, "h"), (_MINUTE, "m"), (_SECOND, "s")):
        if milliseconds >= unit:
            return f"{milliseconds / unit:.1f}{word}"
    return f"{milliseconds:.0f}ms"


def _json(found: Statistics) -> dict[str, Any]:
    return {
        "since": found.since.isoformat() if found.since else None,
        "until": found.until.isoformat(),
        "total": _as_json(found.total),
        "names": [_as_json(each) for each in found.names],
        "moments": [
            {
                "at": moment.at.isoformat(),
                "started": moment.started,
                "succeeded": moment.succeeded,
                "failed": moment.failed,
                "lost": moment.lost,
                "cancelled": moment.cancelled,
            }
            for moment in found.moments
        ],
        "moment_seconds": found.seconds or None,
    }


def _as_json(each: NameStatistics) -> dict[str, Any]:
    return {
        "source_name": each.source_name or None,
        "started": each.started,
        "succeeded": each.succeeded,
        "failed": each.failed,
        "lost": each.lost,
        "cancelled": each.cancelled,
        "failure_rate": each.failure_rate,
        "per_minute": each.per_minute,
        "waited_ms": _percentiles(each.waited),
        "ran_ms": _percentiles(each.ran),
    }


def _percentiles(times: Percentiles) -> dict[str, float | None]:
    return {"p50": times.p50, "p95": times.p95, "p99": times.p99, "mean": times.mean}
