"""Aligned columns, whole when piped and cut to the terminal's width on one."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Final

import click

from liquid_background.job import JobStatus, LogStatus
from liquid_background.jobs.log import is_word, printable, steady
from poscli.terminal import colour_of, cut, note, styled

STATUS_COLOURS: Final[Mapping[str, str]] = {
    str(word): colour
    for word, status in [*((each, each) for each in JobStatus), *((each, each.job_status) for each in LogStatus)]
    if (colour := colour_of(status))
}

_STATUS: Final = "STATUS"
GAP: Final = "  "
_WIDEST: Final = 120  # characters that a column takes for one long cell; the longest names have 100


def table(
    headings: Sequence[str], rows: Sequence[Sequence[object]], at_least: Sequence[int] = (), indent: int = 0
) -> str:
    """Return rows below their headings; a cell that is a status is coloured where colour is on.

    A cell that is wider than any column stands out of its own and moves the rest of its row only.

    Args:
        headings: of the columns.
        rows: of cells.
        at_least: widths of the columns of rows that stand above.
        indent: columns that are left free before it.
    """
    cells = [[*(steady(str(cell)) for cell in row[:-1]), *(printable(str(cell)) for cell in row[-1:])] for row in rows]
    lengths = [[min(len(cell), _WIDEST) for cell in row] for row in [list(headings), *cells]]
    lengths += [[*at_least]] if at_least else []
    widths = [max(column) for column in zip(*lengths, strict=True)]
    lines = [styled(cut(_line(headings, widths), indent), bold=True)]
    for row in cells:
        lines.append(_coloured(cut(_line(row, widths), indent), row, headings, widths))
    return "\n".join(lines)


def name_cell(name: str) -> str:
    """Return a name that an author chose as a cell: in quotes where it could pass for several, or for one of ours."""
    return name if is_word(name) else '"' + name.replace('"', '""') + '"'


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return GAP.join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()


def _coloured(line: str, row: Sequence[str], headings: Sequence[str], widths: Sequence[int]) -> str:
    at = list(headings).index(_STATUS) if _STATUS in headings else None
    colour = STATUS_COLOURS.get(row[at]) if at is not None else None
    if at is None or colour is None:
        return line
    before = sum(max(len(cell), width) + len(GAP) for cell, width in zip(row[:at], widths, strict=False))
    start, end = before, before + len(row[at])
    return f"{line[:start]}{styled(line[start:end], fg=colour)}{line[end:]}"


def needs_terminal() -> None:
    """Refuse what a person is asked about where there is none, before long work is done for it.

    Raises:
        UsageError: without a terminal.
    """
    if not sys.stdin.isatty():
        raise click.UsageError("this changes many jobs at once: give --yes")


def confirm(question: str, yes: bool) -> None:
    """Ask a person before something is done to many; a script must say --yes.

    Raises:
        UsageError: without a terminal and without --yes.
        Exit: when the answer is no.
    """
    if yes:
        return
    needs_terminal()
    if not click.confirm(question, err=True):
        note("nothing was changed")
        raise click.exceptions.Exit(1)
