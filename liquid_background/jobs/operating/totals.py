"""What a site's jobs have come to of all time, by queue and source name, and how things stand now. Reads only.

For collectors of metrics, which ask every few seconds: some round trips, whatever number of jobs there is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from liquid_background.job import MAX_SOURCE_NAME
from liquid_background.jobs.contract import QueueCounts
from liquid_background.jobs.queue import keys
from liquid_background.jobs.queue.overview import WorkerInfo, overview
from liquid_background.jobs.queue.pausing import Pause
from liquid_background.jobs.queue.reading import text, whole
from liquid_background.jobs.queue.tally import Sum, Tally, read_cells
from liquid_background.jobs.queue.waiting import read_pauses
from liquid_background.jobs.site import own_name
from liquid_background.jobs.store import Store, asked, read_replies
from liquid_background.jobs.store.health import what_it_says

_MOST: Final = 10**15 - 1
_CLOCK_LASTS: Final = 1.0  # seconds between two looks at the store's clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """What was counted since the store is there, and what is there now."""

    attempts: Mapping[str, Mapping[str, Tally]]  # by queue and source name; "(others)" beyond 1,000 names of a queue
    refused: int  # jobs that no worker could run
    reaped: int  # leases that ran out with an attempt running, since a worker died whole or lost the store
    queues: Sequence[QueueCounts]
    oldest: Mapping[str, float | None]  # by queue: seconds for which its oldest job has waited that is ready
    workers: Sequence[WorkerInfo]
    pauses: Sequence[Pause]
    memory: int | None  # bytes that the store uses; None where this user may not ask
    max_memory: int | None  # that it may use; None where there is no limit, or it is not told


def totals(store: Store, counts: Sequence[QueueCounts]) -> Totals:
    """Return the totals of a site, around counts that were just read.

    Raises:
        StoreUnavailable: when the store cannot be reached.
    """
    names = [own_name(store.site, f"{keys.COUNTS}all:{queue}") for queue in keys.QUEUES]
    pipeline: Any = store.client.pipeline(transaction=False)
    for name in names:
        pipeline.hgetall(name)
    pipeline.hmget(own_name(store.site, f"{keys.COUNTS}moves"), "refused", "reaped")
    *cells, moves = read_replies(pipeline, store.url)
    refused, reaped = (whole(value, 0, _MOST) for value in moves or (None, None))
    memory, max_memory = _memory(store)
    seen, now = overview(store, counts), store.time(_CLOCK_LASTS)
    return Totals(
        attempts={queue: _tallies(found or {}) for queue, found in zip(keys.QUEUES, cells, strict=True)},
        refused=refused,
        reaped=reaped,
        queues=counts,
        oldest={
            queue: None if since is None else max(0.0, now - since.timestamp()) for queue, since in seen.oldest.items()
        },
        workers=seen.workers,
        pauses=read_pauses(store),
        memory=memory,
        max_memory=max_memory,
    )


def _tallies(cells: Mapping[bytes, bytes]) -> dict[str, Tally]:
    found: dict[str, Sum] = {}
    for name, cell in zip(cells, read_cells([*cells.values()]), strict=True):
        found.setdefault(text(name, MAX_SOURCE_NAME), Sum()).add(cell)  # names that are no text may read alike
    return {name: each.tally() for name, each in sorted(found.items())}


def _memory(store: Store) -> tuple[int | None, int | None]:
    with asked(store) as ask:
        says = what_it_says(ask)
    return says.memory, says.number("maxmemory") or None
