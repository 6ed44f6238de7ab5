"""How many jobs a job may make: what one render sets off without a delay is a family of limited size."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from liquid_background.job import Job

MAX_FAMILY: Final = 10_000
"""Jobs that one render may set off: its own, and those that they make in turn."""
REGAINED: Final = 10
"""Jobs a second of its delay that the next run of a job may make anew, up to MAX_FAMILY."""


@dataclass(frozen=True, slots=True)
class Family:
    """What a render or an attempt may make.

    Each job that it makes takes one from what is left, and the rest is shared among them. So the sum over all jobs
    never grows, whatever they do, but for one line: a job of generation 0 may plan its own next run for later.
    """

    generation: int = -1  # of whoever makes jobs: how many jobs it is away from the page; -1 is a page itself
    left: int = MAX_FAMILY

    @classmethod
    def of(cls, payload: Mapping[str, Any]) -> Family:
        """Return what the job of a payload may make."""
        return cls(payload.get("generation", 0), min(payload.get("may_make", MAX_FAMILY), MAX_FAMILY))

    def admit(self, jobs: Sequence[Job]) -> None:
        """Write into the jobs of one render or attempt, at most as many as are left, what they may make in turn."""
        if not jobs or (self.generation < 0 and len(jobs) == 1):
            return  # one job of a page may make what a job may that says nothing
        share = (self.left - len(jobs)) // len(jobs)
        for job in jobs:
            job.admit(self.generation + 1, share)
        planned = [(job, seconds) for job in jobs if (seconds := _delay(job)) * REGAINED >= 1]
        if self.generation >= 0 and len(planned) == 1 and (self.generation == 0 or len(jobs) == 1):
            ((job, seconds),) = planned
            most = MAX_FAMILY if self.generation == 0 else self.left
            job.admit(self.generation, int(min(most, share + seconds * REGAINED)))


def _delay(job: Job) -> float:
    return job.delay * 60 if job.start_at is None else job.start_at - time.time()
