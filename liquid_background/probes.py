"""`/healthz` and `/readyz` for whoever restarts processes and sends them requests, whatever web framework answers."""

from __future__ import annotations

import logging
from collections.abc import Callable
from threading import Lock
from time import monotonic
from typing import Final, NamedTuple

from liquid_background.engine import Engine
from liquid_background.jobs.log import printable
from liquid_background.jobs.queue.bounds import Bounds
from liquid_background.jobs.queue.probing import Probe
from liquid_background.jobs.store.verdict import Severity

logger = logging.getLogger("liquid_background.web")

ALIVE: Final = "healthz"
READY: Final = "readyz"
PATHS: Final = (ALIVE, READY)
LASTS: Final = 1.0
"""Seconds for which an answer is given again: probes come from many places."""


class ProbeAnswer(NamedTuple):
    """What a probe is answered."""

    status: int
    text: str


class Probes:
    """Answers probes: `/healthz` whether this process answers at all, `/readyz` whether its store takes and runs jobs.

    Visitors may ask, too, so an answer names what is wrong, in the words of docs/health.md, and the log says the rest.
    It is safe to share between threads; one at a time asks the store.

    Args:
        engine: whose store is looked at.
        bounds: beyond which waiting, failures or too few workers make it unready; without them the store alone does,
            since pages can send jobs that no worker runs yet.
    """

    def __init__(self, engine: Callable[[], Engine], bounds: Bounds | None = None) -> None:
        self._engine = engine
        self._bounds = bounds
        self._lock = Lock()
        self._answer = ProbeAnswer(503, "not looked yet\n")
        self._asked_at = -LASTS
        self._telling = Telling()

    def answer(self, path: str) -> ProbeAnswer | None:
        """Return the answer at a path; None where it is none of these. It may take as long as the store does."""
        if path == ALIVE:
            return ProbeAnswer(200, "ok\n")
        return self._ready() if path == READY else None

    def _ready(self) -> ProbeAnswer:
        with self._lock:
            if monotonic() - self._asked_at >= LASTS:
                probe = self._engine().probe(self._bounds)
                self._answer, self._asked_at = answer_of(probe), monotonic()
                self._telling.tell(probe.is_healthy, probe.line())
            return self._answer


class Telling:
    """Logs that something is ready no more, or again."""

    def __init__(self) -> None:
        self._was_ready = True

    def tell(self, is_ready: bool, line: str) -> None:
        """Log a change, with all that there is to say of it."""
        if is_ready != self._was_ready:
            self._was_ready = is_ready
            logger.log(logging.INFO if is_ready else logging.ERROR, "%s: %s", READY, printable(line))


def answer_of(probe: Probe) -> ProbeAnswer:
    """Return what a visitor is told of a probe."""
    if probe.is_healthy:
        return ProbeAnswer(200, "ok\n")
    wrong = dict.fromkeys(verdict.name for verdict in probe.verdicts if verdict.severity is Severity.WRONG)
    return ProbeAnswer(503, f"failed: {', '.join(wrong)}\n")
