"""What depends on whether a person watches: colour, log lines in it, and hints on stderr."""

from __future__ import annotations

import os
import re
import select
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from typing import TextIO, assert_never
from unicodedata import category, east_asian_width

import click

from liquid_background.job import JobStatus, LogEntry, LogStatus
from liquid_background.jobs.log import Format, format_entry, printable
from poscli.called import as_called

_INDENT = "    "
_WIDEST = 2  # columns of one character
# Of alphabets that every terminal draws one column wide; wide characters come with U+1100.
_NARROW = re.compile("[\u0080-\u10ff\u1e00-\u1fff]")
_ESCAPE = "\x1b"
_PIECE = re.compile(r"\x1b\[[0-9;]*m|.", re.DOTALL)  # an escape sequence, which is one of ours, or a character


def colour_of(status: JobStatus) -> str | None:
    """Return the colour of a job's status; of an attempt's, that of what its job is then."""
    match status:
        case JobStatus.PENDING:
            return None
        case JobStatus.RUNNING:
            return "cyan"
        case JobStatus.COMPLETED:
            return "green"
        case JobStatus.FAILED:
            return "red"
        case JobStatus.CANCELLED:
            return "yellow"
        case _:
            assert_never(status)


def has_colour() -> bool:
    """Return whether standard output is a terminal that shows colour."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def styled(text: str, **style: str | bool | None) -> str:
    """Return text in a style, or plain where colour is off."""
    return click.style(text, **style) if has_colour() else text  # type: ignore[arg-type]


def hint(message: str, to_copy: str = "") -> None:
    """Tell the person at the terminal what is not output, like `note`; silent when standard output is piped."""
    if sys.stdout.isatty():
        click.echo(styled(_told(message, to_copy), dim=True), err=True)


def note(message: str, to_copy: str = "") -> None:
    """Say on stderr, also to a script, why there is no output; one line, whatever names from the store are in it.

    Args:
        message: what is said.
        to_copy: one word of ours that follows; on a terminal it is not broken here, so that it is copied whole.
    """
    click.echo(_told(message, to_copy), err=True)


def _told(message: str, to_copy: str) -> str:
    told = fitted(printable(as_called(message)), to_stderr=True)
    return f"{told} {printable(to_copy)}" if to_copy else told


@contextmanager
def told_first(message: str) -> Iterator[None]:
    """Have a line stand in the output before what it says is done: what cannot be told must not be done.

    Its end comes when it is done; else the line says that it was not.

    Raises:
        OutputLost: when it cannot be written; nothing was done.
    """
    print(printable(message), end="", flush=True)
    try:
        yield
    except BaseException:
        print(": no, it failed")
        raise
    print()


def line_of(entry: LogEntry, style: Format = "text") -> str:
    """Return a log entry as its line, with the status in colour where that is on.

    On a terminal, a line that is wider is broken here: what a template logs must not come to stand at a row's start,
    where it could pass for an entry.
    """
    line = format_entry(entry, style, lambda status: styled(status, fg=colour_of(LogStatus(status).job_status)))
    return line if style == "json" else fitted(line)


def fitted(text: str, *, to_stderr: bool = False, before: str = "") -> str:
    """Return text whose lines are broken where a terminal would break them, their further rows indented.

    Args:
        text: of one or more lines.
        to_stderr: whether that is where it goes.
        before: stands before each row, such as the branches of a tree.
    """
    columns = terminal_width(sys.stderr if to_stderr else None)
    if columns:
        columns = max(1, columns - sum(map(_cells, before)))
    return "\n".join(before + row for line in text.split("\n") for row in (_rows(line, columns) if columns else [line]))


def cut(line: str, indent: int = 0) -> str:
    """Return a line that a terminal does not break so far to the right, cut when it is too wide; whole when piped."""
    first, *more = _rows(line, terminal_width() - indent)
    return f"{first[:-_WIDEST]}…" if more else line


def terminal_width(given: TextIO | None = None) -> int:
    """Return the width of the terminal, 0 when the stream, or standard output, is none or does not know."""
    stream = given or sys.stdout
    try:
        return os.get_terminal_size(stream.fileno()).columns if stream.isatty() else 0
    except (OSError, ValueError):
        return 0


def _cells(piece: str) -> int:
    """Return the most columns in which a terminal may draw a piece.

    Terminals differ, and know other versions of Unicode than Python: what one may draw wide counts as wide. A row that
    is broken here too early is indented, one that the terminal breaks is not.
    """
    if piece.isascii():
        return 0 if piece.startswith(_ESCAPE) else 1
    # Ambiguous width is wide where a terminal is set so; many a symbol became wide as an emoji.
    is_narrow = _NARROW.match(piece) and east_asian_width(piece) == "N" and not category(piece).startswith("S")
    return 1 if is_narrow else _WIDEST


def _rows(line: str, columns: int) -> list[str]:
    """Return a line as rows no wider than a terminal, all but the first indented."""
    if columns <= 2 * len(_INDENT) or len(line) <= columns // _WIDEST:
        return [line]
    rows, width = [""], 0
    for piece in _PIECE.findall(line):
        cells = _cells(piece)
        if width + cells > columns:
            rows.append(_INDENT)
            width = len(_INDENT)
        rows[-1] += piece
        width += cells
    return rows


def end_with_reader() -> None:
    """Have this process end when the reader of its pipe has gone, though it may have nothing to write for long."""
    if not stat.S_ISFIFO(os.fstat(sys.stdout.fileno()).st_mode):
        return
    poller = select.poll()
    poller.register(sys.stdout.fileno(), 0)  # no event of its own: an error or a hang-up is always told

    def wait() -> None:
        poller.poll()
        os._exit(0)

    Thread(target=wait, daemon=True).start()
