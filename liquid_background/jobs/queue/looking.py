"""A look at a store through its own client: for whoever has one."""

from __future__ import annotations

from collections.abc import Collection

from liquid_background.jobs.queue.health import Health, look
from liquid_background.jobs.store import Store, asked
from liquid_background.settings import Settings


def health_of(store: Store, settings: Settings, soon: Collection[str] = ()) -> Health:
    """Look at a store, on a connection of the look's own.

    Args:
        store: the store of these settings.
        settings: with the folder of an embedded store.
        soon: queues that the caller is about to serve.

    Raises:
        StoreUnavailable: when it cannot be reached.
    """
    with asked(store) as ask:
        return look(ask, settings.data_dir if store.kind == "embedded" else None, soon=soon)
