"""Which source name a wrong one is likely a slip of."""

from __future__ import annotations

from typing import Final

from liquid_background import Engine
from liquid_background.nearest import nearest

_LOOKED_AT: Final = 1_000  # newest entries of the log, and newest jobs: of those that have not run yet


def near_name(engine: Engine, source_name: str) -> str | None:
    """Return the source name that is near another one, "" when none is; None when that name itself is known.

    Names of jobs that have run are known however long ago that was, and however many others have run since.
    """
    known = {str(counts.source_name) for counts in engine.stats().names}
    known |= {entry.source_name for entry in engine.log.entries(limit=_LOOKED_AT)}
    known |= {job.source_name for job in engine.jobs.list(limit=_LOOKED_AT)}
    return None if source_name in known else nearest(source_name, known)
