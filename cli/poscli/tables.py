"""Aligned columns, whole when piped and cut to the terminal's width on one."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping, Sequence
from typing import Final

import click

from liquid_background.job import JobStatus, LogStatus
from liquid_background.jobs.log import printable
from poscli.terminal import colour_of, note, styled

STATUS_COLOURS: Final[Mapping[str, str]] = {
    str(word): colour
    for word, status in [*((each, each) for each in JobStatus), *((each, each.job_status) for each in LogStatus)]
    if (colour := colour_of(status))
}

_WIDEST: Final = 120  # characters that a column takes for one long cell; the longest names have 100


def table(headings: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return rows below their headings; a cell that is a status is coloured where colour is on.

    A cell that is wider than any column stands out of its own and moves the rest of its row only.
    """
    cells = [[printable(str(cell)) for cell in row] for row in rows]
    lengths = [[min(len(cell), _WIDEST) for cell in row] for row in [list(headings), *cells]]
    widths = [max(column) for column in zip(*lengths, strict=True)]
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 0
    lines = [styled(_cut(_line(headings, widths), width), bold=True)]
    for row in cells:
        lines.append(_coloured(_cut(_line(row, widths), width), row))
    return "\n".join(lines)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()


def _cut(line: str, width: int) -> str:
    return line if not width or len(line) <= width else line[: width - 1] + "…"


def _coloured(line: str, row: Sequence[str]) -> str:
    for cell in row:
        if cell in STATUS_COLOURS:
            return line.replace(f"  {cell}", f"  {styled(cell, fg=STATUS_COLOURS[cell])}", 1)
    return line


def confirm(question: str, yes: bool) -> None:
    """Ask a person before something is done to many; a script must say --yes.

    Raises:
        UsageError: without a terminal and without --yes.
        Exit: when the answer is no.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise click.UsageError("this changes many jobs at once: give --yes")
    if not click.confirm(question, err=True):
        note("nothing was changed")
        raise click.exceptions.Exit(1)
