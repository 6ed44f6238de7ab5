"""A process beside the jobs, for what a worker does now and then: forked when that is due, gone when it is done."""

from __future__ import annotations

import logging
import math
import os
import select
from collections.abc import Callable, Iterable
from time import monotonic
from typing import Final

from liquid_background.confined import confine, die_with
from liquid_background.settings import Settings
from liquid_background_worker.process import Process, describe_exit, fork
from liquid_background_worker.slot import Slot

logger = logging.getLogger("liquid_background.worker")

_PAUSE: Final = 1.0  # seconds before the next one, when one has died or found no store
_LAST_WORDS: Final = 1.0  # seconds for the part that it is at, when the worker ends


class Chore:
    """One process at a time; it may be killed anywhere, so what it does has to go on where its last part ended.

    1. `tend`, at each turn of the supervisor's loop: start it when something is due, collect it when it has ended, kill
       it when one part takes too long.
    2. `stop`, when the worker is told to: it ends after the part that it is at.
    3. `close`, at the worker's end: it is killed when it takes too long.

    Args:
        name: the process's, for the log.
        settings: with the limits that it is held to.
        work: what it does, with its slot and the descriptor that wakes it; it notes there that it is done.
        limit: seconds for one part, each of which it counts in its slot.
    """

    def __init__(
        self, name: str, settings: Settings, work: Callable[[Slot, int], None], limit: float = math.inf
    ) -> None:
        self._settings = settings
        self._name = name
        self._work = work
        self._limit = limit
        self._process: Process | None = None
        self._progress: tuple[object, float] = (None, 0.0)  # what the slot has counted, and since when
        self._not_before = 0.0
        self._is_stopped = False

    @property
    def runs(self) -> bool:
        """Whether there is a process."""
        return self._process is not None

    def tend(self, is_due: bool, close: Iterable[int]) -> None:
        """Start or collect the process.

        Args:
            is_due: whether there is something for it to do.
            close: the descriptors that it is not to have.
        """
        self._collect()
        self._enforce_limit()
        if is_due and not self._process and not self._is_stopped and monotonic() >= self._not_before:
            parent = os.getpid()

            def body(slot: Slot, control: int, _reports: int) -> None:
                die_with(parent)
                confine(self._settings.memory_limit)
                self._work(slot, control)

            self._process = fork(self._name, body, close)

    def _enforce_limit(self) -> None:
        if self._process is None:
            return
        counted = (self._process.pid, self._process.slot.counters())
        if counted != self._progress[0]:
            self._progress = counted, monotonic()
        elif monotonic() - self._progress[1] > self._limit:
            logger.warning("%s: killed at its limit of %g s", self._name, self._limit)
            self._process.kill()

    def _collect(self) -> None:
        code = self._process.poll() if self._process else None
        if self._process is None or code is None:
            return
        if self._process.slot.left is None:
            self._not_before = monotonic() + _PAUSE
            if not self._is_stopped:
                logger.debug("%s: its process %s", self._name, describe_exit(code))
        self._process.close()
        self._process = None

    @property
    def descriptors(self) -> tuple[int, ...]:
        """What children close."""
        return self._process.descriptors if self._process else ()

    @property
    def pids(self) -> set[int]:
        """The process, for who collects strangers."""
        return {self._process.pid} if self._process else set()

    def stop(self) -> None:
        """Start no more, and have what runs end soon."""
        self._is_stopped = True
        if self._process:
            self._process.ask_to_stop()

    def close(self) -> None:
        """Have it end, or kill it."""
        self.stop()
        until = monotonic() + _LAST_WORDS
        while self._process and monotonic() < until:
            self._collect()
            select.select([], [], [], 0.01)
        if self._process:
            self._process.kill()
        while self._process:
            self._collect()
            select.select([], [], [], 0.01)
