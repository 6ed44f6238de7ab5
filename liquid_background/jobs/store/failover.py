"""What a primary that Sentinels keep says about the jobs that a failover may lose."""

from __future__ import annotations

from typing import Any

from redis.exceptions import ResponseError

from liquid_background.jobs.store.connection import Store
from liquid_background.jobs.store.translation import translated_errors


def failover_warnings(store: Store) -> tuple[str, ...]:
    """Return one sentence, which ends with what to do, when a failover may lose jobs that were sent; else nothing.

    Only of a store whose URL names Sentinels; and not where its user may not ask.

    Raises:
        StoreUnavailable: when the store cannot be reached.
    """
    if "+sentinel://" not in store.url:
        return ()
    with translated_errors(store.url):
        try:
            found: dict[Any, Any] = store.client.config_get("min-replicas-to-write")
        except ResponseError:  # this user may not ask, or nobody
            return ()
    if any(int(value) for value in found.values()):
        return ()
    return (
        "a failover loses the jobs that no replica has yet, as the primary takes them without one "
        "(min-replicas-to-write 0): set min-replicas-to-write 1 and min-replicas-max-lag 10",
    )
