"""Which jobs have ids that begin so: looked for by the ids alone, since a large store has a million of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

from liquid_background.jobs.filter import Filter
from liquid_background.jobs.queue import in_hands, keys
from liquid_background.jobs.queue.places import Place, places_of
from liquid_background.jobs.queue.reading import text
from liquid_background.jobs.site import is_of_another
from liquid_background.jobs.store import Store, read_replies

_AT_ONCE: Final = 2_000  # ids that one call looks at: half a millisecond of the store's time
_AGAIN: Final = 100  # of a list, that are looked at again: as many may have been taken away behind them meanwhile
_SCOPE: Final = 13
"""Characters before an id that a `RedisQueue` gave: twelve hex digits of its prefix's digest, and a hyphen."""
_SCOPED: Final = re.compile(rb"[0-9a-f]{12}-")
_SPECIAL: Final = re.compile(rb"[*?\[\]\\^]")
_ASKED_AT_ONCE: Final = 50  # ids of which one call says whether there are jobs
_LONGEST: Final = 100  # characters of a queue's name


def ids_like(store: Store, beginning: str, most: int) -> list[str]:
    """Return ids that begin so, at most so many; when none does, those which do behind a `RedisQueue`'s prefix.

    Raises:
        StoreUnavailable: when the store cannot be reached.
    """
    asked = beginning.encode("utf-8", "surrogateescape")
    for scope in (0, _SCOPE) if asked else ():
        found: dict[bytes, None] = {}
        for ids in _candidates(store, asked, scope):
            found |= dict.fromkeys(_there(store, [each for each in ids if each not in found], most - len(found)))
            if len(found) >= most:
                break
        if found:
            return [job_id.decode("utf-8", "surrogateescape") for job_id in found]
    return []


def _candidates(store: Store, beginning: bytes, scope: int) -> Iterator[list[bytes]]:
    """Yield the ids that begin so in each part of each place; some may come again, and be of no job any more."""

    def fits(job_id: bytes) -> bool:
        return job_id.startswith(beginning, scope) and (not scope or bool(_SCOPED.match(job_id)))

    pattern = (b"?" * (scope - 1) + b"-" if scope else b"") + _SPECIAL.sub(rb"\\\g<0>", beginning) + b"*"
    for place in places_of(Filter(), store.site):
        for part in _parts(store, place, pattern):
            if ids := [job_id for job_id in part if fits(job_id)]:
                yield ids


def _parts(store: Store, place: Place, pattern: bytes) -> Iterator[Sequence[bytes]]:
    if place.kind == "batches":
        return in_hands.claimed(store)
    return _listed(store, place.key) if place.kind == "list" else _sorted(store, place, pattern)


def _listed(store: Store, key: str) -> Iterator[Sequence[bytes]]:
    """Yield the ids of a list from its end on, where none is taken but those that are cancelled."""
    passed, ids = 0, None
    while ids is None or len(ids) == _AT_ONCE:
        ids = _asked(store, "LRANGE", key, -(passed + _AT_ONCE), -(passed + 1)) or ()
        passed += _AT_ONCE - _AGAIN
        yield ids


def _sorted(store: Store, place: Place, pattern: bytes) -> Iterator[Sequence[bytes]]:
    """Yield the ids of a sorted set that fit a pattern, in the store's own order."""
    at = None
    while at != 0:
        at, pairs = _asked(store, "ZSCAN", place.key, at or 0, "MATCH", pattern, "COUNT", _AT_ONCE) or (0, ())
        yield [member.partition(b":")[0] if place.kind == "attempts" else member for member, _ in pairs]


def _there(store: Store, ids: Sequence[bytes], most: int) -> Iterator[bytes]:
    """Yield the ids of which this site has jobs, at most so many."""
    for at in range(0, len(ids), _ASKED_AT_ONCE):
        part = ids[at : at + _ASKED_AT_ONCE]
        pipeline: Any = store.client.pipeline(transaction=False)
        for job_id in part:
            pipeline.exists(keys.job("").encode("ascii") + job_id)
            pipeline.hget(keys.job("").encode("ascii") + job_id, "origin")
        replies = read_replies(pipeline, store.url)
        for job_id, is_there, origin in zip(part, replies[::2], replies[1::2], strict=True):
            if is_there and not is_of_another(store.site, text(origin, _LONGEST)):
                yield job_id
                most -= 1
            if not most:
                return


def _asked(store: Store, *words: object) -> Any:
    pipeline: Any = store.client.pipeline(transaction=False)
    pipeline.execute_command(*words)
    [reply] = read_replies(pipeline, store.url)
    return reply
