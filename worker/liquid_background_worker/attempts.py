"""The attempts that one child performs: each under its limits, in the surroundings of the first, and counted."""

from __future__ import annotations

import os
from contextvars import copy_context
from time import monotonic
from typing import Final

from liquid_background.hooks import Attempt, hooks_of
from liquid_background.job import Outcome, Performer
from liquid_background.jobs.queue.opening import Claimed
from liquid_background_worker import attempt
from liquid_background_worker.alarm import Alarm
from liquid_background_worker.batches import BatchSize
from liquid_background_worker.limited import call_hooks
from liquid_background_worker.limits import CpuLimit, Wear
from liquid_background_worker.slot import Slot
from liquid_background_worker.surroundings import Surroundings

_QUICK: Final = 0.002  # seconds: what is left behind in less is looked at after the batch, for a look takes a while
GRACE: Final = 0.75  # seconds beyond its limit after which a job is killed; with the time to notice, below one second


class Attempts:
    """Performs jobs in this process.

    Args:
        performer: what runs them.
        slot: where the supervisor sees what runs.
        most: attempts after which the process is worn out.
        wear: what they have left in it, by which it may be so earlier.
    """

    def __init__(self, performer: Performer, slot: Slot, most: int, wear: Wear) -> None:
        self.left = most
        self._wear = wear
        self._process = os.getpid()
        self.batch_size = BatchSize()
        self._performer = performer
        self._hooks = hooks_of(performer)
        self._slot = slot
        self._alarm = Alarm()
        self._cpu = CpuLimit()
        self._surroundings = Surroundings()
        self._tally: tuple[bool, float] | None = None  # whether the last one failed, and its seconds: not counted yet

    def perform(self, place: int, job: Claimed) -> Outcome:
        """Perform an attempt of the job at that place of the batch."""
        started = monotonic()
        self._cpu.allow(job.limit, started)
        self._slot.begin(place, started, started + job.limit + GRACE)
        context = copy_context()  # without one of its own, a job would find what the one before has set
        outcome = context.run(attempt.perform, self._performer, self._alarm, job)
        if os.getpid() != self._process:
            os._exit(0)  # a job forked, and its fork came back: it must not speak on this process's connection
        if not outcome.succeeded:
            if self._hooks.failures and outcome.fails_job(job.attempt, job.max_attempts):
                context.run(self._tell_failure, place, job, outcome)
            if outcome.exception is not None:
                outcome = outcome._replace(exception=None)  # it keeps all that its frames hold
        self._slot.disarm()
        seconds = monotonic() - started
        self._tally = (outcome.failed, seconds)
        self.left -= 1
        if seconds > _QUICK:
            self.look()
        return outcome

    def look(self) -> None:
        """See to it that none follows where the others have left too little for it."""
        if self._wear.is_too_much:
            self.left = 0

    def _tell_failure(self, place: int, job: Claimed, outcome: Outcome) -> None:
        """Have the hooks told of a job that failed for good, in a time limit of their own: it may have used up its own.

        The store hears of the end after that, so a process that dies in a hook has the job run again.
        """
        seen = Attempt.of(job.id, job.payload, job.attempt, job.max_attempts)
        now = monotonic()
        self._cpu.allow(job.limit, now)
        self._slot.begin(place, now, now + job.limit + GRACE)
        call_hooks("on_failure hooks", self._alarm, job.limit, lambda: self._hooks.failed(seen, outcome))

    def count(self) -> None:
        """Count the last attempt, once the store has been told of its end: a kill before that runs the body again."""
        if self._tally:
            failed, seconds = self._tally
            self._slot.count(failed, seconds)
            self.batch_size.took(seconds)
            self._tally = None
            self._surroundings.restore()
