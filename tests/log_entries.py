"""Entries in the job log as steps write them: for tests that need many, and no jobs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from redis import Redis

from liquid_background.job import LogEntry
from liquid_background.jobs.log import KEY, encode_entry


def append(client: Redis, entries: Sequence[LogEntry], limit: int) -> None:
    """Append entries in one round trip, as ends of attempts are appended: without making room for them."""
    pipeline = client.pipeline(transaction=False)
    for entry in entries:
        fields: Any = encode_entry(entry)._asdict()
        pipeline.xadd(KEY, fields, maxlen=limit, approximate=True)
    pipeline.execute()
