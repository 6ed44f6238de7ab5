"""The places of jobs read side by side: those that a filter means, newest first whatever place they stand in.

Each place is read in the order in which jobs came there, or, where it has another, wholly for the newest of them. The
next job is the newest that any place has; of each place as much is read as could be as new as that.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import dropwhile
from typing import Any, Final, TypeAlias

from liquid_background.jobs.filter import Filter
from liquid_background.jobs.queue import cursors
from liquid_background.jobs.queue.chunks import MOST, Chunk, Hit, Pace, look
from liquid_background.jobs.queue.cursors import Position
from liquid_background.jobs.queue.delays import has_index
from liquid_background.jobs.queue.indexed import INDEXED, index_place
from liquid_background.jobs.queue.matching import Matching
from liquid_background.jobs.queue.places import DELAYED, Place, below, has_delayed, places_of, queues_of, sizes
from liquid_background.jobs.store import Store
from liquid_background.settings import Settings

_KIND: Final = "list"
_TIME: Final = ""  # what a cursor calls the time of the last job
_NEWEST: Final = "~"  # later than any time of a record
_AT_ONCE: Final = 500  # ids of a place without order that one call looks at: of most, only their time
_MOST_KEPT: Final = 5_000  # jobs of a place without order that one reading of it keeps

_Look: TypeAlias = Callable[..., Chunk]


class Merged:
    """Jobs that a filter means, from every place where they may stand, newest first.

    Args:
        store: where the jobs are.
        settings: say which values are never shown.
        wanted: what is meant.
        most: jobs that are taken.
        after: a cursor, behind which to go on.

    Raises:
        FilterError: when the filter asks for a value that is never shown, or the cursor is none.
        StoreUnavailable: when the store cannot be reached.
    """

    def __init__(self, store: Store, settings: Settings, wanted: Filter, most: int, after: str | None) -> None:
        said = cursors.read(_KIND, after) if after else {}
        goes_on = INDEXED in said
        index = index_place(store, settings, wanted, trusting=goes_on) if goes_on or not after else None
        self.places = places_of(wanted, store.site, index, by_coming=_by_coming(store, wanted, said))
        matching = Matching(wanted, settings)
        self._readings: dict[str, _InOrder | _Sorted] = {}
        for place in self.places:
            begins = below(place, str(said.get(_TIME))) if after and place.name not in said else place

            def at(position: Position, most: int, above: str = "", place: Place = begins) -> Chunk:
                return look(store, place, matching, position, most, above=above)

            reading = _InOrder(at, most) if place.has_order else _Sorted(at, most)
            try:
                if place.name in said:
                    reading.go_on(said[place.name])
                elif after:
                    reading.begin_below(str(said[_TIME]))
            except (ValueError, TypeError, LookupError) as error:
                raise cursors.no_cursor(after or "") from error
            self._readings[place.name] = reading
        self._time = str(said.get(_TIME, _NEWEST))
        self.sizes = sizes(store, self.places)
        if not any(self.sizes):  # nothing stands anywhere: no place needs a call of its own
            for reading in self._readings.values():
                reading.is_over = True

    @property
    def looked_at(self) -> int:
        """How many ids have been looked at, those before the cursor included."""
        return sum(reading.looked_at for reading in self._readings.values())

    @property
    def of(self) -> int:
        """How many ids there are to look at."""
        return max(sum(self.sizes), self.looked_at)

    def hits(self) -> Iterator[Hit | None]:
        """Yield the jobs, and None after each look at a place."""
        seen = set()
        while left := [reading for reading in self._readings.values() if reading.hits or not reading.is_over]:
            newest = max(left, key=lambda reading: reading.bound)
            if not newest.hits:
                newest.read_on()
                yield None
            elif (hit := newest.take()).id not in seen:  # one that has moved on meanwhile is met again there
                seen.add(hit.id)
                self._time = hit.time
                yield hit

    def cursor(self) -> str | None:
        """Return the cursor that goes on behind what was taken; None when nothing is left."""
        if all(reading.is_over and not reading.hits for reading in self._readings.values()):
            return None
        said = {name: reading.said() for name, reading in self._readings.items()}
        return cursors.write(_KIND, {_TIME: self._time, **{name: words for name, words in said.items() if words}})


def _by_coming(store: Store, wanted: Filter, said: Mapping[str, Any]) -> bool:
    """Return whether delayed jobs are read by their index: a list goes on as it began."""
    if not has_delayed(wanted) or any(name.startswith("scheduled/") for name in said):
        return False
    return any(name.startswith(DELAYED) for name in said) or has_index(store, queues_of(wanted))


class _InOrder:
    """A place that has the order of time, the newest job first."""

    def __init__(self, look: _Look, most: int) -> None:
        self._look = look
        self._first = min(most + 1, MOST)  # of the first look: a short list needs no more of any place
        self._pace = Pace()
        self._taken: tuple[int, Position] = (0, ())
        self._read: Position = ()
        self._time = _NEWEST
        self._numbers: deque[int] = deque()
        self._newest = _NEWEST
        self.looked_at = 0
        self.hits: deque[Hit] = deque()
        self.is_over = False

    def go_on(self, said: Any) -> None:
        """Go on where a cursor says.

        Raises:
            ValueError: or one of its like, when it says nothing of that kind.
        """
        self.looked_at, self._read = _count(said[0]), cursors.position(said[1])
        self._taken = (self.looked_at, self._read)

    def begin_below(self, time: str) -> None:
        """Pass by the jobs that have come since a list ended with one of that time."""
        self._newest = time

    @property
    def bound(self) -> str:
        """The time of the next job; before it is known, a time that no job is newer than that is left."""
        return self.hits[0].time if self.hits else self._time

    def read_on(self) -> None:
        """Look at some more ids."""
        self._taken = (self.looked_at, self._read)
        chunk = self._look(self._read, min(self._first, self._pace.size))
        self._pace.took(chunk.seconds)
        hits = [*dropwhile(lambda hit: hit.time > self._newest, chunk.hits)]
        if hits:
            self._newest = _NEWEST
        self._numbers.extend(self.looked_at + hit.number for hit in hits)
        self.hits.extend(hits)
        self.looked_at += chunk.looked_at
        self._read, self._time, self.is_over = chunk.position, chunk.time or self._time, chunk.is_last
        self._first = MOST

    def take(self) -> Hit:
        """Take the next job out."""
        hit = self.hits.popleft()
        self._taken = (self._numbers.popleft(), hit.position)
        return hit

    def said(self) -> Sequence[object]:
        """Return what a cursor says of it; nothing when it is to begin."""
        number, position = self._taken if self.hits else (self.looked_at, self._read)
        return [number, position] if position else []


class _Sorted:
    """A place that has another order, such as delayed jobs, which stand there by when they are due."""

    def __init__(self, look: _Look, most: int) -> None:
        self._look = look
        self._most = min(most + 1, _MOST_KEPT)
        self._pace = Pace(_AT_ONCE)
        self._below = (_NEWEST, "")  # time and id: those that are as new or newer have been taken
        self._found: list[tuple[str, str]] = []  # of the reading that goes on, the oldest first
        self._left_out = False
        self._position: Position = ()
        self.looked_at = 0
        self.hits: deque[Hit] = deque()
        self.is_over = False

    def go_on(self, said: Any) -> None:
        """Go on where a cursor says, as of a place that has order."""
        [time, job_id] = cursors.position(said)
        self._below = (time, job_id)

    def begin_below(self, time: str) -> None:
        """As of a place that has order."""
        self._below = (time, _NEWEST)

    @property
    def bound(self) -> str:
        """As of a place that has order."""
        return self.hits[0].time if self.hits else self._below[0]

    def read_on(self) -> None:
        """Look at some more ids; jobs come forth when all have been looked at."""
        if not self._position:
            self._found, self._left_out, self.looked_at = [], False, 0
        above = self._found[0][0] if len(self._found) == self._most else ""
        chunk = self._look(self._position, self._pace.size, above)
        self._pace.took(chunk.seconds)
        self._left_out = self._left_out or bool(above)
        self.looked_at += chunk.looked_at
        for hit in chunk.hits:
            self._keep((hit.time, hit.id))
        self._position = () if chunk.is_last else chunk.position
        if chunk.is_last:
            self.hits.extend(Hit(job_id, time, (), 0) for time, job_id in reversed(self._found))
            self.is_over = not self._left_out

    def _keep(self, found: tuple[str, str]) -> None:
        at = bisect_left(self._found, found)
        # A lease that is extended moves ahead of the reading, which then meets it again.
        if found >= self._below or self._found[at : at + 1] == [found]:
            return
        self._found.insert(at, found)
        if len(self._found) > self._most:
            del self._found[0]
            self._left_out = True

    def take(self) -> Hit:
        """Take the next job out."""
        hit = self.hits.popleft()
        self._below = (hit.time, hit.id)
        return hit

    def said(self) -> Sequence[object]:
        """Return what a cursor says of it; nothing when it is to begin, and that none is old enough when it is over."""
        if self.is_over and not self.hits:
            return ("", "")
        return [] if self._below[0] == _NEWEST else self._below


def _count(said: object) -> int:
    if type(said) is not int or not 0 <= said < 10**12:
        raise ValueError("no number of ids")
    return said
