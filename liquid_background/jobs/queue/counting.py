"""How many jobs a filter means: by the sizes of the places where they stand, or by looking at each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from liquid_background.jobs.filter import Filter
from liquid_background.jobs.queue.chunks import chunks
from liquid_background.jobs.queue.finding import scan
from liquid_background.jobs.queue.indexed import index_place, is_counted
from liquid_background.jobs.queue.matching import Matching
from liquid_background.jobs.queue.places import Place, places_of, sizes
from liquid_background.jobs.store import Store
from liquid_background.settings import Settings

_MIXED: Final = ("leases", "started")
"""Places with jobs of several queues and states, or such that stand elsewhere, too: few, which are looked at."""


def count(store: Store, settings: Settings, wanted: Filter) -> int:
    """Return how many jobs a filter means.

    Raises:
        FilterError: when it asks for a value that is never shown.
        StoreUnavailable: when the store cannot be reached.
    """
    places = places_of(wanted, store.site, index_place(store, settings, wanted))
    known = known_count(store, settings, wanted, places, sizes(store, places))
    return sum(len(found.ids) for found in scan(store, settings, wanted)) if known is None else known


def known_count(
    store: Store, settings: Settings, wanted: Filter, places: Sequence[Place], sizes: Sequence[int]
) -> int | None:
    """Return how many jobs a filter means when the sizes of the places tell; None when each has to be looked at."""
    if not _is_told(wanted, places):
        return None
    matching = Matching(wanted, settings)
    total = 0
    for place, size in zip(places, sizes, strict=True):
        total += _looked_at(store, place, matching) if place.name.startswith(_MIXED) and size else size
    return total


def _is_told(wanted: Filter, places: Sequence[Place]) -> bool:
    plain = Filter(status=wanted.status, queue=wanted.queue)
    return wanted == plain or (len(places) == 1 and is_counted(wanted, places[0]))


def _looked_at(store: Store, place: Place, matching: Matching) -> int:
    return len({hit.id for chunk in chunks(store, place, matching) for hit in chunk.hits})
