"""What the jobs of a site take in their store's memory, by what it is: estimated, since there may be millions."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from liquid_background.job import MAX_SOURCE_NAME, JobStatus
from liquid_background.jobs.contract import ENDED, states_of
from liquid_background.jobs.log import ENDS, KEY, MARKS
from liquid_background.jobs.operating.weighing import Scales
from liquid_background.jobs.queue import in_hands, keys
from liquid_background.jobs.queue.reading import text
from liquid_background.jobs.site import is_of_another, own_name, queue_name
from liquid_background.jobs.store import Store, read_replies

KINDS: Final = ("records", "results", "log", "audit", "indexes", "others")
"""What space is of: records and results of jobs; the log; the audit; where ids stand and what is counted; the rest."""

_SAMPLES: Final = 200  # of the jobs in one place
_NAMES: Final = 10  # source names that are told of
_SCANNED_AT_ONCE: Final = 2_000  # keys: about a millisecond of the store's time
_MOST_SCANNED: Final = 5_000_000  # keys that are looked at for those of ours
_MOST_WEIGHED: Final = 2_000  # keys of ours, beside jobs', that are weighed one by one
_LONGEST: Final = MAX_SOURCE_NAME  # bytes of a name

Progress = Callable[[int, int], None]
"""Told how many keys were looked at, and of how many."""


@dataclass(frozen=True, slots=True)
class Space:
    """What something takes."""

    number: int  # of keys, or of jobs
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What the jobs of a site take in its store: an estimate."""

    kinds: Mapping[str, Space]  # keys, by the words of KINDS
    states: Mapping[str, Space]  # jobs with their results, by status
    source_names: Mapping[str, Space]  # likewise: the ten that take the most, among the samples
    samples: int  # jobs that were weighed
    is_measured: bool  # whether the server said what keys take; else it is guessed from their lengths
    looked_at: int  # keys, for those of ours
    keys: int  # that there are

    @property
    def bytes(self) -> int:
        """What all of it takes."""
        return sum(space.bytes for space in self.kinds.values())


def usage(store: Store, progress: Progress = lambda looked_at, total: None) -> Usage:
    """Return what the jobs of a site take.

    Args:
        store: with the site.
        progress: told from time to time how many keys were looked at, and of how many.

    Raises:
        StoreUnavailable: when the store cannot be reached.
    """
    scales = Scales(store)
    kinds, states, names = _Tally(), _Tally(), _Tally()
    samples = 0
    for status, number, ids in _sampled(store):
        share = number / max(1, len(ids))
        for job in _jobs(store, scales, ids):
            samples += 1
            kinds.add("records", share, job.record)
            if job.result:
                kinds.add("results", share, job.result)
            states.add(str(status or job.status), share, job.record + job.result)
            names.add(job.source_name, share, job.record + job.result)
    total = _size(store)
    looked_at = 0
    own = _names_of_queues(store.site)
    for found, is_last in _scanned(store):
        looked_at = total if is_last else min(looked_at + _SCANNED_AT_ONCE, total)
        own += [name for name in found if _is_own(store.site, name)]
        progress(looked_at, total)
    weighed = own if len(own) <= _MOST_WEIGHED else random.sample(own, _MOST_WEIGHED)
    share = len(own) / max(1, len(weighed))
    for name, weight in zip(weighed, scales.weigh(weighed), strict=True):
        if weight:
            kinds.add(_kind_of(store.site, name), share, weight)
    return Usage(
        kinds=kinds.spaces(KINDS),
        states=states.spaces([str(status) for status in JobStatus]),
        source_names=names.largest(_NAMES),
        samples=samples,
        is_measured=scales.is_exact,
        looked_at=looked_at,
        keys=total,
    )


class _Tally:
    """Numbers and bytes by name, of which each sample stands for several."""

    def __init__(self) -> None:
        self._found: dict[str, tuple[float, float]] = {}

    def add(self, name: str, share: float, weight: int) -> None:
        number, size = self._found.get(name, (0.0, 0.0))
        self._found[name] = number + share, size + share * weight

    def spaces(self, names: Sequence[str]) -> dict[str, Space]:
        found = {name: self._found.get(name, (0.0, 0.0)) for name in names}
        return {name: Space(round(number), round(size)) for name, (number, size) in found.items()}

    def largest(self, most: int) -> dict[str, Space]:
        return self.spaces(sorted(self._found, key=lambda name: -self._found[name][1])[:most])


@dataclass(frozen=True, slots=True)
class _Place:
    """Where ids of jobs stand: a list or a sorted set, of one status, or of what their records say."""

    key: str
    status: JobStatus | None
    is_list: bool = False


def _places(site: str) -> Iterator[_Place]:
    yield _Place(own_name(site, keys.LEASES), None)
    for queue in keys.QUEUES:
        name = queue_name(site, queue)
        yield _Place(keys.queue(name), JobStatus.PENDING, is_list=True)
        yield _Place(keys.scheduled(name), JobStatus.PENDING)
        yield _Place(keys.deferred(name), JobStatus.PENDING)
        for status in ENDED:
            [state] = states_of(status)
            yield _Place(keys.ended(state, name), status)


def _sampled(store: Store) -> Iterator[tuple[JobStatus | None, int, list[bytes]]]:
    """Yield of each place what its jobs' status is, if they have one, how many ids stand there, and some of them."""
    claimed = {job_id for part in in_hands.claimed(store) for job_id in part}
    yield None, len(claimed), random.sample(sorted(claimed), min(len(claimed), _SAMPLES))
    for place in _places(store.site):
        yield place.status, *_sample(store, place)


def _sample(store: Store, place: _Place) -> tuple[int, list[bytes]]:
    pipeline: Any = store.client.pipeline(transaction=False)
    (pipeline.llen if place.is_list else pipeline.zcard)(place.key)
    [number] = read_replies(pipeline, store.url)
    if not number:
        return 0, []
    if place.is_list:
        for at in random.sample(range(number), min(number, _SAMPLES)):
            pipeline.lindex(place.key, at)
        found = read_replies(pipeline, store.url)
    else:
        pipeline.zrandmember(place.key, _SAMPLES)
        [found] = read_replies(pipeline, store.url)
    return number, [job_id for job_id in found or () if job_id is not None]


@dataclass(frozen=True, slots=True)
class _Job:
    source_name: str
    status: JobStatus
    record: int  # bytes
    result: int


def _jobs(store: Store, scales: Scales, ids: Sequence[bytes]) -> Iterator[_Job]:
    records = [keys.job("").encode("ascii") + job_id for job_id in ids]
    results = [keys.results("").encode("ascii") + job_id for job_id in ids]
    pipeline: Any = store.client.pipeline(transaction=False)
    for record in records:
        pipeline.hmget(record, "status", "origin", "description")
    said = read_replies(pipeline, store.url) if ids else []
    weights = zip(said, scales.weigh(records), scales.weigh(results), strict=True)
    for fields, record_weight, result_weight in weights:
        status, origin, name = fields or (None, None, None)
        if record_weight and not is_of_another(store.site, text(origin, _LONGEST)):
            source_name = text(name, _LONGEST)
            yield _Job(source_name, JobStatus.from_rq(text(status, _LONGEST)), record_weight, result_weight)


def _size(store: Store) -> int:
    pipeline: Any = store.client.pipeline(transaction=False)
    pipeline.dbsize()
    [size] = read_replies(pipeline, store.url)
    return int(size)


def _scanned(store: Store) -> Iterator[tuple[list[bytes], bool]]:
    """Yield the names of the site's own keys, from chunk to chunk of all keys, and whether it was the last chunk."""
    cursor, looked_at = 0, 0
    while looked_at < _MOST_SCANNED:
        pipeline: Any = store.client.pipeline(transaction=False)
        pipeline.scan(cursor, match=own_name(store.site, "liquid_background:*"), count=_SCANNED_AT_ONCE)
        [(cursor, found)] = read_replies(pipeline, store.url)
        looked_at += _SCANNED_AT_ONCE
        yield found, cursor == 0
        if cursor == 0:
            return


def _is_own(site: str, name: bytes) -> bool:
    """Return whether a key of ours is of this site: without one, a name holds no dot before its second colon."""
    return bool(site) or b"." not in name.split(b":", 2)[1]


def _names_of_queues(site: str) -> list[bytes]:
    places = (keys.queue, keys.scheduled, keys.deferred, keys.started, keys.finished, keys.failed, keys.canceled)
    names = [place(queue_name(site, queue)) for place in (*places, keys.queue_workers) for queue in keys.QUEUES]
    return [name.encode("ascii") for name in names]


def _kind_of(site: str, name: bytes) -> str:
    known = text(name, _LONGEST)
    if known in {own_name(site, key) for key in (KEY, ENDS, MARKS)}:
        return "log"
    if known == own_name(site, keys.AUDIT):
        return "audit"
    return "others" if known.startswith(own_name(site, keys.SET_ASIDE)) else "indexes"
