"""A look at a store through its own client: for whoever has one."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path

from liquid_background.errors import StoreError, StoreUnavailable
from liquid_background.jobs.queue.applications import Application, two_sites
from liquid_background.jobs.queue.bounds import Bounds
from liquid_background.jobs.queue.health import Health, look
from liquid_background.jobs.queue.probing import Probe, probe
from liquid_background.jobs.queue.serving import serving
from liquid_background.jobs.store import Store, asked
from liquid_background.jobs.store.folder import unusable_folder
from liquid_background.jobs.store.verdict import Verdict, verdict_on
from liquid_background.settings import Settings


def health_of(store: Store, settings: Settings, soon: Collection[str] = (), own: Application | None = None) -> Health:
    """Look at a store, on a connection of the look's own.

    Args:
        store: the store of these settings.
        settings: with the folder of an embedded store.
        soon: queues that the caller is about to serve.
        own: the application that asks, where that is known.

    Raises:
        StoreUnavailable: when it cannot be reached.
    """
    folder = settings.data_dir if store.kind == "embedded" else None
    with asked(store) as ask:
        return look(ask, folder, store.site, soon=soon, own=own)


def probe_of(store: Store, settings: Settings, bounds: Bounds | None = None) -> Probe:
    """Return what a probe says of a store: that it cannot be looked at is a verdict, too.

    Args:
        store: the store of these settings.
        settings: with the folder of an embedded store.
        bounds: see `probing.probe`.
    """
    folder = settings.data_dir if store.kind == "embedded" else None
    try:
        with asked(store) as ask:
            return probe(ask, folder, store.site, bounds)
    except StoreError as error:
        return Probe(verdicts_without(error, settings))


def verdicts_without(error: StoreError, settings: Settings) -> list[Verdict]:
    """Return the verdicts on a store of which looking raised this: on its folder, where that is why."""
    folder: Path | None = None if settings.redis_url else settings.data_dir
    return (unusable_folder(folder) if folder is not None else []) or [verdict_on(error)]


def sites_verdicts(store: Store, own: Application | None) -> Iterator[Verdict]:
    """Yield the verdict on two applications that serve the same queues, if there are two and this user may look."""
    with suppress(StoreUnavailable), asked(store) as ask:
        verdict = two_sites(ask, store.site, serving(ask, store.site).registrations, own)
        if verdict is not None:
            yield verdict
