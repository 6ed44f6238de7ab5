"""What a probe calls unhealthy beside what is wrong: jobs that wait long, many failures, few workers."""

from __future__ import annotations

from dataclasses import dataclass

from liquid_background.jobs.queue.serving import Serving
from liquid_background.jobs.store.verdict import Severity, Verdict
from liquid_background.wording import counted


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What is still fine."""

    max_oldest: int = 300  # seconds that a job may have waited, ready to run
    max_failed_per_minute: int = 10  # attempts that may have failed or been lost in the last minute
    min_workers: int = 1  # processes that run jobs


def bound_verdicts(seen: Serving, failures: int | None, bounds: Bounds) -> list[Verdict]:
    """Return what is beyond the bounds."""
    verdicts = []
    if seen.workers is not None and seen.workers < bounds.min_workers:
        count = counted(seen.workers, "worker") if seen.workers else "no worker"
        found, remedy = f"{count} running, fewer than {bounds.min_workers}", "start one: poscli worker"
        verdicts.append(Verdict("workers", Severity.WRONG, found, remedy))
    if seen.oldest is not None and seen.oldest > bounds.max_oldest:
        found = f"a job has waited for {seen.oldest:,.0f} s, longer than {bounds.max_oldest:,} s"
        verdicts.append(Verdict("oldest", Severity.WRONG, found, "run more workers, or see poscli status"))
    if failures is not None and failures > bounds.max_failed_per_minute:
        found = f"{counted(failures, 'attempt')} failed in the last minute, more than {bounds.max_failed_per_minute:,}"
        verdicts.append(Verdict("failures", Severity.WRONG, found, "look: poscli logs --status FAILED"))
    return verdicts
