"""The ends of bodies that the store answered with an error: said again until they are heard, later as failures."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from time import monotonic
from typing import Final

from liquid_background.job import Outcome
from liquid_background.queue import moves
from liquid_background.queue.moves import Finish, Running
from liquid_background.settings import Settings

_PATIENCE: Final = 10.0  # seconds for which an end is said as it was: rights come back, and scripts are mended


@dataclass(frozen=True, slots=True)
class Report:
    """The end of a body on its way to the store, and since when it comes back."""

    finish: Finish
    since: float | None = None  # by the monotonic clock


class Endings:
    """Keeps the ends that came back until they are said again. Only this process knows them: none is given up."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._returned: deque[Report] = deque()

    @property
    def jobs(self) -> list[Running]:
        """The jobs whose ends came back."""
        return [report.finish.job for report in self._returned]

    def came_back(self, report: Report, error: object) -> None:
        """Take note of an end that the store answered with an error.

        It may be the fault of what travelled with it, so it is said again alone. After a while it is said as a failure,
        which writes less.
        """
        since = monotonic() if report.since is None else report.since
        finish = report.finish
        if monotonic() - since > _PATIENCE:
            outcome = Outcome(error=f"its body ended, but the store could not write that: {error}", retry=False)
            finish = moves.finish(finish.job, outcome, self._settings)
        self._returned.append(Report(finish, since))

    def to_say(self) -> Iterator[Report]:
        """Yield the ends to say again, each once."""
        for _ in range(len(self._returned)):
            yield self._returned.popleft()
