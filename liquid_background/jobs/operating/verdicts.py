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


class Said(StrEnum):
    """What a dry run says of a job."""

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

    def add(self, job_id: str, said: Said, why: str = "") -> None:
        """Count a job.

        Args:
            job_id: its id.
            said: what its dry run says.
            why: the error, or the effects that it depends on.
        """
        reason = self.passes if said is Said.PASSES else self._reason(said, why[:MAX_ERROR])
        reason.first = reason.first or job_id
        reason.jobs += 1

    def _reason(self, said: Said, why: str) -> Reason:
        reasons = self._by_said[said]
        alike = _alike(said, why)
        if alike not in reasons and len(reasons) >= _MOST:
            alike = why = OTHERS
        return reasons.setdefault(alike, Reason(why))

    @property
    def _by_said(self) -> dict[Said, dict[str, Reason]]:
        return {Said.FAILS: self.fails, Said.DEPENDS: self.depends, Said.UNKNOWN: self.unknown}

    @property
    def jobs(self) -> int:
        """How many were run dry."""
        return sum(reason.jobs for _, reason in self.rows())

    def rows(self) -> Iterator[tuple[Said, Reason]]:
        """Yield the reasons, those of the most jobs first, but what passes before all."""
        if self.passes.jobs:
            yield Said.PASSES, self.passes
        for said, reasons in self._by_said.items():
            for reason in sorted(reasons.values(), key=lambda each: -each.jobs):
                yield said, reason

    def as_json(self) -> str:
        """Return them as they stand in the store: versioned JSON."""
        rows = [[str(said), reason.why, reason.jobs, reason.first] for said, reason in self.rows()]
        return json.dumps({"v": VERSION, "rows": rows})

    @classmethod
    def from_json(cls, written: bytes | None) -> Verdicts:
        """Return verdicts that `as_json` wrote; none for garbage, and for those of a newer version."""
        found = cls()
        if written is None or len(written) > LONGEST:
            return found
        try:
            said: Any = json.loads(written)
            for word, why, jobs, first in said["rows"] if said["v"] == VERSION else ():
                found._put(Said(word), str(why)[:MAX_FIELD], int(jobs), str(first)[:MAX_SHOWN])
        except (ValueError, TypeError, KeyError, RecursionError):
            return cls()
        return found

    def _put(self, said: Said, why: str, jobs: int, first: str) -> None:
        reason = Reason(why, max(0, jobs), first)
        if said is Said.PASSES:
            self.passes = reason
        else:
            self._by_said[said][_alike(said, why)] = reason


def _alike(said: Said, why: str) -> str:
    """Return what reasons have alike that count as one: of an error, all but what changes from job to job."""
    return likeness(why) if said is Said.FAILS and why != OTHERS else why
