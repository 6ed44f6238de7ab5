"""What depends on whether a person watches: colour, log lines in it, and hints on stderr."""

from __future__ import annotations

import os
import select
import stat
import sys
from threading import Thread
from typing import assert_never

import click

from liquid_background.job import JobStatus, LogEntry
from liquid_background.jobs.log import Format, format_entry, printable


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


def hint(message: str) -> None:
    """Tell the person at the terminal what is not output; silent when standard output is piped."""
    if sys.stdout.isatty():
        click.echo(styled(message, dim=True), err=True)


def note(message: str) -> None:
    """Say on stderr, also to a script, why there is no output; one line, whatever names from the store are in it."""
    click.echo(printable(message), err=True)


def line_of(entry: LogEntry, style: Format = "text") -> str:
    """Return a log entry as its line, with the status in colour where that is on."""
    line = format_entry(entry, style)
    if entry.status is None or style == "json" or not has_colour():
        return line
    status = styled(str(entry.status), fg=colour_of(entry.status.job_status))
    return line.replace(f" - {entry.status}", f" - {status}", 1)


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
