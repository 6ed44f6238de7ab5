"""Which jobs are in workers' hands under the lease of a claim, and have none of their own."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, Final

from liquid_background.jobs.queue import keys
from liquid_background.jobs.queue.protocol import MAX_BATCH
from liquid_background.jobs.site import own_name
from liquid_background.jobs.store import Store, read_replies

_AT_ONCE: Final = 20  # claims that one call looks at
_MOST: Final = 5_000  # claims in all: each process of a worker has one or two


def claimed(store: Store) -> Iterator[list[bytes]]:
    """Yield the ids of the jobs under each claim, in parts; some of the ids may come again.

    Raises:
        StoreUnavailable: when the store cannot be reached.
    """
    for at in range(0, _MOST, _AT_ONCE):
        pipeline: Any = store.client.pipeline(transaction=False)
        pipeline.zrange(own_name(store.site, keys.BATCHES), at, at + _AT_ONCE - 1)
        [tokens] = read_replies(pipeline, store.url)
        under = [(job_id, token) for token, ids in _written(store, tokens or ()) for job_id in _ids(ids)]
        for job_id, _ in under:
            pipeline.hmget(keys.job("").encode("ascii") + job_id, keys.TOKEN, keys.BEATEN)
        holders = read_replies(pipeline, store.url)
        yield [job_id for (job_id, token), holder in zip(under, holders, strict=True) if holder == [token, None]]
        if len(tokens or ()) < _AT_ONCE:
            return


def _written(store: Store, tokens: Sequence[bytes]) -> list[tuple[bytes, bytes]]:
    """Return the tokens with what stands for their ids, where that is no longer than a worker writes."""
    name, pipeline = own_name(store.site, keys.BATCH_JOBS), store.client.pipeline(transaction=False)
    for token in tokens:
        pipeline.hstrlen(name, token)
    sizes = read_replies(pipeline, store.url)
    short = [token for token, size in zip(tokens, sizes, strict=True) if 0 < (size or 0) <= MAX_BATCH]
    for token in short:
        pipeline.hget(name, token)
    return [(token, ids) for token, ids in zip(short, read_replies(pipeline, store.url), strict=True) if ids]


def _ids(written: bytes) -> list[bytes]:
    try:
        batch = json.loads(written.decode("utf-8", "surrogateescape"))
    except (ValueError, RecursionError):
        return []
    ids = batch.get("ids") if isinstance(batch, dict) else None
    found = ids if isinstance(ids, list) else []
    return [job_id.encode("utf-8", "surrogateescape") for job_id in found if isinstance(job_id, str)]
