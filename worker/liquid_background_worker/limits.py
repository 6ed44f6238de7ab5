"""What a worker's child is held to beside `confined`: CPU time, and what jobs may leave in it until it has to go."""

from __future__ import annotations

import contextlib
import errno
import os
import resource
import time
from typing import Final

from liquid_background.confined import OPEN_FILES, memory_of
from liquid_background.settings import Settings

_CPU_SLACK: Final = 5  # seconds of CPU time that a job gets beyond its limit of wall time
_CPU_EVERY: Final = 0.05  # seconds between two looks at how much was used: far less than the slack
_RECYCLE_SHARE: Final = 0.8  # of the memory limit, between jobs
_FILES_LEFT_OPEN: Final = OPEN_FILES // 4  # by jobs that are over


class CpuLimit:
    """The CPU time that a child may use; moved on as jobs start, so that it binds each of them."""

    def __init__(self) -> None:
        self._hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
        self._set = 0
        self._allowed = 0.0  # by the last call, in seconds
        self._look_at = 0.0  # by the monotonic clock

    def allow(self, seconds: float, now: float) -> None:
        """Let this process use that much more; threads of a job that is left behind run out of it.

        Args:
            seconds: of CPU.
            now: by the monotonic clock.
        """
        if now < self._look_at and seconds == self._allowed:
            return
        self._allowed, self._look_at = seconds, now + _CPU_EVERY
        wanted = int(time.process_time() + seconds) + _CPU_SLACK
        if abs(wanted - self._set) > 1:
            self._set = wanted
            with contextlib.suppress(ValueError, OSError):
                resource.setrlimit(resource.RLIMIT_CPU, (wanted, self._hard))


class Wear:
    """What jobs or pages that are over have left in this process, of what it may have: the next would be short of it.

    Args:
        settings: with the limit of memory.
        inherited: bytes that it has of the process that it was forked from, which do not count.
    """

    def __init__(self, settings: Settings, inherited: int = 0) -> None:
        limit = settings.memory_limit * 1024 * 1024
        self._most = inherited + limit * _RECYCLE_SHARE
        self._data, self._files = memory_of()[1], _files_open()
        # What it began with counts against the limit, too, used or not.
        self._room = max(0, inherited + limit - self._data) * _RECYCLE_SHARE

    @property
    def is_too_much(self) -> bool:
        """Whether it should go: for memory that it holds, or may not have for other things, or for open files."""
        held, data = memory_of()
        return held > self._most or data - self._data > self._room or _files_open() - self._files > _FILES_LEFT_OPEN


def _files_open() -> int:
    """Return about how many descriptors are open, by the lowest that is free: counting them takes ten times as long."""
    try:
        lowest = os.open("/", os.O_RDONLY)
    except OSError as error:
        return OPEN_FILES if error.errno == errno.EMFILE else 0
    os.close(lowest)
    return lowest
