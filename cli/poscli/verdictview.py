"""What came of the jobs of a proof: as lines, and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from liquid_background.jobs.log import printable
from liquid_background.jobs.operating.verdicts import Said, Verdicts
from poscli.terminal import fitted, styled

_WORDS: Final = {Said.PASSES: "passes", Said.FAILS: "still fails", Said.DEPENDS: "depends on", Said.UNKNOWN: "unknown"}
_COLOURS: Final = {Said.PASSES: "green", Said.FAILS: "red", Said.DEPENDS: "yellow", Said.UNKNOWN: "yellow"}


def lines_of(verdicts: Verdicts) -> Iterator[str]:
    """Yield a line for each thing that came of jobs: how many, and the first of them."""
    for said, reason in verdicts.rows():
        word = styled(f"{_WORDS[said]:11}", fg=_COLOURS[said])
        why = f"  {printable(reason.why)}" if reason.why else ""
        yield fitted(f"  {word} {reason.jobs:>7,}{why}  (such as {printable(reason.first)})")


def verdicts_as_json(verdicts: Verdicts) -> dict[str, Any]:
    """Return what came of jobs as plain values."""
    rows = [*verdicts.rows()]

    def reasons(wanted: Said) -> list[dict[str, Any]]:
        return [{"why": each.why, "jobs": each.jobs, "first": each.first} for said, each in rows if said is wanted]

    passes = {"jobs": verdicts.passes.jobs, "first": verdicts.passes.first}
    return {"passes": passes, **{str(said): reasons(said) for said in Said if said is not Said.PASSES}}
