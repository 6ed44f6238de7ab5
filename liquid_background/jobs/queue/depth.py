"""How many jobs wait of each source name, and how many failed of late in each queue. Reads only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from liquid_background.job import MAX_SOURCE_NAME, JobStatus
from liquid_background.jobs.filter import Filter
from liquid_background.jobs.queue import keys
from liquid_background.jobs.queue.finding import scan
from liquid_background.jobs.queue.places import places_of, sizes
from liquid_background.jobs.queue.reading import text
from liquid_background.jobs.site import queue_name
from liquid_background.jobs.store import Store, read_replies
from liquid_background.settings import Settings

MOST: Final = 2_000
"""Jobs that wait of which the source names are counted: some 50 ms."""
_CLOCK_LASTS: Final = 1.0  # seconds between two looks at the store's clock
_LONGEST: Final = MAX_SOURCE_NAME  # bytes of a name


def waiting_by_name(store: Store, settings: Settings, most: int = MOST) -> Mapping[str, int] | None:
    """Return how many jobs wait of each source name that has any, delayed ones included; None where too many wait.

    Raises:
        StoreUnavailable: when the store cannot be reached.
    """
    wanted = Filter(status=JobStatus.PENDING)
    if sum(sizes(store, places_of(wanted, store.site))) > most:
        return None
    ids = dict.fromkeys(job_id for found in scan(store, settings, wanted) for job_id in found.ids)
    if not ids:
        return {}
    pipeline: Any = store.client.pipeline(transaction=False)
    for job_id in ids:
        pipeline.hget(keys.job(job_id).encode("utf-8", "surrogateescape"), "description")
    # One that is gone meanwhile, or that another tool wrote, has none.
    return Counter(text(name, _LONGEST) for name in read_replies(pipeline, store.url) if name)


def failed_since(store: Store, settings: Settings, since: datetime) -> Mapping[str, int]:
    """Return how many jobs of each queue failed for good since a time, of those whose records are there.

    It is told from when they are to be forgotten, which takes no look at any: FAILURE_TTL after they failed.

    Raises:
        StoreUnavailable: when the store cannot be reached.
    """
    earliest = max(store.time(_CLOCK_LASTS), since.timestamp() + settings.failure_ttl)
    pipeline: Any = store.client.pipeline(transaction=False)
    for queue in keys.QUEUES:
        pipeline.zcount(keys.failed(queue_name(store.site, queue)), earliest, "+inf")
    found = read_replies(pipeline, store.url)
    return {queue: count or 0 for queue, count in zip(keys.QUEUES, found, strict=True)}
