"""What a worker does beside its jobs, each in a process of its own: operations, alerts, and the word of trouble."""

from __future__ import annotations

import logging
import select
from collections.abc import Iterable
from functools import partial
from time import monotonic
from typing import Final

from liquid_background.errors import StoreUnavailable
from liquid_background.hooks import hooks_of
from liquid_background.job import Performer
from liquid_background.jobs.operating.carrying import Carrier
from liquid_background.jobs.store import Store
from liquid_background.settings import Settings
from liquid_background_worker.alerts import Telling, Watch, tell_trouble
from liquid_background_worker.attempts import GRACE
from liquid_background_worker.chore import Chore
from liquid_background_worker.prover import Prover, dry_runs_of
from liquid_background_worker.slot import Left, Slot

logger = logging.getLogger("liquid_background.worker")

_STAYS: Final = 2.0  # seconds for which it waits for the next part of an operation; a fork costs more than that
_LINGERS: Final = 10.0  # seconds that alerts have at the end of a burst
_LOOKS: Final = 2  # after the last job: another worker may have looked just before the first


class Beside:
    """The processes of one worker that are no children of its queues.

    1. `tend`, at each turn of the supervisor's loop: start what is due, collect what has ended.
    2. `lingers`, at the worker's end: whether alerts still have to be told.
    3. `stop` and `close`, as of a `Chore`.
    """

    def __init__(self, settings: Settings, store: Store, performer: Performer, watch: Watch, name: str) -> None:
        self._settings = settings
        self._store = store
        self._performer = performer
        self._watch = watch
        limit = settings.job_timeout + GRACE
        self._operations = Chore(f"{name}.operations", settings, partial(_carry_on, store, settings, performer))
        self._alerts = Chore(f"{name}.alerts", settings, self._tell, limit)
        self._trouble = Chore(f"{name}.trouble", settings, self._tell_trouble, limit)
        self._all = (self._operations, self._alerts, self._trouble)
        self._is_away = False  # the store, as hooks have heard
        self._told_at = -settings.alert_window
        self._waiting = ""
        self._until: tuple[int, float] | None = None  # looks, and the time, that a burst waits for

    def tend(self, has_operation: bool, waiting: str, close: Iterable[int]) -> None:
        """Start or collect the processes.

        Args:
            has_operation: whether one is due.
            waiting: what the store is waited for; empty while it is well.
            close: the descriptors that they are not to have.
        """
        close = [*close]
        self._operations.tend(has_operation, close)
        did_run = self._alerts.runs
        self._alerts.tend(False, close)
        if did_run and not self._alerts.runs:
            self._watch.ended()
        elif self._watch.is_due and not did_run:
            self._watch.begin()
            self._alerts.tend(True, close)
        self._tend_trouble(waiting, close)

    def _tend_trouble(self, waiting: str, close: Iterable[int]) -> None:
        """Have hooks told of each outage, once in a window: nothing else can travel without the store."""
        is_new = bool(waiting) and not self._is_away and monotonic() - self._told_at >= self._settings.alert_window
        is_told = is_new and hooks_of(self._performer).tells("store.trouble")
        if is_told:
            self._told_at, self._waiting = monotonic(), waiting
        self._is_away = bool(waiting)
        self._trouble.tend(is_told, close)

    def lingers(self, is_burst: bool, stops: int) -> bool:
        """Return whether alerts have to be told before a worker ends whose jobs are done.

        Args:
            is_burst: whether what they have left to tell is told, too.
            stops: how often it was told to stop: once lets it end what it tells.
        """
        if stops or not is_burst or not self._watch.is_on:
            return stops == 1 and self._alerts.runs
        if self._until is None:
            self._until = self._watch.looks + _LOOKS, monotonic() + _LINGERS
        looks, until = self._until
        return monotonic() < until and (self._watch.looks < looks or self._watch.is_due or self._alerts.runs)

    @property
    def descriptors(self) -> tuple[int, ...]:
        """What children close."""
        return tuple(number for each in self._all for number in each.descriptors)

    @property
    def pids(self) -> set[int]:
        """The processes, for who collects strangers."""
        return {pid for each in self._all for pid in each.pids}

    def stop(self) -> None:
        """Start no more, and have what runs end soon."""
        for each in self._all:
            each.stop()

    def close(self) -> None:
        """Have them end, or kill them."""
        self.stop()
        for each in self._all:
            each.close()

    def _tell(self, slot: Slot, _control: int) -> None:
        Telling(self._store, self._performer, self._settings, self._watch, slot).tell_all()

    def _tell_trouble(self, slot: Slot, _control: int) -> None:
        tell_trouble(self._performer, self._settings, self._watch, self._waiting, slot)
        slot.left = Left.DONE


def _carry_on(store: Store, settings: Settings, performer: Performer, slot: Slot, control: int) -> None:
    """Carry out operations that are due, and those that are due soon."""
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
