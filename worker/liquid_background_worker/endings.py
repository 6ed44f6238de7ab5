"""The ends of bodies that the store answered with an error: said again until they are heard, later as failures."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from time import monotonic
from typing import Final, NamedTuple

from liquid_background.job import Outcome
from liquid_background.jobs.queue import finishing
from liquid_background.jobs.queue.finishing import Finish, Running
from liquid_background.settings import Settings

_PATIENCE: Final = 10.0  # seconds for which an end is said as it was: rights come back, and scripts are mended


class Report(NamedTuple):  # made once a job, so it has to be cheap
    """The end of a body on its way to the store, and since when it comes back."""

    finish: Finish
    since: float | None = None  # by the monotonic clock
    instead_of: Finish | None = None  # the end as it was, when this one says that it could not be written


class Endings:
    """Keeps the ends that came back until they are said again. Only this process knows them: none is given up."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._returned: deque[Report] = deque()

    def __bool__(self) -> bool:
        return bool(self._returned)

    @property
    def jobs(self) -> list[Running]:
        """The jobs whose ends came back."""
        return [report.finish.job for report in self._returned]

    def came_back(self, report: Report, error: object) -> None:
        """Take note of an end that the store answered with an error.

        It may be the fault of what travelled with it, so it is said again alone. After a while a failure, which writes
        less, is tried right behind it: if the store takes that one, the end itself was at fault.
        """
        since = monotonic() if report.since is None else report.since
        again = Report(report.instead_of or report.finish, since)
        if report.instead_of is None and monotonic() - since > _PATIENCE:
            outcome = Outcome(error=f"its body ended, but the store could not write that: {error}", retry=False)
            failure = finishing.finish(report.finish.job, outcome, self._settings)
            again = Report(failure, since, instead_of=report.finish)
        self._returned.append(again)

    @property
    def are_urgent(self) -> bool:
        """Whether some are to be said at once: the store must not mend itself between an end and its failure."""
        return any(report.instead_of for report in self._returned)

    def to_say(self) -> Iterator[Report]:
        """Yield the ends to say again, each once."""
        for _ in range(len(self._returned)):
            yield self._returned.popleft()
