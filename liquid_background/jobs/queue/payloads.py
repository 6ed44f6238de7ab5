"""The payloads of all jobs that a filter means, from chunk to chunk: what looks into many bodies stands on it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from liquid_background.errors import JobRefused
from liquid_background.jobs.filter import Filter
from liquid_background.jobs.queue.finding import scan
from liquid_background.jobs.queue.lookup import read_fields
from liquid_background.jobs.queue.opening import inflate, is_foreign
from liquid_background.jobs.queue.payload import decode_payload
from liquid_background.jobs.queue.reading import text
from liquid_background.jobs.store import Store
from liquid_background.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Payloads:
    """What one part of the jobs is to run."""

    jobs: Sequence[tuple[str, Mapping[str, Any]]]  # ids, each with its payload
    unread: int  # jobs of ours whose record cannot be read
    looked_at: int  # ids since the beginning
    of: int  # ids that there were to look at


def payloads(store: Store, settings: Settings, wanted: Filter) -> Iterator[Payloads]:
    """Yield what all jobs that a filter means are to run; other applications' jobs in the same queues are left out.

    Args:
        store: where they are.
        settings: say which values are never shown.
        wanted: what is meant.

    Raises:
        FilterError: when the filter asks for a value that is never shown.
        StoreUnavailable: when the store cannot be reached.
    """
    for found in scan(store, settings, wanted):
        jobs, unread = [], 0
        for job_id, (data, *_) in read_fields(store, found.ids, ("data",)):
            try:
                jobs.append((text(job_id, len(job_id)), decode_payload(inflate(data or b""))))
            except JobRefused:
                unread += not is_foreign(data or b"")
        yield Payloads(jobs=jobs, unread=unread, looked_at=found.looked_at, of=found.of)
