"""How the store and those who serve it are: every verdict there is, from one look."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from liquid_background.jobs.queue.needed import command_verdicts
from liquid_background.jobs.queue.serving import Serving, serving, serving_verdicts
from liquid_background.jobs.store.asking import Asking
from liquid_background.jobs.store.folder import folder_verdicts
from liquid_background.jobs.store.health import ServerSays, server_verdicts, what_it_says
from liquid_background.jobs.store.verdict import Severity, Verdict

_ORDER = tuple(Severity)


@dataclass(frozen=True, slots=True)
class Health:
    """What was found; `verdicts` are troubles only, the worst first, and empty when all is well."""

    server: ServerSays
    serving: Serving
    verdicts: tuple[Verdict, ...]


def look(
    ask: Asking,
    folder: Path | None = None,
    site: str = "",
    *,
    soon: Collection[str] = (),
    beside: Sequence[Verdict] = (),
) -> Health:
    """Look at a store and at who serves its queues. It changes nothing there.

    Args:
        ask: a connection to the store.
        folder: of an embedded store.
        site: whose queues they are.
        soon: queues that the caller is about to serve.
        beside: verdicts that are known already.

    Raises:
        StoreUnavailable: when the store cannot be reached.
    """
    says, seen = what_it_says(ask), serving(ask, site, soon)
    found = [*server_verdicts(says), *command_verdicts(ask, site), *serving_verdicts(seen), *beside]
    found += folder_verdicts(folder) if folder is not None else []
    return Health(says, seen, tuple(sorted(found, key=lambda verdict: _ORDER.index(verdict.severity))))
