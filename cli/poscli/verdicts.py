"""Verdicts on the store and its workers, as every command shows them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from liquid_background.jobs.log import printable
from liquid_background.jobs.store.verdict import Severity, Verdict
from poscli.called import as_called
from poscli.terminal import styled

_COLOURS: Final = {
    Severity.WRONG: "red",
    Severity.WARNING: "yellow",
    Severity.UNKNOWN: "yellow",
    Severity.FINE: "green",
}


def lines_of(verdicts: Iterable[Verdict]) -> list[str]:
    """Return a line for each verdict: how bad, what was found, what to do."""
    return [
        styled(f"{verdict.severity}: {printable(as_called(str(verdict)))}", fg=_COLOURS[verdict.severity])
        for verdict in verdicts
    ]


def as_json(verdicts: Iterable[Verdict]) -> list[dict[str, str]]:
    """Return verdicts as objects for programs."""
    return [
        {
            "name": verdict.name,
            "severity": str(verdict.severity),
            "found": verdict.found,
            "fix": as_called(verdict.remedy),
        }
        for verdict in verdicts
    ]
