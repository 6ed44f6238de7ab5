"""Failure groups as rows, as a page of text and as JSON objects; secret values are masked in all of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

import click

from liquid_background import FailureGroup, ShownFailure
from liquid_background.jobs.handover import encode
from liquid_background.jobs.log import printable
from poscli.charts import drawn, plain_sparkline
from poscli.tables import GAP, name_cell, table
from poscli.terminal import fitted, styled, terminal_width
from poscli.times import age, clock

_SHORTEST_ID: Final = 6  # characters of an id that are shown, unless two begin alike
_HOURS_A_BAR: Final = 4
_CHART: Final = "LAST 48 H"
_HEADINGS: Final = ("ID", "COUNT", "LAST", "FIRST", _CHART, "NAME", "PLACE", "ERROR")
_ERROR: Final = 40  # columns that an error needs to be readable
_LEAST: Final = (8, 12)  # columns of name and place, however narrow the terminal is
_SHARES: Final = (0.25, 0.3)  # of what the columns before them leave
_SHARES_ALONE: Final = (0.4, 0.6)  # where the error has a line of its own


def listing(groups: Sequence[FailureGroup]) -> str:
    """Return groups as a table: whole when piped, and with the names and places cut to what a terminal has room for."""
    length = _id_length(groups)
    before = [
        (group.id[:length], str(group.failed), age(group.last_seen), age(group.first_seen), _bars(group.hours))
        for group in groups
    ]
    texts = [(name_cell(group.source_name), group.place, _error(group)) for group in groups]
    room = terminal_width() - sum(max(map(len, cells)) + 2 for cells in zip(_HEADINGS[:5], *before, strict=True))
    errors_below = terminal_width() and room * (1 - sum(_SHARES)) < _ERROR
    shares = _SHARES_ALONE if errors_below else _SHARES
    rows = [
        (*cells, *(_fitted_ends(name, place, room, shares) if terminal_width() else (name, place)), error)
        for cells, (name, place, error) in zip(before, texts, strict=True)
    ]
    if errors_below:
        return _with_errors_below(rows)
    return _charted(table(_HEADINGS, rows))


def _with_errors_below(rows: Sequence[Sequence[str]]) -> str:
    """Return a table on a narrow terminal, in which each error has a line of its own below the others."""
    heading, *lines = _charted(table(_HEADINGS[:-1], [row[:-1] for row in rows])).split("\n")
    below = (fitted(f"  {printable(row[-1])}") for row in rows)
    return "\n".join([heading, *(part for pair in zip(lines, below, strict=True) for part in pair)])


def _id_length(groups: Sequence[FailureGroup]) -> int:
    length = _SHORTEST_ID
    while len({group.id[:length] for group in groups}) < len(groups) and length < len(groups[0].id):
        length += 1
    return length


def _error(group: FailureGroup) -> str:
    error = f"others of this template: {group.error}" if group.is_rest else group.error
    return f"(silenced) {error}" if group.silence else error


def _fitted_ends(name: str, place: str, room: int, shares: Sequence[float]) -> tuple[str, str]:
    gap = len(GAP)  # between the two
    most_of_name, most_of_place = (
        max(least, int((room - gap) * share)) for least, share in zip(_LEAST, shares, strict=True)
    )
    short_name = name if len(name) <= most_of_name else f"{name[: most_of_name - 1]}…"
    short_place = place if len(place) <= most_of_place else f"…{place[1 - most_of_place :]}"
    return short_name, short_place


def _bars(hours: Sequence[int], hours_a_bar: int = _HOURS_A_BAR) -> str:
    return plain_sparkline([sum(hours[start : start + hours_a_bar]) for start in range(0, len(hours), hours_a_bar)])


def _charted(text: str) -> str:
    """Return a table whose chart is drawn with blocks where the output takes them; its cells are one column wide."""
    heading, *rows = text.split("\n")
    start = click.unstyle(heading).find(_CHART)
    end = start + 48 // _HOURS_A_BAR
    if start < 0:
        return text
    return "\n".join([heading, *(f"{row[:start]}{drawn(row[start:end])}{row[end:]}" for row in rows)])


def as_json(group: FailureGroup) -> dict[str, Any]:
    """Return a group as plain JSON values."""
    silence = group.silence
    return {
        "id": group.id,
        "template": group.template,
        "line": group.line,
        "raised": group.raised,
        "message": group.message,
        "error": group.error,
        "source_name": group.source_name,
        "sample": group.sample,
        "failed": group.failed,
        "count": group.count,
        "first_seen": group.first_seen.isoformat(),
        "last_seen": group.last_seen.isoformat(),
        "hours": list(group.hours),
        "is_rest": group.is_rest,
        "silenced": None
        if silence is None
        else {
            "by": silence.by,
            "since": silence.since.isoformat(),
            "until": silence.until.isoformat() if silence.until else None,
        },
    }


def shown_as_json(shown: ShownFailure) -> dict[str, Any]:
    """Return a group with its newest job as plain JSON values."""
    return {
        **as_json(shown.group),
        "newest": list(shown.newest),
        "source_line": shown.source_line,
        "parameters": {name: encode(value) for name, value in shown.parameters.items()},
        "handed_over": {name: encode(value) for name, value in shown.handed_over.items()},
    }


def describe(shown: ShownFailure) -> str:
    """Return all there is to know about a group, for reading."""
    group, silence = shown.group, shown.group.silence
    facts = {
        "Failure": group.id,
        "Error": group.error,
        "Class": group.raised,
        "Place": group.place,
        "Source": shown.source_line,
        "Source name": group.source_name,
        "Others": "it stands for the other failures of this template" if group.is_rest else "",
        "Failed": f"{group.failed:,} {'job' if group.failed == 1 else 'jobs'} now, {group.count:,} so far",
        "First seen": f"{clock(group.first_seen)} ({age(group.first_seen)} ago)",
        "Last seen": f"{clock(group.last_seen)} ({age(group.last_seen)} ago)",
        "Silenced": "" if silence is None else f"by {silence.by} since {clock(silence.since)}, {_end(silence.until)}",
    }
    parts = ["\n".join(f"{name + ':':<13}{printable(value)}" for name, value in facts.items() if value)]
    parts[0] += f"\n{'Last 48 h:':<13}{drawn(_bars(group.hours, 1))}"
    for title, values in (("Parameters", shown.parameters), ("Handed over", shown.handed_over)):
        lines = [f"{printable(name)} = {_value(value)}" for name, value in values.items()]
        parts += [_section(title, lines)] if lines else []
    if shown.newest:
        parts.append(_section("Newest jobs", [printable(each) for each in shown.newest]))
    return "\n\n".join(parts)


def _end(until: object) -> str:
    return f"until {clock(until)}" if until else "until somebody ends it"  # type: ignore[arg-type]


def _value(value: Any) -> str:
    text = printable(json.dumps(encode(value), ensure_ascii=False))
    return text if len(text) <= 200 else f"{text[:199]}…"


def _section(title: str, lines: Sequence[str]) -> str:
    return "\n".join([styled(title, bold=True), *(f"  {line}" for line in lines)])
