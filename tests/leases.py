"""The leases that a store holds, of claims and of single jobs."""

from __future__ import annotations

import json
from typing import Any

from liquid_background.jobs.queue import keys


def leased(client: Any) -> set[str]:
    """Return the ids of the jobs that are in a worker's hands."""
    ids = {member.decode() for member in client.zrange(keys.LEASES, 0, -1)}
    for token in client.zrange(keys.BATCHES, 0, -1):
        under = json.loads(client.hget(keys.BATCH_JOBS, token) or '{"ids": []}')["ids"]
        ids |= {job_id for job_id in under if client.hget(keys.job(job_id), "lb_token") == token}
    return ids


def run_out(client: Any) -> None:
    """Have every lease end just now, its grace over, too."""
    for leases in (keys.LEASES, keys.BATCHES):
        for member in client.zrange(leases, 0, -1):
            client.zadd(leases, {member: client.time()[0] * 1000 - 1999.5})
