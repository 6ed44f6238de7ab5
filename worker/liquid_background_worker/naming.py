"""What a worker is called in the store: `host.pid`, where another one is called that already a little more."""

from __future__ import annotations

import os
import secrets
import socket
from contextlib import suppress
from typing import Final

from liquid_background.errors import StoreUnavailable
from liquid_background.jobs.queue import keys
from liquid_background.jobs.queue.overview import all_workers
from liquid_background.jobs.site import own_name, queue_name
from liquid_background.jobs.store import Store, translated_errors

_CLAIM: Final = 30  # seconds in which a worker that claims a name has its first child registered


def claim_name(store: Store) -> str:
    """Return a name that no living worker has: in two containers, host name and PID may be the same.

    A worker whose predecessor died without a word gets a longer name, too, until that one's registration has expired.
    So does one that a full store does not let claim a name: it can start all the same.
    """
    # RQ keeps the workers of all sites under their names alone, and names are claimed in each site's own keys.
    name = queue_name(store.site, f"{socket.gethostname()}.{os.getpid()}")
    with suppress(StoreUnavailable), translated_errors(store.url):
        first = store.client.set(own_name(store.site, keys.claimed_name(name)), "", nx=True, ex=_CLAIM)
        if first and not any(worker.name.startswith(f"{name}.") for worker in all_workers(store)):
            return name
    return f"{name}-{secrets.token_hex(3)}"
