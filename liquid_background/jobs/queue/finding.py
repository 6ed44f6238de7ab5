"""Going through all jobs that a filter means, from chunk to chunk: what moves or looks at many stands on it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from liquid_background.jobs.filter import Filter
from liquid_background.jobs.queue import cursors
from liquid_background.jobs.queue.chunks import MOST, Pace, look
from liquid_background.jobs.queue.cursors import Position
from liquid_background.jobs.queue.matching import Matching
from liquid_background.jobs.queue.places import Place, places_of, sizes
from liquid_background.jobs.store import Store
from liquid_background.settings import Settings

_KIND: Final = "scan"


@dataclass(frozen=True, slots=True)
class Stop:
    """Behind one of the ids that were found."""

    place: str
    position: Position
    looked_at: int  # ids since the beginning

    @property
    def cursor(self) -> str:
        """Goes on there."""
        return cursors.write(_KIND, {"at": self.place, "to": self.position, "n": self.looked_at})


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What one call of the store has found."""

    ids: list[str]  # of jobs that were what the filter means when they were looked at
    stops: Sequence[Stop]  # behind each of them
    cursor: str  # goes on behind them
    before: int  # ids that were looked at before this call
    looked_at: int  # ids since the beginning
    of: int  # ids that there were to look at
    is_last: bool  # whether everything has been looked at


def scan(
    store: Store,
    settings: Settings,
    wanted: Filter,
    *,
    after: str | None = None,
    most: int = MOST,
    places: Sequence[Place] | None = None,
) -> Iterator[Found]:
    """Yield the ids of all jobs that a filter means, each chunk from one call that takes the store a few milliseconds.

    It goes through the places where jobs stand in the order of a job's life, and in each from the newest to the oldest,
    but through delayed jobs as they are due. What stands in its place throughout is found once. A job that moves on
    meanwhile may be found again further on, or in neither place when it goes back.

    Args:
        store: where the jobs are.
        settings: say which values are never shown.
        wanted: what is meant.
        after: a cursor, behind which to go on.
        most: ids that one call looks at.
        places: where to look, and nowhere else; None for where jobs of its statuses stand.

    Raises:
        FilterError: when the filter asks for a value that is never shown, or the cursor is none.
        StoreUnavailable: when the store cannot be reached.
    """
    matching = Matching(wanted, settings)
    places = places_of(wanted, store.site) if places is None else places
    at, position, looked_at = _gone(after, places) if after else (0, (), 0)
    of = max(looked_at, sum(sizes(store, places)))
    pace = Pace(most)
    while at < len(places):
        place = places[at]
        chunk = look(store, place, matching, position, pace.size)
        pace.took(chunk.seconds)
        stops = [Stop(place.name, hit.position, looked_at + hit.number) for hit in chunk.hits]
        before, looked_at = looked_at, looked_at + chunk.looked_at
        at, position = (at + 1, ()) if chunk.is_last else (at, chunk.position)
        is_last = at == len(places)
        cursor = Stop("" if is_last else places[at].name, position, looked_at).cursor
        ids, of = [hit.id for hit in chunk.hits], max(of, looked_at)
        yield Found(ids=ids, stops=stops, cursor=cursor, before=before, looked_at=looked_at, of=of, is_last=is_last)


def _gone(cursor: str, places: Sequence[Place]) -> tuple[int, Position, int]:
    said = cursors.read(_KIND, cursor)
    names = [*(place.name for place in places), ""]
    try:
        at, position, looked_at = names.index(said["at"]), cursors.position(said["to"]), said["n"]
        if type(looked_at) is not int or not 0 <= looked_at < 10**12:
            raise ValueError("no number")
    except (ValueError, TypeError, KeyError) as error:
        raise cursors.no_cursor(cursor) from error
    return at, position, looked_at
