"""What a child reports to its supervisor: of attempts that failed, since one process writes the log, and its counts.

Both are lines in a pipe, which outlives a child that dies.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
from dataclasses import replace
from typing import Final

from liquid_background.jobs.queue.failures import Failure
from liquid_background.jobs.queue.tally import Tallies

MAX_SAID: Final = 1_000  # characters of a message
MAX_TRACE: Final = 3_000  # characters of a traceback: its end, where the error is
_PIPE: Final = 1024 * 1024  # bytes that wait in the pipe, where the system lets it hold so many
_MOST_WAITING: Final = 1024 * 1024  # bytes that wait in either process
_PATIENCE: Final = 0.1  # seconds that a child waits for its supervisor to read
_CHUNK: Final = 65_536


def pipe() -> tuple[int, int]:
    """Return the two ends of a pipe for reports; neither blocks."""
    reader, writer = os.pipe()
    for end in (reader, writer):
        os.set_blocking(end, False)
    with contextlib.suppress(AttributeError, OSError):
        fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, _PIPE)
    return reader, writer


class Reports:
    """The child's end.

    Args:
        descriptor: None where nobody listens.
        all: whether attempts that another one follows are told of, too.
    """

    def __init__(self, descriptor: int | None, *, all: bool = False) -> None:
        self._descriptor = descriptor
        self._all = all
        self._waiting = b""
        self._left_out = 0

    def tell(self, failure: Failure) -> None:
        """Report a failure; one that finds no room after a moment is only counted."""
        if self._descriptor is None or not (self._all or failure.entry.final):
            return
        if len(self._waiting) > _MOST_WAITING:
            self._left_out += 1
        else:
            self._waiting += _bounded(failure).encoded()
        self.flush()

    def count(self, tallies: Tallies) -> None:
        """Report counts; those that find no room are left out."""
        if self._descriptor is not None and len(self._waiting) <= _MOST_WAITING:
            self._waiting += tallies.encoded()
        self.flush()

    def flush(self) -> None:
        """Write what waits, as far as there is room."""
        if not self._waiting or self._descriptor is None:
            return
        if self._left_out and len(self._waiting) <= _MOST_WAITING:
            self._waiting += b"%d\n" % self._left_out
            self._left_out = 0
        with contextlib.suppress(OSError):  # its supervisor has died
            while self._waiting and select.select([], [self._descriptor], [], _PATIENCE)[1]:
                self._waiting = self._waiting[os.write(self._descriptor, self._waiting[:_CHUNK]) :]


def _bounded(failure: Failure) -> Failure:
    entry = failure.entry
    if len(entry.message) > MAX_SAID:
        entry = replace(entry, message=f"{entry.message[:MAX_SAID]}…")
    return replace(failure, entry=entry, traceback=shortened(failure.traceback, MAX_TRACE))


def shortened(trace: str, most: int) -> str:
    """Return a traceback of about so many characters: its first line, which says what it is, and its end."""
    if len(trace) <= most:
        return trace
    head, _, _ = trace.partition("\n")
    end = trace[-most:]
    _, _, whole = end.partition("\n")
    return f"{head[:100]}\n  …\n{whole or end}"


class Heard:
    """The supervisor's end."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self.tallies = Tallies()  # that were reported
        self._rest = b""

    def read(self) -> list[Failure | int]:
        """Return what was reported since the last look; a number is of failures that were only counted."""
        data = b""
        with contextlib.suppress(OSError):
            while len(data) < _MOST_WAITING and (more := os.read(self.descriptor, _CHUNK)):
                data += more
        if not data:
            return []
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > _MOST_WAITING:
            self._rest = b""
        return [report for line in lines if (report := self._report(line)) is not None]

    def _report(self, line: bytes) -> Failure | int | None:
        """Return what a line says of failures; nothing for counts, and for what a job's code wrote there."""
        with contextlib.suppress(Exception):
            if line.startswith(b"{"):
                self.tallies.merge(Tallies.decoded(line))
                return None
            return int(line) if line.isdigit() and len(line) < 10 else Failure.decoded(line)
        return None

    def close(self) -> None:
        os.close(self.descriptor)
