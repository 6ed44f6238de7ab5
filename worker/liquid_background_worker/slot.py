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
from typing import Final

from liquid_background.jobs.queue.finishing import Running

_COUNTERS: Final = struct.Struct("<QQd")  # completed, failed, seconds worked
_CELL: Final = struct.Struct("<I")
_encode_json: Final = json.JSONEncoder().encode
_STOP: Final = 0
_LEFT: Final = 1
_OWES: Final = 2
_SERVES: Final = 3
_COUNTERS_AT: Final = 8
_DEADLINE: Final = struct.Struct("<d")
_DEADLINE_AT: Final = 40
_RUNNING: Final = struct.Struct("<Iid")  # turn of the claimed jobs, place among them or -1, since when
_COPY_OF_RUNNING: Final = struct.Struct("<IIid")  # the same behind its length
_RUNNING_AT: Final = 64
_CLAIMED_AT: Final = 256
_CLAIMED_SIZE: Final = 512 * 1024  # only what is written to takes memory
_LONGEST_NAME: Final = 300  # characters of a template's name that are kept here; each takes 12 bytes at most


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
        self._running = _Cell(self._memory, _RUNNING_AT, _RUNNING.size + _CELL.size)
        self._claimed = _Cell(self._memory, _CLAIMED_AT, _CLAIMED_SIZE)
        self._completed = self._failed = 0  # where it counts, as the next one
        self._worked = 0.0

    @property
    def stop(self) -> bool:
        """Whether the supervisor wants the child to end after the job that runs."""
        return self._memory[_STOP] == 1

    @stop.setter
    def stop(self, wanted: bool) -> None:
        self._memory[_STOP] = int(wanted)

    @property
    def serves(self) -> bool:
        """Whether the child has claimed, or found nothing to claim, and so can run jobs."""
        return self._memory[_SERVES] == 1

    def serve(self) -> None:
        """Say that the child serves."""
        self._memory[_SERVES] = 1

    @property
    def left(self) -> Left | None:
        """How the child ended of its own accord; None when something ended it."""
        return Left(self._memory[_LEFT]) if self._memory[_LEFT] else None

    @left.setter
    def left(self, how: Left) -> None:
        self._memory[_LEFT] = how

    def begin(self, place: int, started: float, deadline: float) -> None:
        """Say that a job runs: the one at that place among those that were claimed last."""
        self._running.put(_COPY_OF_RUNNING, _RUNNING.size, self._claimed.turn, place, started)
        _DEADLINE.pack_into(self._memory, _DEADLINE_AT, deadline)

    def disarm(self) -> None:
        """Say that the body has ended: the job is this child's until its finish is sent, but not to be killed."""
        _DEADLINE.pack_into(self._memory, _DEADLINE_AT, 0.0)

    def end(self) -> None:
        """Say that nothing runs."""
        self.disarm()
        self._running.put(_COPY_OF_RUNNING, _RUNNING.size, 0, -1, 0.0)

    def now(self) -> Now | None:
        """Return what runs."""
        while True:
            _, running = self._running.read()
            if not running:
                return None
            of, place, started = _RUNNING.unpack(running)
            if place < 0:
                return None
            turn, claimed = self._claimed.read()
            if turn == of:  # else the child has gone on to its next batch meanwhile
                (deadline,) = _DEADLINE.unpack_from(self._memory, _DEADLINE_AT)
                return Now(Running(*json.loads(claimed)[place]), started, deadline or None)

    def hold(self, jobs: list[Running]) -> None:
        """Say which jobs are claimed. Nothing runs."""
        rows = []
        for job in jobs:
            is_short = len(job.template) <= _LONGEST_NAME
            rows.append(job if is_short else job._replace(template=job.template[:_LONGEST_NAME]))
        self._claimed.write(_encode_json(rows).encode("ascii"))

    def owe(self, jobs: list[Running]) -> None:
        """Say whose ends the store has not heard: their bodies are over, and they are this child's until it has."""
        self._memory[_OWES] = 0
        self.hold(jobs)
        self._memory[_OWES] = int(bool(jobs))

    def owed(self) -> list[Running]:
        """Return the jobs whose ends the store has not heard."""
        return self.held() if self._memory[_OWES] else []

    def held(self) -> list[Running]:
        """Return the jobs that were claimed in the last batch, whatever became of them."""
        return [Running(*row) for row in json.loads(self._claimed.read()[1] or b"[]")]

    def count(self, has_failed: bool, seconds: float) -> None:
        """Count a finished attempt."""
        if has_failed:
            self._failed += 1
        else:
            self._completed += 1
        self._worked += seconds
        _COUNTERS.pack_into(self._memory, _COUNTERS_AT, self._completed, self._failed, self._worked)

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
        self.turn = 0  # of the last write, where it was made

    def write(self, value: bytes) -> None:
        if len(value) + _CELL.size > self._size:
            raise ValueError(f"{len(value)} bytes do not fit into {self._size}")
        self.turn = (self.turn + 1) % 2**32
        copy = self._copy(self.turn)
        start = copy + _CELL.size
        self._memory[start : start + len(value)] = value
        _CELL.pack_into(self._memory, copy, len(value))
        _CELL.pack_into(self._memory, self._at, self.turn)

    def put(self, copy: struct.Struct, *values: float) -> None:
        """Write a value of one form always, with its length before it, in one step."""
        self.turn = turn = (self.turn + 1) & 0xFFFFFFFF
        copy.pack_into(self._memory, self._at + 8 + (turn & 1) * self._size, *values)
        _CELL.pack_into(self._memory, self._at, turn)

    def read(self) -> tuple[int, bytes]:
        """Return the turn of the last write and what was written; nothing before the first."""
        while True:
            (turn,) = _CELL.unpack_from(self._memory, self._at)
            if turn == 0:
                return 0, b""
            copy = self._copy(turn)
            (length,) = _CELL.unpack_from(self._memory, copy)
            value = self._memory[copy + _CELL.size : copy + _CELL.size + length]
            if _CELL.unpack_from(self._memory, self._at) == (turn,):
                return turn, value

    def _copy(self, turn: int) -> int:
        return self._at + 8 + (turn % 2) * self._size
