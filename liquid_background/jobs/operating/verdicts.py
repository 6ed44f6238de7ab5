"""What has come of the jobs of a proof: how many pass, still fail or depend on an effect, and why."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from liquid_background.jobs.log.entry import MAX_FIELD
from liquid_background.jobs.queue.likeness import likeness
from liquid_background.jobs.queue.protocol import MAX_ERROR, MAX_SHOWN

VERSION: Final = 1
"""Of verdicts in the store."""
LONGEST: Final = 128 * 1024
"""Bytes of verdicts as JSON: more than the longest can have."""
_MOST: Final = 20  # reasons that are told apart
OTHERS: Final = "(others)"
"""What stands for the reasons beyond those."""


class DryVerdict(StrEnum):
    """What becomes of a job or a page, as far as a dry run can tell."""

    PASSES = "passes"  # it comes to its end
    FAILS = "fails"  # it would fail again
    DEPENDS = "depends"  # it comes to its end or fails by what an effect gives that was not called
    UNKNOWN = "unknown"  # it takes longer than the dry run waits


@dataclass(slots=True)
class Reason:
    """Why jobs did not pass, or nothing of those that did."""

    why: str  # of the first
    jobs: int = 0
    first: str = ""  # id of the first job


@dataclass(slots=True)
class Verdicts:
    """What has come of the jobs so far. Reasons that differ in what changes from job to job alone count as one."""

    passes: Reason = field(default_factory=lambda: Reason(""))
    fails: dict[str, Reason] = field(default_factory=dict[str, Reason])  # by what they have alike
    depends: dict[str, Reason] = field(default_factory=dict[str, Reason])
    unknown: dict[str, Reason] = field(default_factory=dict[str, Reason])

    def add(self, job_id: str, verdict: DryVerdict, why: str = "") -> None:
        """Count a job.

        Args:
            job_id: its id.
            verdict: what its dry run says.
            why: the error, or the effects that it depends on.
        """
        reason = self.passes if verdict is DryVerdict.PASSES else self._reason(verdict, why[:MAX_ERROR])
        reason.first = reason.first or job_id
        reason.jobs += 1

    def _reason(self, verdict: DryVerdict, why: str) -> Reason:
        reasons = self._by_verdict[verdict]
        alike = _alike(verdict, why)
        if alike not in reasons and len(reasons) >= _MOST:
            alike = why = OTHERS
        return reasons.setdefault(alike, Reason(why))

    @property
    def _by_verdict(self) -> dict[DryVerdict, dict[str, Reason]]:
        return {DryVerdict.FAILS: self.fails, DryVerdict.DEPENDS: self.depends, DryVerdict.UNKNOWN: self.unknown}

    @property
    def jobs(self) -> int:
        """How many were run dry."""
        return sum(reason.jobs for _, reason in self.rows())

    def rows(self) -> Iterator[tuple[DryVerdict, Reason]]:
        """Yield the reasons, those of the most jobs first, but what passes before all."""
        if self.passes.jobs:
            yield DryVerdict.PASSES, self.passes
        for verdict, reasons in self._by_verdict.items():
            for reason in sorted(reasons.values(), key=lambda each: -each.jobs):
                yield verdict, reason

    def as_json(self) -> str:
        """Return them as they stand in the store: versioned JSON."""
        rows = [[str(verdict), reason.why, reason.jobs, reason.first] for verdict, reason in self.rows()]
        return json.dumps({"v": VERSION, "rows": rows})

    @classmethod
    def from_json(cls, written: bytes | None) -> Verdicts:
        """Return verdicts that `as_json` wrote; none for garbage, and for those of a newer version."""
        found = cls()
        if written is None or len(written) > LONGEST:
            return found
        try:
            read: Any = json.loads(written)
            for word, why, jobs, first in read["rows"] if read["v"] == VERSION else ():
                found._put(DryVerdict(word), str(why)[:MAX_FIELD], int(jobs), str(first)[:MAX_SHOWN])
        except (ValueError, TypeError, KeyError, RecursionError):
            return cls()
        return found

    def _put(self, verdict: DryVerdict, why: str, jobs: int, first: str) -> None:
        reason = Reason(why, max(0, jobs), first)
        if verdict is DryVerdict.PASSES:
            self.passes = reason
        else:
            self._by_verdict[verdict][_alike(verdict, why)] = reason


def _alike(verdict: DryVerdict, why: str) -> str:
    """Return what reasons have alike that count as one: of an error, all but what changes from job to job."""
    return likeness(why) if verdict is DryVerdict.FAILS and why != OTHERS else why
