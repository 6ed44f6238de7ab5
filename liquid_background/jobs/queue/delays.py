"""The index of delayed jobs as it is read: whether lists may trust it, and bringing it in line with RQ's registries.

RQ has delayed jobs by when they are due, lists show them by when they came there. The moves that delay a job, and those
that take it on, write the index, too; others know nothing of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from liquid_background.jobs.queue import keys, scripts
from liquid_background.jobs.queue.moves import Call
from liquid_background.jobs.queue.reading import text
from liquid_background.jobs.store import Store

FEW: Final = 2_000
"""Delayed jobs that are rather read one by one: it takes some milliseconds, and there is no index to trust."""
_SLICE: Final = 200  # ids that one call compares: a millisecond or two of the store's time
_SHARED_SLICE: Final = 50
_FIRST: Final = "1:0"
_LONGEST: Final = 40  # bytes of a place


def _tell_nobody(done: int, total: int) -> None:
    pass


class _State(NamedTuple):
    delayed: int
    others: int  # 1 while workers are at work that know nothing of the index
    differs: int  # 1 when it has not as many jobs as there are
    doubt: bytes  # since others were at work, when all of it has not been compared since then

    @classmethod
    def of(cls, store: Store, queues: Sequence[str], cleared_up: bytes = b"") -> _State:
        return cls(*scripts.run(store, "delayed", [cleared_up, *queues]))


def has_index(store: Store, queues: Sequence[str]) -> bool:
    """Return whether all delayed jobs of some queues stand in the index, and at their times.

    Where others have delayed jobs, or taken them on, it is brought in line first; it cannot be while such
    workers are at work, or where the store takes no writes.

    Raises:
        StoreUnavailable: when the store cannot be reached.
    """
    state = _State.of(store, queues)
    if state.delayed <= FEW or state.others:
        return False
    if not state.differs and not state.doubt:
        return True
    _, is_calm = _compare(store, is_quick=not state.doubt)
    state = _State.of(store, queues, state.doubt if is_calm else b"")
    return not (state.others or state.differs or state.doubt)


def reindex(store: Store, told: Callable[[int, int], None] = _tell_nobody) -> int:
    """Bring the index in line with RQ's registries, in slices; return how many entries were mended.

    Args:
        store: of the jobs.
        told: is told how many jobs were looked at, of how many.

    Raises:
        StoreUnavailable: when the store cannot be reached.
    """
    doubt = _State.of(store, keys.QUEUES).doubt
    mended, is_calm = _compare(store, told=told)
    if is_calm:
        _State.of(store, keys.QUEUES, doubt)
    return mended


def look_shared() -> Call:
    """Return the call by which all workers together compare the index with the registries, a little a second."""
    return "look_delayed", [_SHARED_SLICE, "shared", 0]


def _compare(
    store: Store, *, is_quick: bool = False, told: Callable[[int, int], None] = _tell_nobody
) -> tuple[int, bool]:
    """Compare all, but for the times when it is quick; return how many entries were mended, and whether it was calm."""
    total = _State.of(store, keys.QUEUES).delayed
    place, done, mended, is_calm = _FIRST, 0, 0, True
    while place:
        call: list[Any] = [_SLICE, place, int(is_quick)]
        reached, count, others = scripts.run(store, "look_delayed", call, "some delayed jobs may have been indexed")
        place, mended, is_calm = text(reached, _LONGEST), mended + count, is_calm and not others
        done += _SLICE
        told(min(done, total), total)
    return mended, is_calm
