"""Which jobs are in workers' hands under the lease of a claim, and have none of their own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

from liquid_background.jobs.queue import keys
from liquid_background.jobs.site import own_name
from liquid_background.jobs.store import Store, read_replies

_AT_ONCE: Final = 20  # claims that one call looks at


def claimed(store: Store) -> Iterator[list[bytes]]:
    """Yield the ids of the jobs under each claim, in parts; some of the ids may come again.

    Raises:
        StoreUnavailable: when the store cannot be reached.
    """
    cursor: int | None = None
    while cursor != 0:
        pipeline: Any = store.client.pipeline(transaction=False)
        pipeline.hscan(own_name(store.site, keys.BATCH_JOBS), cursor or 0, count=_AT_ONCE)
        [scanned] = read_replies(pipeline, store.url)
        cursor, batches = scanned or (0, {})
        under = [(job_id, token) for token, ids in batches.items() for job_id in _ids(ids)]
        for job_id, _ in under:
            pipeline.hmget(keys.job("").encode("ascii") + job_id, keys.TOKEN, keys.BEATEN)
        holders = read_replies(pipeline, store.url) if under else []
        yield [job_id for (job_id, token), holder in zip(under, holders, strict=True) if holder == [token, None]]


def _ids(written: bytes) -> list[bytes]:
    try:
        batch = json.loads(written.decode("utf-8", "surrogateescape"))
    except (ValueError, RecursionError):
        return []
    ids = batch.get("ids") if isinstance(batch, dict) else None
    found = ids if isinstance(ids, list) else []
    return [job_id.encode("utf-8", "surrogateescape") for job_id in found if isinstance(job_id, str)]
