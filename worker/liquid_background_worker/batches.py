"""How many jobs a child claims at once, and from which queues first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from liquid_background.job import Priority

MOST: Final = 64  # jobs a claim
_WORK: Final = 0.02  # seconds of expected work in a batch: a job of a higher priority may have to wait that long
_AHEAD: Final = 0.002  # seconds of expected work that a claim for the next batch may come ahead
_WEIGHT: Final = 0.2  # of the newest job in the expected seconds a job


class BatchSize:
    """Sizes batches by how long jobs have lately taken; the first holds one job."""

    def __init__(self) -> None:
        self._seconds: float | None = None

    def took(self, seconds: float) -> None:
        """Take note of a job's time; one slow job makes batches small at once, quick ones let them grow slowly."""
        known = seconds if self._seconds is None else self._seconds
        self._seconds = seconds if seconds > 4 * known else known + _WEIGHT * (seconds - known)

    @property
    def size(self) -> int:
        if self._seconds is None:
            return 1
        return max(1, min(MOST, int(_WORK / max(self._seconds, 1e-5))))

    @property
    def ahead(self) -> int:
        """How many jobs may be left of a batch when the next one is claimed: none when they are slow."""
        return int(_AHEAD / max(self._seconds, 1e-5)) if self._seconds else 0


class Order:
    """The order in which a claim tries the queues: by priority, but for the share that low is given."""

    def __init__(self, queues: Sequence[str], low_share: int) -> None:
        self._queues = tuple(queues)
        self._share = low_share if Priority.LOW in self._queues else 0
        self._credit = 0
        self._lifted = False

    def next(self) -> tuple[str, ...]:
        """Return the queues for the next claim."""
        self._lifted = self._credit + self._share >= 100
        if not self._lifted:
            return self._queues
        return (Priority.LOW, *(name for name in self._queues if name != Priority.LOW))

    def claimed(self, queue: str) -> tuple[str, ...]:
        """Take note of the queue that a claim brought jobs of; return those whose work goes before them."""
        self._credit += self._share
        if queue == Priority.LOW and self._lifted:
            self._credit -= 100
            return ()
        self._credit = min(self._credit, 100)
        return self._queues[: self._queues.index(queue)]
