"""Shared memory between a child and its supervisor: what runs, what is claimed, and whether to stop.

It outlives the child, so that the supervisor knows what a child was at when it was killed. No locks: a cell holds two
copies, and a counter, written last, says which one counts.
"""

from __future__ import annotations

import json
import mmap
import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final

from liquid_background.queue.moves import Running

_COUNTERS: Final = struct.Struct("<QQd")  # completed, failed, seconds worked
_CELL: Final = struct.Struct("<I")
_STOP: Final = 0
_LEFT: Final = 1
_COUNTERS_AT: Final = 8
_DEADLINE: Final = struct.Struct("<d")
_DEADLINE_AT: Final = 40
_RUNNING_AT: Final = 64
_RUNNING_SIZE: Final = 4096
_CLAIMED_AT: Final = 16 * 1024
_CLAIMED_SIZE: Final = 16 * 1024
_LONGEST_NAME: Final = 500  # characters of a template's name that are kept here


class Left(IntEnum):
    """How a child ended of its own accord. An exit code would not do: a job can choose one."""

    DONE = 1  # told to stop, or worn out
    BURST_OVER = 2


@dataclass(frozen=True, slots=True)
class Now:
    """What a child is at: a job, since when, and when it is to be killed (monotonic; None while it finishes)."""

    job: Running
    started: float
    deadline: float | None


class Slot:
    """One child's shared memory. The child writes all but `stop`."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, _CLAIMED_AT + 8 + 2 * _CLAIMED_SIZE)
        self._running = _Cell(self._memory, _RUNNING_AT, _RUNNING_SIZE)
        self._claimed = _Cell(self._memory, _CLAIMED_AT, _CLAIMED_SIZE)

    @property
    def stop(self) -> bool:
        """Whether the supervisor wants the child to end after the job that runs."""
        return self._memory[_STOP] == 1

    @stop.setter
    def stop(self, wanted: bool) -> None:
        self._memory[_STOP] = int(wanted)

    @property
    def left(self) -> Left | None:
        """How the child ended of its own accord; None when something ended it."""
        return Left(self._memory[_LEFT]) if self._memory[_LEFT] else None

    @left.setter
    def left(self, how: Left) -> None:
        self._memory[_LEFT] = how

    def begin(self, job: Running, started: float, deadline: float) -> None:
        """Say that a job runs."""
        place = (job.source_name, job.template[:_LONGEST_NAME], job.line, job.max_attempts)
        self._running.write([job.id, job.token, job.queue, *place, started])
        _DEADLINE.pack_into(self._memory, _DEADLINE_AT, deadline)

    def disarm(self) -> None:
        """Say that the body has ended: the job is this child's until its finish is sent, but not to be killed."""
        _DEADLINE.pack_into(self._memory, _DEADLINE_AT, 0.0)

    def end(self) -> None:
        """Say that nothing runs."""
        self.disarm()
        self._running.write(None)

    def now(self) -> Now | None:
        """Return what runs."""
        value = self._running.read()
        (deadline,) = _DEADLINE.unpack_from(self._memory, _DEADLINE_AT)
        return Now(Running(*value[:7]), value[7], deadline or None) if value else None

    def hold(self, jobs: list[Running]) -> None:
        """Say which jobs are claimed."""
        self._claimed.write([[job.id, job.token, job.queue, job.source_name, "", 0, job.max_attempts] for job in jobs])

    def held(self) -> list[Running]:
        """Return the jobs that were claimed in the last batch, whatever became of them."""
        return [Running(*row) for row in self._claimed.read() or ()]

    def count(self, succeeded: bool, seconds: float) -> None:
        """Count a finished attempt."""
        completed, failed, worked = self.counters()
        row = (completed + succeeded, failed + (not succeeded), worked + seconds)
        _COUNTERS.pack_into(self._memory, _COUNTERS_AT, *row)

    def counters(self) -> tuple[int, int, float]:
        """Return the attempts completed and failed, and the seconds worked."""
        completed, failed, seconds = _COUNTERS.unpack_from(self._memory, _COUNTERS_AT)
        return completed, failed, seconds

    def close(self) -> None:
        """Give the memory back."""
        self._memory.close()


class _Cell:
    def __init__(self, memory: mmap.mmap, at: int, size: int) -> None:
        self._memory = memory
        self._at = at
        self._size = size

    def write(self, value: Any) -> None:
        (turn,) = _CELL.unpack_from(self._memory, self._at)
        turn = (turn + 1) % 2**32
        encoded = json.dumps(value).encode("ascii")
        if len(encoded) + _CELL.size > self._size:
            encoded = b"null"
        copy = self._copy(turn)
        self._memory[copy + _CELL.size : copy + _CELL.size + len(encoded)] = encoded
        _CELL.pack_into(self._memory, copy, len(encoded))
        _CELL.pack_into(self._memory, self._at, turn)

    def read(self) -> Any:
        while True:
            (turn,) = _CELL.unpack_from(self._memory, self._at)
            if turn == 0:
                return None
            copy = self._copy(turn)
            (length,) = _CELL.unpack_from(self._memory, copy)
            encoded = self._memory[copy + _CELL.size : copy + _CELL.size + length]
            if _CELL.unpack_from(self._memory, self._at) == (turn,):
                return json.loads(encoded)

    def _copy(self, turn: int) -> int:
        return self._at + 8 + (turn % 2) * self._size
