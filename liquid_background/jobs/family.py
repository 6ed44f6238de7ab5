"""How many jobs a job may make: what one render sets off without a delay is a family of limited size."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from liquid_background.job import MAX_MADE, Job
from liquid_background.jobs.queue.payload import admit, encode_data
from liquid_background.jobs.queue.results import MAX_RESULT, cut, json_size

MAX_FAMILY: Final = 10_000
"""Jobs that one render may set off: its own, and those that they make in turn."""
COUNTED: Final = 8 * 1024
"""Bytes of a job's data for which it counts as one more job: all jobs that one render sets off hold 80 MB at most.

So do the texts of their bodies, of which each has as many bytes for itself.
"""
_SHORT: Final = COUNTED // 12  # characters of a text that takes no more than that, whatever they are
REGAINED: Final = 10
"""Jobs a second of its delay that the next run of a job may make anew; shared where several jobs plan next runs."""


class Family(NamedTuple):  # made once a job, so it has to be cheap
    """What a render or an attempt may make.

    Each job that it makes takes one from what is left, and the rest is shared among them. So the sum over all jobs
    never grows, whatever they do, but for what next runs regain. The right to that is passed on whole or shared, too:
    all jobs that one page sets off regain REGAINED a second together, and never over MAX_FAMILY.
    """

    generation: int = -1  # of whoever makes jobs: how many jobs it is away from the page; -1 is a page itself
    left: int = MAX_FAMILY
    regain_parts: int = 1  # what is regained is cut into so many equal parts, one of which is its own; 0: it has none

    @classmethod
    def of(cls, payload: Mapping[str, Any]) -> Family:
        """Return what the job of a payload may make."""
        left = min(payload.get("may_make", MAX_FAMILY), MAX_FAMILY)
        return cls(payload.get("generation", 0), left, payload.get("regain_parts", 1))

    def admit(self, jobs: Sequence[Job]) -> None:
        """Note in each job of one render or attempt, at most as many as are left, what it may make in turn."""
        if not jobs or (self.generation < 0 and len(jobs) == 1):
            return  # the only job of a page may make as many as a job that says nothing
        planned = self._planned(jobs)
        share = max(0, self.left - _taken(jobs, planned)) // len(jobs)
        # The one next run among several jobs keeps the whole part of its maker.
        parts = 0 if len(planned) == 1 else min(self.regain_parts * len(jobs), MAX_MADE)
        for job in jobs:
            admit(job, self.generation + 1, share, parts)
        if len(planned) == 1:
            ((job, seconds),) = planned
            admit(job, self.generation, self._regained(share, seconds), self.regain_parts)

    def keep(self, text: str, jobs: Sequence[Job]) -> tuple[str, Family]:
        """Return what is kept of the text of a body that made jobs, and the family without what that takes.

        There are COUNTED bytes of JSON for each text, and as many more for each job that is left to the attempt. Of
        these the text gets no more than each of the jobs that it makes does.
        """
        if is_short(text):
            return text, self
        left = self.left
        if jobs:
            left = max(0, left - _taken(jobs, self._planned(jobs))) // (len(jobs) + 1)
        text = cut(text, min(MAX_RESULT, (1 + left) * COUNTED))
        if not jobs:
            return text, self
        return text, self._replace(left=self.left - (json_size(text) - 1) // COUNTED)

    def _planned(self, jobs: Sequence[Job]) -> Sequence[tuple[Job, float]]:
        """Return the jobs that may be next runs, with the seconds until then."""
        if self.generation < 0:
            return ()
        return [(job, seconds) for job in jobs if (seconds := _delay(job)) > 0]

    def _regained(self, share: int, seconds: float) -> int:
        """Return what a next run may make after so many seconds."""
        if not self.regain_parts:
            return share
        most = MAX_FAMILY // self.regain_parts
        return max(share, min(most, share + int(seconds * REGAINED / self.regain_parts)))


def is_short(text: str) -> bool:
    """Return whether a text of a body is kept as it is, whatever is left to its family."""
    return len(text) < _SHORT


def count_of(size: int) -> int:
    """Return as how many jobs one with so many bytes of data counts: one, and one more for each COUNTED of them."""
    return 1 + size // COUNTED


def _taken(jobs: Sequence[Job], planned: Sequence[tuple[Job, float]]) -> int:
    if len(planned) != 1:
        return sum([count_of(len(encode_data(job))) for job in jobs])
    # A next run takes the place of its maker, whatever it holds.
    return 1 + sum([count_of(len(encode_data(job))) for job in jobs if job is not planned[0][0]])


def _delay(job: Job) -> float:
    return job.delay * 60 if job.start_at is None else job.start_at - time.time()
