"""Aligned columns, whole when piped and cut to the terminal's width on one."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping, Sequence

import click

from liquid_background.joblog import printable
from poscli.terminal import note, styled

STATUS_COLOURS: Mapping[str, str] = {
    "completed": "green",
    "failed": "red",
    "cancelled": "yellow",
    "running": "cyan",
    "SUCCESS": "green",
    "FAILED": "red",
    "LOST": "red",
    "CANCELLED": "yellow",
    "REFUSED": "red",
}


def table(headings: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return rows below their headings; a cell that is a status is coloured where colour is on."""
    cells = [[printable(str(cell)) for cell in row] for row in rows]
    widths = [max(len(row[column]) for row in [list(headings), *cells]) for column in range(len(headings))]
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
