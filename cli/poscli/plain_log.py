"""What commands log to stderr: one line for each record, in which nothing moves a cursor or passes for another line.

On a terminal, a line that is wider is broken here, with its further rows indented.
"""

from __future__ import annotations

import logging
import sys

from liquid_background.jobs.log import printable_once
from poscli.terminal import fitted


class Line(logging.Formatter):
    """A record as its message, and the lines of its traceback behind it, indented."""

    def format(self, record: logging.LogRecord) -> str:
        """Return a record as text."""
        line = printable_once(record.getMessage())
        trace = self.formatException(record.exc_info) if record.exc_info else record.exc_text or ""
        rows = "\n".join((line, *(f"  {printable_once(each)}" for each in trace.split("\n") if trace)))
        return fitted(rows, to_stderr=True)


def log_to_stderr(level: int) -> None:
    """Have what is logged from a level on go to stderr, unless the application has configured `logging`."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Line())
    logging.basicConfig(level=level, handlers=[handler])


def make_last_resort_plain() -> None:
    """Have warnings and errors that nobody has configured a place for stand in lines, too."""
    if logging.lastResort is not None:
        logging.lastResort.setFormatter(Line())
