"""What is counted of a source name's attempts: how many there were, how they ended, how long they waited and ran.

A worker's processes count, its supervisor adds up and has the store add that to a minute, an hour, a day and all time,
as JSON that the script merges: see lua/count.lua.
"""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from operator import add
from typing import Any, Final

from liquid_background.job import Ending

BUCKETS: Final = 62
"""Of times: the first is of those under 1 ms, and two of the others make an octave, up to 2^30 ms, which is 12 days."""
_LINE: Final = "\n"  # between a name and its queue
_MOST: Final = 10**13  # of a number in a cell: what the scripts' JSON writes in full
_OF_ENDING: Final[Mapping[str, str]] = {
    Ending.SUCCESS: "succeeded",
    Ending.FAILED: "failed",
    Ending.CRASHED: "lost",
    Ending.UNBEGUN: "lost",
    Ending.CANCELLED: "cancelled",
}


def bucket_of(milliseconds: float) -> int:
    """Return which of the BUCKETS a time is in."""
    return 0 if milliseconds < 1 else min(BUCKETS - 1, int(2 * math.log2(milliseconds)) + 1)


def bounds_of(bucket: int) -> tuple[float, float]:
    """Return the milliseconds from which on a time is in a bucket, and up to which."""
    return (0.0, 1.0) if bucket == 0 else (2 ** ((bucket - 1) / 2), 2 ** (bucket / 2))


@dataclass(slots=True)
class Times:
    """Times, of which their sum and their shape are kept."""

    total: int = 0  # milliseconds
    buckets: dict[int, int] = field(default_factory=dict)  # how many are in each

    def add(self, milliseconds: int) -> None:
        self.total += milliseconds
        bucket = bucket_of(milliseconds)
        self.buckets[bucket] = self.buckets.get(bucket, 0) + 1

    def merge(self, other: Times) -> None:
        self.total += other.total
        for bucket, count in other.buckets.items():
            self.buckets[bucket] = self.buckets.get(bucket, 0) + count

    @property
    def count(self) -> int:
        return sum(self.buckets.values())

    def percentile(self, share: float) -> float | None:
        """Return the milliseconds that a share of the times, from 0 to 1, does not exceed; None when there are none.

        It is in the same bucket as the exact one: at most 42 % away from it.
        """
        rank = share * self.count
        before = 0
        for bucket in sorted(self.buckets):
            count = self.buckets[bucket]
            if before + count >= rank and count:
                low, high = bounds_of(bucket)
                return low + (high - low) * max(0.0, rank - before) / count
            before += count
        return None


@dataclass(slots=True)
class Tally:
    """The counts of one source name."""

    started: int = 0
    succeeded: int = 0
    failed: int = 0
    lost: int = 0
    cancelled: int = 0
    ran: Times = field(default_factory=Times)  # of what ended
    waited: Times = field(default_factory=Times)  # of what started, since it could have

    def begin(self, waited: int) -> None:
        """Count a start after so many milliseconds."""
        self.started += 1
        self.waited.add(waited)

    def end(self, ending: str, ran: int) -> None:
        """Count an end, if the attempt counts, after so many milliseconds."""
        name = _OF_ENDING.get(ending)
        if name is not None:
            setattr(self, name, getattr(self, name) + 1)
            self.ran.add(ran)

    def merge(self, other: Tally) -> None:
        for name in _NUMBERS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.ran.merge(other.ran)
        self.waited.merge(other.waited)

    def cell(self) -> list[Any]:
        """Return it as it is written."""
        numbers = [getattr(self, name) for name in _NUMBERS]
        return [*numbers, self.ran.total, self.waited.total, self.ran.buckets, self.waited.buckets]

    @classmethod
    def of(cls, cell: object) -> Tally:
        """Return what a cell says, whoever wrote it; what is garbage in it counts as nothing."""
        if not isinstance(cell, list) or len(cell) != CELL:
            return cls()
        *numbers, ran, waited, ran_in, waited_in = cell
        counts = dict(zip(_NUMBERS, map(_number, numbers), strict=True))
        return cls(
            **counts,
            ran=Times(_number(ran), _buckets(ran_in)),
            waited=Times(_number(waited), _buckets(waited_in)),
        )


_NUMBERS: Final = ("started", "succeeded", "failed", "lost", "cancelled")
CELL: Final = len(_NUMBERS) + 4
"""Values of a cell: numbers, two sums, and two objects with a number for each bucket."""
LOST_AT: Final = _NUMBERS.index("lost") + 1
"""Where in a cell, from 1, the lost attempts are counted."""


def _number(value: object) -> int:
    return int(value) if type(value) in (int, float) and 0 <= value <= _MOST else 0  # type: ignore[operator, call-overload]


def _buckets(value: object) -> dict[int, int]:
    if not isinstance(value, dict):
        return {}
    return {
        int(bucket): _number(count)
        for bucket, count in value.items()
        if str(bucket).isdecimal() and len(str(bucket)) < 3 and int(bucket) < BUCKETS
    }


_BUCKETS_AS_WRITTEN: Final = frozenset(map(str, range(BUCKETS)))


def read_cells(texts: Sequence[bytes]) -> list[list[Any]]:
    """Return the cells of a hash in the store for a `Sum`: checked as `Tally.of` does it, and not taken apart.

    All are read and checked as one, which takes half of the time, unless one of them is garbage.
    """
    cells = _parsed(b"[%b]" % b",".join(texts))
    return cells if _are_cells(cells, len(texts)) else [*map(read_numbers, texts)]


def read_numbers(text: bytes | None) -> list[Any]:
    """Return one cell in the store for a `Sum`."""
    cell: list[Any] = _parsed(text or b"null")
    if _are_cells([cell], 1):
        return cell
    *numbers, ran, waited = Tally.of(cell).cell()
    return [*numbers, *({str(bucket): count for bucket, count in each.items()} for each in (ran, waited))]


def _parsed(text: bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _are_cells(cells: Any, number: int) -> bool:
    if not isinstance(cells, list) or len(cells) != number or not {*map(type, cells)} <= {list}:
        return False
    if not {*map(len, cells)} <= {CELL}:
        return False
    *numbers, ran, waited = zip(*cells, strict=True) if cells else [()] * CELL
    buckets = ran + waited
    if not {*map(type, buckets)} <= {dict} or not set().union(*buckets) <= _BUCKETS_AS_WRITTEN:
        return False
    return _are_numbers([*chain(*numbers, *map(dict.values, buckets))])


def _are_numbers(values: Collection[Any]) -> bool:
    return {*map(type, values)} <= {int} and min(values, default=0) >= 0 and max(values, default=0) <= _MOST


class Sum:
    """The sum of cells as `read_numbers` returns them: a month of a hundred names has 70,000 by the hour."""

    __slots__ = ("_numbers", "_ran", "_waited")

    def __init__(self) -> None:
        self._numbers = [0] * (CELL - 2)
        self._ran: dict[str, int] = {}
        self._waited: dict[str, int] = {}

    def add(self, cell: Sequence[Any]) -> None:
        """Add a cell."""
        *numbers, ran, waited = cell
        self._numbers = [*map(add, self._numbers, numbers)]
        for into, buckets in ((self._ran, ran), (self._waited, waited)):
            known = into.get
            for bucket, count in buckets.items():
                into[bucket] = known(bucket, 0) + count

    def tally(self) -> Tally:
        """Return the sum."""
        *counts, ran, waited = self._numbers
        named = dict(zip(_NUMBERS, counts, strict=True))
        return Tally(**named, ran=Times(ran, _by_number(self._ran)), waited=Times(waited, _by_number(self._waited)))


def _by_number(buckets: Mapping[str, int]) -> dict[int, int]:
    return {int(bucket): count for bucket, count in buckets.items()}


class Tallies:
    """The counts of several source names."""

    def __init__(self) -> None:
        self.by_name: dict[str, Tally] = {}

    def __bool__(self) -> bool:
        return bool(self.by_name)

    def of(self, source_name: str) -> Tally:
        """Return the counts of a name, to add to."""
        tally = self.by_name.get(source_name)
        if tally is None:
            tally = self.by_name[source_name] = Tally()
        return tally

    def merge(self, other: Tallies, most: int | None = None, beyond: str = "") -> None:
        """Add others; of names that are new when there are so many, under a name for all of these in their queue."""
        for name, tally in other.by_name.items():
            is_kept = most is None or name in self.by_name or len(self.by_name) < most
            self.of(name if is_kept else f"{beyond}{name[name.rfind(_LINE) :] if _LINE in name else ''}").merge(tally)

    def encoded(self) -> bytes:
        """Return them as one line for another process."""
        cells = {name: tally.cell() for name, tally in self.by_name.items()}
        return json.dumps(cells, separators=(",", ":")).encode("ascii") + b"\n"

    @classmethod
    def decoded(cls, line: bytes) -> Tallies:
        """Return what a process encoded."""
        tallies = cls()
        tallies.by_name = {name: Tally.of(cell) for name, cell in json.loads(line).items()}
        return tallies

    def taken(self, most: int | None = None) -> Tallies:
        """Take out what there is, or that of so many names, and return it."""
        taken = Tallies()
        for name in [*islice(self.by_name, most)]:
            taken.by_name[name] = self.by_name.pop(name)
        return taken


def counted_as(source_name: str, queue: str) -> str:
    """Return the name under which a worker counts what has run in a queue: see lua/count.lua."""
    return f"{source_name}{_LINE}{queue}"


def arguments_of(tallies: Mapping[str, Tally]) -> Iterable[str]:
    """Return names and cells as the script takes them."""
    for name, tally in tallies.items():
        yield name
        yield json.dumps(tally.cell(), separators=(",", ":"))


def merged(tallies: Sequence[Tally]) -> Tally:
    """Return the sum of counts."""
    total = Tally()
    for tally in tallies:
        total.merge(tally)
    return total
