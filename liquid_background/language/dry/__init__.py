"""Dry runs: what pages and jobs would do, without doing it."""

from liquid_background.jobs.operating.verdicts import DryVerdict
from liquid_background.language.dry.marks import Marks
from liquid_background.language.dry.running import DryEntry, DryEvent, DryJob, DryOutcome, DryRuns
from liquid_background.language.dry.trace import MAX_EFFECTS, Effect

__all__ = ["MAX_EFFECTS", "DryEntry", "DryEvent", "DryJob", "DryOutcome", "DryRuns", "DryVerdict", "Effect", "Marks"]
