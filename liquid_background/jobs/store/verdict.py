"""What a check of the store and of its workers says: one value, whoever shows it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from liquid_background.basic_errors import LiquidBackgroundError


class Severity(StrEnum):
    """How bad a verdict is."""

    WRONG = "wrong"  # jobs can't be sent or can't be run until it is mended
    WARNING = "warning"  # jobs are run, and may be lost, refused or left waiting
    UNKNOWN = "unknown"  # the server does not tell this user
    FINE = "fine"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one check found, and what to do; as text, both in one line."""

    name: str  # of the check, such as "persistence"
    severity: Severity
    found: str
    remedy: str = ""  # empty when all is well

    def __str__(self) -> str:
        return f"{self.found}: {self.remedy}" if self.remedy else self.found


def verdict_on(error: LiquidBackgroundError, name: str = "store") -> Verdict:
    """Return the verdict on a store of which looking raised this: it cannot be used."""
    found, _, remedy = str(error).partition(": ")
    return Verdict(name, Severity.WRONG, found, remedy or "run poscli doctor")
