"""What a probe says: whether jobs are run, as one line, and why not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from liquid_background.jobs.log.searching import count_failures
from liquid_background.jobs.queue.bounds import Bounds, bound_verdicts
from liquid_background.jobs.queue.health import look
from liquid_background.jobs.queue.serving import Serving
from liquid_background.jobs.store.asking import Asking
from liquid_background.jobs.store.verdict import Severity, Verdict

_MINUTE: Final = 60.0
_COUNTED: Final = 1_000  # failures that are counted, at least, whatever the bound


@dataclass(frozen=True, slots=True)
class Probe:
    """What was found: the verdicts, the worst first, and what there was to see, unless it could not be seen."""

    verdicts: Sequence[Verdict]
    seen: Serving | None = None
    failures: int | None = None  # attempts that failed in the last minute, where they were counted

    @property
    def is_healthy(self) -> bool:
        """Whether nothing is wrong; warnings may be there."""
        return not any(verdict.severity is Severity.WRONG for verdict in self.verdicts)

    def line(self) -> str:
        """Return one line: what is wrong, the shortest first, then the warnings, then what is not known."""
        wrong = [str(verdict) for verdict in self.verdicts if verdict.severity is Severity.WRONG]
        told = sorted(wrong, key=len) if wrong else [self._summary()]
        for severity in (Severity.WARNING, Severity.UNKNOWN):
            rest = [f"{severity}: {verdict}" for verdict in self.verdicts if verdict.severity is severity]
            told += sorted(rest, key=len)
        return f"{'ok' if self.is_healthy else 'failed'}: {'; '.join(told)}"

    def _summary(self) -> str:
        if self.seen is None:
            return "nothing was looked at"
        workers = "an unknown number of" if self.seen.workers is None else str(self.seen.workers)
        oldest = "" if self.seen.oldest is None else f", the oldest for {self.seen.oldest:.1f} s"
        parts = [f"{workers} {'worker' if workers == '1' else 'workers'}", f"{self.seen.waiting} waiting{oldest}"]
        parts += [] if self.failures is None else [f"{self.failures} failed in the last minute"]
        return ", ".join(parts)


def probe(ask: Asking, folder: Path | None = None, site: str = "", bounds: Bounds | None = None) -> Probe:
    """Look at a store and at who serves its queues. It changes nothing there.

    Args:
        ask: a connection to the store.
        folder: of an embedded store.
        site: whose queues they are.
        bounds: beyond which waiting, failures or too few workers are wrong; None where they are not asked for.

    Raises:
        StoreUnavailable: when the store cannot be reached, or is a server that cannot hold jobs.
    """
    health = look(ask, folder, site)
    if bounds is None:
        return Probe(health.verdicts, health.serving)
    failures = count_failures(ask, _MINUTE, max(_COUNTED, bounds.max_failed_per_minute + 1), site)
    beyond = bound_verdicts(health.serving, failures, bounds)
    told = {verdict.name for verdict in beyond}
    rest = [verdict for verdict in health.verdicts if verdict.name not in told]
    return Probe([*beyond, *rest], health.serving, failures)
