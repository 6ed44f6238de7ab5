"""What came of the jobs of a proof: as lines, and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from liquid_background.jobs.log import printable
from liquid_background.jobs.operating.verdicts import DryVerdict, Verdicts
from poscli.terminal import fitted, styled

_SHOWN: Final = {
    DryVerdict.PASSES: ("passes", "green"),
    DryVerdict.FAILS: ("still fails", "red"),
    DryVerdict.DEPENDS: ("depends on", "yellow"),
    DryVerdict.UNKNOWN: ("unknown", "yellow"),
}
"""Of each verdict how it is said, and its colour."""


def lines_of(verdicts: Verdicts) -> Iterator[str]:
    """Yield a line for each thing that came of jobs: how many, and the first of them."""
    for verdict, reason in verdicts.rows():
        words, colour = _SHOWN[verdict]
        word = styled(f"{words:11}", fg=colour)
        why = f"  {printable(reason.why)}" if reason.why else ""
        yield fitted(f"  {word} {reason.jobs:>7,}{why}  (such as {printable(reason.first)})")


def verdicts_as_json(verdicts: Verdicts) -> dict[str, Any]:
    """Return what came of jobs as plain values."""
    passes = {"jobs": verdicts.passes.jobs, "first": verdicts.passes.first}
    found: dict[str, Any] = {str(each): [] for each in DryVerdict} | {str(DryVerdict.PASSES): passes}
    for verdict, reason in verdicts.rows():
        if verdict is not DryVerdict.PASSES:
            found[str(verdict)].append({"why": reason.why, "jobs": reason.jobs, "first": reason.first})
    return found
