"""Looking at a place: so many of its ids in one call of the store, each told by its record whether it is meant."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Final

from liquid_background.jobs.queue import scripts
from liquid_background.jobs.queue.cursors import Position
from liquid_background.jobs.queue.matching import Matching
from liquid_background.jobs.queue.places import Place
from liquid_background.jobs.queue.protocol import ANCHORS, Argument
from liquid_background.jobs.store import Store

MOST: Final = 250
"""Ids that one call looks at: a millisecond or two of the store's time."""
_FIRST: Final = 60  # ids that the first call looks at
_LEAST: Final = 20
_LONG: Final = 0.006  # seconds of a call, with its way, after which the next looks at fewer ids
_SHORT: Final = 0.003
_BYTES: Final = 1024 * 1024  # of records that one call reads and searches: five milliseconds of the store's time
_SORTED: Final = 2  # words of a position in a sorted set
_HEAD: Final = 4  # words of a position in a list before its ids
_SCORE: Final = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?(?:e[+-]?[0-9]+)?|inf)", re.ASCII | re.IGNORECASE)
_NUMBER: Final = re.compile(r"[0-9]{1,12}", re.ASCII)


class Pace:
    """How many ids the next call looks at: a store whose records lie far apart in its memory takes longer for each.

    A script cannot tell how long it takes, since its clock stands still meanwhile.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self.size = min(_FIRST, most)

    def took(self, seconds: float) -> None:
        """Take note of how long the last call took."""
        if seconds > _LONG:
            self.size = max(_LEAST, self.size // 2)
        elif seconds < _SHORT:
            self.size = min(self._most, 2 * self.size)


@dataclass(frozen=True, slots=True)
class Hit:
    """A job that is meant, and where it stands."""

    id: str  # bytes of a planted one that are no text stand in it as surrogates
    time: str  # when it came there, as records have it; empty when its record does not say
    position: Position  # behind it
    number: int  # of the ids that were looked at with it, from 1


@dataclass(frozen=True, slots=True)
class Chunk:
    """What one look at a place has found."""

    hits: Sequence[Hit]
    looked_at: int
    position: Position  # behind all that was looked at
    time: str  # of the last that has one; empty when none has
    is_last: bool
    seconds: float  # that the call took, with its way


def look(
    store: Store, place: Place, matching: Matching, position: Position, most: int = MOST, *, above: str = ""
) -> Chunk:
    """Look at the next ids of a place.

    Args:
        store: where it is.
        place: where to look.
        matching: what is meant.
        position: behind what.
        most: ids that are looked at.
        above: a time, before which the caller has enough newer jobs.

    Raises:
        StoreUnavailable: when the store cannot be reached.
    """
    position = _checked(place, position) or _beginning(place)
    words = [word.encode("utf-8", "surrogateescape") for word in position]
    kind = "expiring" if place.expires else place.kind
    arguments: list[Argument] = [kind, place.key, " ".join(place.words), _takes(place, matching)]
    arguments += [" ".join(place.stamps), _share(most, matching), _BYTES]
    arguments += [matching.wanted.id_prefix, matching.since, matching.until, above]
    arguments += [int(matching.needs_data), int(matching.needs_error)]
    arguments += [place.registry, len(words), *words]
    for condition in matching.conditions:
        arguments += condition
    asked = monotonic()
    looked_at, is_last, time, start, ids, last, rows = scripts.run(store, "scan", arguments)
    seconds = monotonic() - asked
    listed = _Listed(start, [*map(_word, ids)], _word(last[0])) if place.kind == "list" else None
    hits = []
    for job_id, at, number, score, member, data, error in rows:
        if matching.fits(data, error):
            behind = listed.behind(number, _word(at)) if listed else (_word(score), _word(member))
            hits.append(Hit(_word(job_id), _word(at), behind, number))
    if looked_at:
        position = listed.behind(looked_at, _word(time)) if listed else tuple(map(_word, last))
    return Chunk(hits, looked_at, position, _word(time), bool(is_last) or _is_below(place, position), seconds)


def _beginning(place: Place) -> Position:
    """Return the position before the highest score that is meant."""
    return (place.highest.removeprefix("("), "") if place.highest.startswith("(") else ()


def _is_below(place: Place, position: Position) -> bool:
    """Whether none that follows has a score that is meant."""
    return place.lowest != "-inf" and len(position) == _SORTED and float(position[0] or "inf") < float(place.lowest)


def chunks(store: Store, place: Place, matching: Matching) -> Iterator[Chunk]:
    """Yield what a place holds, from its beginning to its end.

    Raises:
        StoreUnavailable: when the store cannot be reached.
    """
    position: Position = ()
    is_last, pace = False, Pace()
    while not is_last:
        chunk = look(store, place, matching, position, pace.size)
        pace.took(chunk.seconds)
        position, is_last = chunk.position, chunk.is_last
        yield chunk


def _takes(place: Place, matching: Matching) -> int:
    """Return whether what has no place of its own stands there: whatever that is, when any status is meant."""
    return 0 if not place.takes_unknown else 1 if matching.wanted.status else 2


def _share(most: int, matching: Matching) -> int:
    """Return how many ids one call looks at: with its data, which holds the body, a record takes four times as long."""
    return max(1, most // 4) if matching.searches_data else most


def _word(value: bytes) -> str:
    return value.decode("utf-8", "surrogateescape")


def _checked(place: Place, position: Position) -> Position:
    """Return a position as it may be given to the script; the beginning for one that could not be of that place."""
    if place.kind != "list":
        return position if len(position) == _SORTED and _SCORE.fullmatch(position[0]) else ()
    if len(position) < _HEAD or not (_NUMBER.fullmatch(position[0]) and _NUMBER.fullmatch(position[_HEAD - 1])):
        return ()
    return position if int(position[_HEAD - 1]) <= len(position) - _HEAD else ()


@dataclass(frozen=True, slots=True)
class _Listed:
    """A part of a list as it was read, from which positions in it are told."""

    start: int  # how many ids stood behind it
    ids: Sequence[str]  # from the end of the list on, with a few on either side
    read_at: str  # by the store's clock: an id that is put there later is not the one that stood there

    def behind(self, number: int, time: str) -> Position:
        """Return the position behind so many of the ids, the last of which is of that time."""
        at = min(self.start, ANCHORS) + number
        passed, following = self.ids[max(0, at - ANCHORS) : at][::-1], self.ids[at : at + ANCHORS]
        return (str(self.start + number), time, self.read_at, str(len(passed)), *passed, *following)
