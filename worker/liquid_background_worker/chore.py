"""The process in which a worker carries operations out, beside the jobs: forked when one is due, gone when none is."""

from __future__ import annotations

import logging
import os
import select
from collections.abc import Iterable
from time import monotonic
from typing import Final

from liquid_background.errors import StoreUnavailable
from liquid_background.job import Performer
from liquid_background.jobs.operating.carrying import Carrier
from liquid_background.jobs.store import Store
from liquid_background.settings import Settings
from liquid_background_worker import limits
from liquid_background_worker.process import Process, describe_exit, fork
from liquid_background_worker.prover import Prover, dry_runs_of
from liquid_background_worker.slot import Left, Slot

logger = logging.getLogger("liquid_background.worker")

_STAYS: Final = 2.0  # seconds for which it waits for the next part of an operation; a fork costs more than that
_PAUSE: Final = 1.0  # seconds before the next one, when one has died or found no store
_LAST_WORDS: Final = 1.0  # seconds for the part that it is at, when the worker ends


class Chore:
    """One process at a time; it may be killed anywhere, since an operation goes on where its last part ended.

    1. `tend`, at each turn of the supervisor's loop: start it when an operation is due, collect it when it has ended.
    2. `stop`, when the worker is told to: it ends after the part that it is at.
    3. `close`, at the worker's end: it is killed when it takes too long.
    """

    def __init__(self, settings: Settings, store: Store, name: str, performer: Performer) -> None:
        self._settings = settings
        self._store = store
        self._performer = performer
        self._name = f"{name}.operations"
        self._process: Process | None = None
        self._not_before = 0.0
        self._is_stopped = False

    def tend(self, is_due: bool, close: Iterable[int]) -> None:
        """Start or collect the process.

        Args:
            is_due: whether an operation is.
            close: the descriptors that it is not to have.
        """
        self._collect()
        if is_due and not self._process and not self._is_stopped and monotonic() >= self._not_before:
            parent = os.getpid()

            def body(slot: Slot, control: int, _reports: int) -> None:
                limits.die_with(parent)
                limits.apply(self._settings)
                _carry_on(self._store, self._settings, slot, control, self._performer)

            self._process = fork(self._name, body, close)

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


def _carry_on(store: Store, settings: Settings, slot: Slot, control: int, performer: Performer) -> None:
    """Carry out what is due, and what is due soon."""
    make = dry_runs_of(performer)
    prover = Prover(settings, make) if make else None
    carrier = Carrier(store, settings, lambda: slot.stop, prover)
    try:
        while not slot.stop:
            wait = carrier.carry_on()
            if wait is None or wait > _STAYS:
                break
            select.select([control], [], [], wait)
        slot.left = Left.DONE
    except StoreUnavailable as error:  # its supervisor warns
        logger.debug("operations wait for the store: %s", error)
    finally:
        if prover:
            prover.close()
        store.close()
