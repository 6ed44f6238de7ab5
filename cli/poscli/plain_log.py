"""What commands log to stderr: one line for each record, in which nothing moves a cursor or passes for another line."""

from __future__ import annotations

import logging
import sys

from liquid_background.jobs.log import printable_once


class Line(logging.Formatter):
    """A record as its message, and the lines of its traceback behind it, indented."""

    def format(self, record: logging.LogRecord) -> str:
        """Return a record as text."""
        line = printable_once(record.getMessage())
        trace = self.formatException(record.exc_info) if record.exc_info else record.exc_text or ""
        return "\n".join((line, *(f"  {printable_once(each)}" for each in trace.split("\n") if trace)))


def log_to_stderr(level: int) -> None:
    """Have what is logged from a level on go to stderr, unless the application has configured `logging`."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Line())
    logging.basicConfig(level=level, handlers=[handler])


def make_last_resort_plain() -> None:
    """Have warnings and errors that nobody has configured a place for stand in lines, too."""
    if logging.lastResort is not None:
        logging.lastResort.setFormatter(Line())
