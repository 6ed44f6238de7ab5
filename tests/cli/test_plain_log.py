"""Lines that commands log: nothing in them moves a cursor, and no record passes for two."""

from __future__ import annotations

import logging
import sys

from liquid_background.jobs.log import printable
from poscli.plain_log import Line


def _line(message: str, **options: object) -> str:
    return Line().format(logging.LogRecord("x", logging.ERROR, "f", 1, message, (), **{"exc_info": None, **options}))


def test_a_record_is_one_line_however_it_was_made() -> None:
    raw = "page a\u202e\x1b[2J\nGET / 200\U000e0041 b\\c" + "\u0300" * 9
    assert _line(raw).isprintable()
    assert "\\n" in _line(raw)
    assert _line(printable(raw)) == printable(raw)  # what was made printable stays


def test_a_traceback_is_indented_and_printable() -> None:
    try:
        raise ValueError("a\x1b[2J\nGET / 200")
    except ValueError:
        first, *more = _line("it failed", exc_info=sys.exc_info()).split("\n")
    assert first == "it failed"
    assert all(line.startswith("  ") and line.isprintable() for line in more)
