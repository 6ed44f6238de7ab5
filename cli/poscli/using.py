"""What `poscli store usage` does; apart from the command, since no other of the store needs an engine."""

from __future__ import annotations

import sys
from contextlib import nullcontext

from liquid_background.jobs.operating.usage import usage
from poscli.application import stored_engine
from poscli.loader import load
from poscli.output import dump
from poscli.usageview import as_json, describe


def show_usage(style: str, app: str | None) -> None:
    """Say what jobs take in the store; how far it is, a terminal sees."""
    engine = stored_engine(app)
    if engine is None:
        return
    with load("poscli.progress:Progress")("keys") if sys.stderr.isatty() else nullcontext() as progress:
        found = usage(engine.store, progress.done) if progress else usage(engine.store)
    print(dump(as_json(found)) if style == "json" else describe(found))
