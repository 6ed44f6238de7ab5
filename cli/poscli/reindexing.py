"""What `poscli store reindex` does; apart from the command, since no other of the store needs an engine."""

from __future__ import annotations

import sys
from contextlib import nullcontext

from liquid_background.jobs.queue import indexes
from poscli.application import load_engine, no_store
from poscli.loader import load
from poscli.terminal import note


def reindex(app: str | None) -> None:
    """Bring the indexes of failed jobs in line with the jobs, and say how many entries were wrong."""
    engine = load_engine(app)
    missing = no_store(engine.settings)
    if missing:
        note(missing)
        return
    store = engine.store
    with load("poscli.progress:Progress")() if sys.stderr.isatty() else nullcontext() as progress:
        mended = indexes.reindex(store, progress.done) if progress else indexes.reindex(store)
    entries = "1 entry was" if mended == 1 else f"{mended:,} entries were"
    print(f"{entries} mended" if mended else "all is as it should be")
