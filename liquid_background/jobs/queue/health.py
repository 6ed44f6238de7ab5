"""How the store and those who serve it are: every verdict there is, from one look."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from liquid_background.jobs.queue.applications import Application, two_sites
from liquid_background.jobs.queue.permitted import command_verdicts
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
    own: Application | None = None,
) -> Health:
    """Look at a store and at who serves its queues. It changes nothing there.

    Args:
        ask: a connection to the store.
        folder: of an embedded store.
        site: whose queues they are.
        soon: queues that the caller is about to serve.
        own: the application that asks, where that is known.

    Raises:
        StoreUnavailable: when the store cannot be reached, or is a server that cannot hold jobs.
    """
    says, seen = what_it_says(ask), serving(ask, site, soon)
    sites = two_sites(ask, site, seen.registrations, own)
    found = [*server_verdicts(says), *command_verdicts(ask, site), *serving_verdicts(seen)]
    found += [sites] if sites is not None else []
    found += folder_verdicts(folder) if folder is not None else []
    return Health(says, seen, tuple(sorted(found, key=lambda verdict: _ORDER.index(verdict.severity))))
