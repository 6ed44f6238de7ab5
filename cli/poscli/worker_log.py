"""Where a worker's log goes: lines on stderr, unless the application has configured `logging` itself.

On a terminal, a line that is wider is broken here, with its further rows indented: none of it comes to stand at a row's
start, where it could pass for a line of its own.
"""

from __future__ import annotations

import io
import json
import logging
import os
import select
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final, Literal, TypeAlias

from liquid_background.jobs.log import printable
from liquid_background_worker.reports import shortened
from liquid_background_worker.telling import FIELDS, Shown
from poscli.terminal import fitted

Style: TypeAlias = Literal["text", "json"]

_OURS: Final = "liquid_background"
_JOBS: Final = "liquid_background.worker.jobs"
_NEVER: Final = logging.CRITICAL + 1
_LONGEST: Final = 4_095  # bytes of a line, or of a traceback and what is above it: a pipe takes so many in one piece
_SHORTER: Final = (3_500, 2_000, 1_000, 500, 250, 60)  # characters of a text, until all fits
_PATIENCE: Final = 0.1  # seconds that a reader who has stopped reading may hold the worker up
_INDENT: Final = "  "


class Lines(logging.Handler):
    """Writes each record in one piece, so that processes do not mix theirs; what cannot be written is left out.

    Whatever becomes of the stream, nothing is raised, and nobody waits for long: a worker outlives its log.
    """

    def __init__(self, style: Style) -> None:
        super().__init__()
        self._shape = _json_line if style == "json" else _text_line
        self._is_stuck = False
        self._is_torn = False

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record."""
        try:
            self._write(_fitted(record, self._shape))
        except OSError:  # full, or closed at its other end
            self._is_torn = True
        except Exception:  # noqa: BLE001  such as arguments that do not fit their message
            self.handleError(record)

    def _write(self, data: bytes) -> None:
        descriptor = _descriptor()
        if descriptor is None:
            sys.stderr.write(data.decode())
            return
        if self._is_torn:
            data = b"\n" + data
        line = select.poll()
        line.register(descriptor, select.POLLOUT)
        while data:
            if not line.poll(0 if self._is_stuck else _PATIENCE * 1000):
                self._is_stuck = True
                return
            self._is_stuck = False
            written = os.write(descriptor, data)
            data = data[written:]
            self._is_torn = bool(data)


def _descriptor() -> int | None:
    """Return that of stderr; None where something without one stands for it."""
    try:
        return sys.stderr.fileno()
    except (AttributeError, ValueError, io.UnsupportedOperation):
        return None


def _fitted(record: logging.LogRecord, shape: Callable[[logging.LogRecord, int], str]) -> bytes:
    for most in _SHORTER:
        data = f"{shape(record, most)}\n".encode("utf-8", "backslashreplace")
        if len(data) <= _LONGEST:
            break
    return data


def _text_line(record: logging.LogRecord, most: int) -> str:
    time = datetime.fromtimestamp(record.created, UTC)
    message = record.msg if isinstance(record.msg, Shown) else printable(record.getMessage())
    line = f"[{time:%Y-%m-%d %H:%M:%S}] {record.levelname}: {_head(message, most)}"
    trace = record.exc_text if isinstance(record.msg, Shown) else _trace(record)
    rows = f"{line}\n{shortened(trace, most)}" if trace else line
    return fitted(rows, to_stderr=True) if sys.stderr is not None else rows


def _trace(record: logging.LogRecord) -> str:
    """Return what a traceback says, each line indented and printable."""
    found = _plain_trace(record)
    return "\n".join(_INDENT + printable(line) for line in found.split("\n")) if found else ""


def _plain_trace(record: logging.LogRecord) -> str:
    if record.exc_info:
        return logging.Formatter().formatException(record.exc_info)
    return str(getattr(record, f"{FIELDS}_traceback", record.exc_text) or "").rstrip("\n")


def _head(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most]}…"


def _json_line(record: logging.LogRecord, most: int) -> str:
    time = datetime.fromtimestamp(record.created, UTC)
    given: dict[str, Any] = getattr(record, FIELDS, {})
    values: dict[str, Any] = {
        "time": time.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "level": record.levelname.lower(),
        "logger": record.name,
        "message": _head(record.getMessage(), most),
        **{name: _head(value, most) if isinstance(value, str) else value for name, value in given.items()},
    }
    trace = _plain_trace(record)
    if trace:
        values["traceback"] = shortened(trace, most)
    return json.dumps(values).replace("\x7f", "\\u007f")


class WorkerLog:
    """Gives the loggers of this package a place to write to, while nobody else has.

    1. `begin`: from here on warnings are seen, while the application loads and may configure logging.
    2. `settle`: where it has, its configuration holds, and only a level that was asked for is set. Else all that is
       logged goes to stderr: of this package from the level on, of others warnings and errors.
    """

    def __init__(self, style: Style) -> None:
        self._ours = logging.getLogger(_OURS)
        self._root = logging.getLogger()
        self._own = Lines(style)

    def begin(self) -> None:
        """Have warnings of this package seen."""
        if not self._is_configured():
            self._ours.addHandler(self._own)

    def settle(self, style: Style, level: str | None, default: str, *, quiet: bool) -> None:
        """Go by what the application has configured, or else by what was asked for.

        Args:
            style: how lines look.
            level: the one that was asked for.
            default: the one otherwise.
            quiet: whether nothing is said of jobs, and of the worker only warnings and errors.
        """
        self._ours.removeHandler(self._own)
        is_configured = self._is_configured()
        if not is_configured:
            self._root.addHandler(Lines(style))
        chosen = level or ("warning" if quiet else None if is_configured else default)
        if chosen:
            self._ours.setLevel(chosen.upper())
        if quiet:
            logging.getLogger(_JOBS).setLevel(_NEVER)

    def _is_configured(self) -> bool:
        return bool(self._root.handlers or self._ours.handlers)
