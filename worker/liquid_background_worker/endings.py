"""The ends of bodies that the store answered with an error: said again alone, then as failures, then given up."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from liquid_background.job import Outcome
from liquid_background.queue import moves
from liquid_background.queue.moves import Finish
from liquid_background.settings import Settings

logger = logging.getLogger("liquid_background.worker")

_TRIES: Final = 2  # beyond the first
MOST_ANSWERS: Final = _TRIES + 1
"""Times that an end may have to be heard out before the store has it."""


@dataclass(frozen=True, slots=True)
class Report:
    """The end of a body on its way to the store, and how often it has come back."""

    finish: Finish
    returned: int = 0


class Endings:
    """Keeps the ends that came back until they are said again."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._returned: deque[Report] = deque()

    def came_back(self, report: Report, error: object) -> None:
        """Take note of an end that the store answered with an error.

        The first time it may be the fault of what travelled with it. Then it is said once more as a failure, which
        writes less; a job whose end can't be written at all is left to its lease.
        """
        job, returned = report.finish.job, report.returned + 1
        if returned > _TRIES:
            logger.error("job %s: its end could not be written: %s", job.id, error)
            return
        finish = report.finish
        if returned == _TRIES:
            outcome = Outcome(error=f"its body ended, but the store could not write that: {error}", retry=False)
            finish = moves.finish(job, outcome, self._settings)
        self._returned.append(Report(finish, returned))

    def to_say(self) -> Iterator[Report]:
        """Yield the ends to say again, each once."""
        while self._returned:
            yield self._returned.popleft()
