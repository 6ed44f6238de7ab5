"""What the indexes of failed jobs must say, by the records alone, and what they say."""

from __future__ import annotations

from typing import Any

from liquid_background.jobs.queue import keys
from liquid_background.jobs.site import own_name, queue_name
from liquid_background.jobs.store import Store

Scores = dict[str, dict[bytes, float]]


def oracle(store: Store, *, by: str) -> Scores:
    """Return the failed jobs by `name` or `failure`, or all under "", with their ends in ms: from each record."""
    client: Any = store.client
    now = client.time()[0]
    found: Scores = {}
    for queue in keys.QUEUES:
        registry = keys.failed(queue_name(store.site, queue))
        for job_id, expiry in client.zrange(registry, 0, -1, withscores=True):
            key = b"rq:job:" + job_id
            if expiry <= now or client.type(key) != b"hash":
                continue
            status, ended, name, failure = client.hmget(key, "status", "ended_at", "description", keys.FAILURE)
            if status == b"failed":
                moment = keys.parse_time(ended)
                assert moment is not None
                which = {"name": name, "failure": failure, "": b""}[by]
                score = moment.replace(microsecond=0).timestamp() * 1000 + moment.microsecond / 1000
                found.setdefault((which or b"").decode(), {})[job_id] = score
    return found


def indexed(store: Store, *, by: str) -> Scores:
    """Return what the indexes say of the same."""
    client: Any = store.client
    own = {"name": keys.failed_of_name(""), "failure": keys.failed_of_group(""), "": keys.FAILED_IDS}[by]
    prefix = own_name(store.site, own)
    if not by:
        scores = dict(client.zrange(prefix, 0, -1, withscores=True))
        return {"": scores} if scores else {}
    return {
        key.decode().removeprefix(prefix): dict(client.zrange(key, 0, -1, withscores=True))
        for key in client.scan_iter(f"{prefix}*", count=1000)
    }


def agree(store: Store) -> bool:
    """Return whether the indexes say what the records do."""
    return all(indexed(store, by=by) == oracle(store, by=by) for by in ("", "name", "failure"))
