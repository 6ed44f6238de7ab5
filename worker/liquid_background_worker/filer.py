"""Keeps indexes in line with what RQ's workers, and those of the version before, have done.

Failed jobs that no move has filed are filed; delayed ones stand in their index again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from time import monotonic
from typing import Any, Final, TypeAlias

from liquid_background.jobs.queue import delays, filing
from liquid_background.jobs.queue.filing import Looked
from liquid_background.jobs.queue.moves import Call

Asked: TypeAlias = tuple[Call, Callable[[Any], None]]
"""A call, and what takes its reply."""

_EVERY: Final = 0.5  # seconds between two looks; of all workers of a site, one looks in this time
_AT_ONCE: Final = 20  # jobs whose records are read together: payloads may be large, and a supervisor waits for nothing


class Filer:
    """A supervisor's part in keeping the indexes of failed and of delayed jobs.

    1. `calls`: the looks that are due, or what follows from the last one at failed jobs.
    2. Each call's reply says what is to be read or filed next.

    What is lost on the way is found by a later look.
    """

    def __init__(self) -> None:
        self._next_look = 0.0
        self._missing: deque[bytes] = deque()
        self._ready: deque[Asked] = deque()
        self._is_reading = False

    def calls(self) -> list[Asked]:
        """Return the calls that are due now."""
        calls = [*self._ready]
        self._ready.clear()
        if self._missing and not self._is_reading:
            ids = [self._missing.popleft() for _ in range(min(_AT_ONCE, len(self._missing)))]
            self._is_reading = True
            calls.append((filing.read_causes(ids), partial(self._read, ids)))
        elif not self._missing and monotonic() >= self._next_look:
            self._next_look = monotonic() + _EVERY
            calls.append((filing.look_shared(), self._looked))
            calls.append((delays.look_shared(), lambda _: None))
        return calls

    def connected(self) -> None:
        """Begin anew: what was asked over another connection may not be answered."""
        self._missing.clear()
        self._ready.clear()
        self._is_reading = False

    def _looked(self, reply: Any) -> None:
        seen = Looked.of(reply)
        if seen is not None and not self._missing:
            self._missing.extend(seen.missing)

    def _read(self, ids: Sequence[bytes], reply: Any) -> None:
        self._is_reading = False
        if not isinstance(reply, list):
            return
        self._missing.extendleft(reversed(ids[len(reply) :]))
        call = filing.file(ids, reply)
        if call is not None:
            self._ready.append((call, lambda _: None))
