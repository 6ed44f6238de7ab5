"""How many jobs a filter means: by the sizes of the places where they stand, or by looking at each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from liquid_background.jobs.filter import Filter
from liquid_background.jobs.pages import Count
from liquid_background.jobs.queue import keys
from liquid_background.jobs.queue.chunks import chunks
from liquid_background.jobs.queue.finding import scan
from liquid_background.jobs.queue.indexed import index_place, is_counted
from liquid_background.jobs.queue.matching import Matching
from liquid_background.jobs.queue.places import Place, places_of, sizes
from liquid_background.jobs.queue.reading import without_behind
from liquid_background.jobs.site import own_name
from liquid_background.jobs.store import Store, read_replies
from liquid_background.settings import Settings

_MIXED: Final = ("batches", "leases", "started")
"""Places with jobs of several queues and states, or such that stand elsewhere, too: few, which are looked at."""


def count(store: Store, settings: Settings, wanted: Filter) -> int:
    """Return how many jobs a filter means.

    Raises:
        FilterError: when it asks for a value that is never shown.
        StoreUnavailable: when the store cannot be reached.
    """
    *_, last = counting(store, settings, wanted)
    return last.found


def counting(store: Store, settings: Settings, wanted: Filter) -> Iterator[Count]:
    """Yield how many jobs a filter means, as far as it is known: the last one says all.

    Raises:
        FilterError: when it asks for a value that is never shown.
        StoreUnavailable: when the store cannot be reached.
    """
    places = places_of(wanted, store.site, index_place(store, settings, wanted))
    sized = sizes(store, places)
    known = known_count(store, settings, wanted, places, sized)
    if known is None:
        return _counting(store, settings, wanted)
    return iter([Count(found=known, looked_at=0, of=sum(sized), is_whole=True)])


def _counting(store: Store, settings: Settings, wanted: Filter) -> Iterator[Count]:
    number = 0
    for found in scan(store, settings, wanted):
        number += len(found.ids)
        yield Count(found=number, looked_at=found.looked_at, of=found.of, is_whole=found.is_last)


def known_count(
    store: Store, settings: Settings, wanted: Filter, places: Sequence[Place], sizes: Sequence[int]
) -> int | None:
    """Return how many jobs a filter means when the sizes of the places tell; None when each has to be looked at."""
    if not _is_told(wanted, places):
        return None
    matching = Matching(wanted, settings)
    total = 0
    for place, size, behind in zip(places, sizes, _behind(store, places), strict=True):
        is_mixed = place.name.startswith(_MIXED) and size
        total += _looked_at(store, place, matching) if is_mixed else without_behind(size, behind)
    return total


def _behind(store: Store, places: Sequence[Place]) -> list[int]:
    """Return how many ids stay behind in each place though their jobs were taken back: in queues alone they do."""
    pipeline: Any = store.client.pipeline(transaction=False)
    listed = [place for place in places if place.kind == "list"]
    for place in listed:
        pipeline.zcard(own_name(store.site, keys.behind(place.name.rpartition("/")[2])))
    found = dict(
        zip((place.name for place in listed), read_replies(pipeline, store.url) if listed else (), strict=True)
    )
    return [found.get(place.name) or 0 for place in places]


def _is_told(wanted: Filter, places: Sequence[Place]) -> bool:
    plain = Filter(status=wanted.status, queue=wanted.queue)
    return wanted == plain or (len(places) == 1 and is_counted(wanted, places[0]))


def _looked_at(store: Store, place: Place, matching: Matching) -> int:
    return len({hit.id for chunk in chunks(store, place, matching) for hit in chunk.hits})
