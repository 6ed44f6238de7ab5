"""The job log of one process in its memory, for doubles of the store."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Final

from liquid_background.job import LogEntry, LogStatus
from liquid_background.jobs.contract import Reading
from liquid_background.jobs.log.entry import (
    BEFORE_ALL,
    FIELDS,
    decode_entry,
    encode_entry,
    fits,
    milliseconds_of,
    order_of,
    weight_of,
)

_NAMES: Final = tuple(name.encode("ascii") for name in FIELDS)


class MemoryLog:
    """A job log in memory, safe to share between threads: what it answers is what the stream's entries would say.

    Args:
        limit: entries that are kept.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._ends: list[LogEntry] = []  # of attempts, which lines of templates would have pushed out of what is kept
        self._kept: deque[LogEntry] = deque()
        self._weight = 0  # of the lines of templates among these
        self._last = BEFORE_ALL
        self._written = threading.Condition()

    def append(self, entries: Sequence[LogEntry]) -> None:
        """Write entries, each with the time and an id."""
        with self._written:
            for entry in entries:
                values = (value if isinstance(value, bytes) else b"%d" % value for value in encode_entry(entry))
                self._last = self._next_id()
                self._kept.append(decode_entry(self._last, dict(zip(_NAMES, values, strict=True))))
                self._weight += _weight(self._kept[-1])
            if any(entry.status is None for entry in entries):
                self._make_room()
            self._drop(lambda: len(self._kept) > self._limit)
            self._written.notify_all()

    def _make_room(self) -> None:
        """Bring what is kept down to half of the limit; of what goes, the ends of attempts are kept apart."""
        half = self._limit // 2
        gone = self._drop(lambda: len(self._kept) > half or self._weight > half)
        self._ends = [*self._ends, *[entry for entry in gone if entry.status is not None]][-half:]

    def _drop(self, is_too_much: Callable[[], bool]) -> list[LogEntry]:
        """Take away the oldest entries, as many as are too much, and return them."""
        gone = []
        while is_too_much():
            gone.append(self._kept.popleft())
            self._weight -= _weight(gone[-1])
        return gone

    def _next_id(self) -> bytes:
        now, (last, number) = time.time_ns() // 1_000_000, order_of(self._last)
        return b"%d-%d" % ((now, 0) if now > last else (last, number + 1))

    def entries(
        self,
        source_name: str | None = None,
        limit: int = 100,
        *,
        status: LogStatus | str | None = None,
        type: str | None = None,
        since: datetime | None = None,
        before: str | None = None,
    ) -> list[LogEntry]:
        """Return the newest entries that match, oldest first: of those before the entry id `before`, if given."""
        oldest = (0 if since is None else milliseconds_of(since), 0)
        with self._written:
            found = [entry for entry in (*self._ends, *self._kept) if _order(entry) >= oldest]
        if before is not None:
            found = [entry for entry in found if _order(entry) < order_of(before.encode("ascii"))]
        found = [entry for entry in found if fits(entry, source_name, status, type)]
        return found[-limit:] if limit > 0 else []

    def follow(
        self,
        source_name: str | None = None,
        *,
        status: LogStatus | str | None = None,
        type: str | None = None,
        after: str | None = None,
    ) -> Iterator[LogEntry]:
        """Yield entries as they are written, for ever: from behind the entry id `after`, or from now.

        A log whose last id is lower than that is another one, and is read from its start.
        """
        read = self._start(after)
        while True:
            with self._written:
                while order_of(self._last) <= read:
                    self._written.wait()
            found = self._behind(read)
            read = _order(found[-1])
            for entry in found:
                if fits(entry, source_name, status, type):
                    yield entry

    def reader(
        self,
        source_name: str | None = None,
        *,
        status: LogStatus | str | None = None,
        type: str | None = None,
        after: str | None = None,
    ) -> Reading:
        """Return what follows the log as `follow` does, and gives at each call what there is by then."""
        return MemoryLogReader(self._behind, self._start(after), lambda entry: fits(entry, source_name, status, type))

    def _start(self, after: str | None) -> tuple[int, int]:
        with self._written:
            now = order_of(self._last)
        read = now if after is None else order_of(after.encode("ascii"))
        return order_of(BEFORE_ALL) if read > now else read

    def _behind(self, read: tuple[int, int]) -> list[LogEntry]:
        """Return the entries behind an id."""
        with self._written:
            return [entry for entry in (*self._ends, *self._kept) if _order(entry) > read]


class MemoryLogReader:
    """What has come to a log in memory since it was last asked."""

    def __init__(
        self,
        behind: Callable[[tuple[int, int]], list[LogEntry]],
        start: tuple[int, int],
        is_wanted: Callable[[LogEntry], bool],
    ) -> None:
        self._behind = behind
        self._read = start
        self._is_wanted = is_wanted

    def read(self) -> list[LogEntry]:
        """Return the entries that have come since the last read, oldest first."""
        found = self._behind(self._read)
        self._read = _order(found[-1]) if found else self._read
        return [*filter(self._is_wanted, found)]


def _order(entry: LogEntry) -> tuple[int, int]:
    return order_of(entry.id.encode("ascii"))


def _weight(entry: LogEntry) -> int:
    return weight_of(encode_entry(entry)) if entry.status is None else 0
