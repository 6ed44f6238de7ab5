"""What `poscli store reindex` does; apart from the command, since no other of the store needs an engine."""

from __future__ import annotations

import sys
from contextlib import nullcontext

from liquid_background.jobs.queue import delays, indexes
from poscli.application import stored_engine
from poscli.loader import load


def reindex(app: str | None) -> None:
    """Bring the indexes of failed and of delayed jobs in line with the jobs, and say how many entries were wrong."""
    engine = stored_engine(app)
    if engine is None:
        return
    store = engine.store
    with load("poscli.progress:Progress")() if sys.stderr.isatty() else nullcontext() as progress:
        told = [progress.done] if progress else []
        mended = indexes.reindex(store, *told) + delays.reindex(store, *told)
    entries = "1 entry was" if mended == 1 else f"{mended:,} entries were"
    print(f"{entries} mended" if mended else "all is as it should be")
