"""The indexes of failed jobs as they are read: which one answers a filter, and whether it can be trusted to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf
from time import monotonic
from typing import Any, Final

from liquid_background.job import SOURCE_NAME, JobStatus
from liquid_background.jobs.filter import Filter
from liquid_background.jobs.queue import filing, keys, scripts
from liquid_background.jobs.queue.causes import FAILURE_ID
from liquid_background.jobs.queue.filing import MOST_FILED, Looked
from liquid_background.jobs.queue.moves import Call
from liquid_background.jobs.queue.protocol import MAX_FAILED_NAMES
from liquid_background.jobs.site import own_name
from liquid_background.jobs.store import Store, read_replies
from liquid_background.settings import Settings

_NEWEST: Final = 50  # of each queue, that one look takes in
_MOST_MISSING: Final = 2_000  # that a read files before it answers in another way
_LONGEST: Final = 5.0  # seconds that it looks before it does


def index_of(store: Store, settings: Settings, wanted: Filter) -> str | None:
    """Return the key of the sorted set that has exactly the jobs that a filter wants, scored by their end in ms.

    None where no index answers that, or none can be trusted to: then the records say it. `since` and `until` are left
    to the caller, by the scores; so is a look at each record that is shown, since jobs move on at any time.

    Args:
        store: of the jobs.
        settings: with the site.
        wanted: what is asked for: all failed jobs, those of a source name as it stands, or those of a failure group.

    Raises:
        StoreUnavailable: when the store cannot be reached.
    """
    key = key_of(settings, wanted)
    if key is None or not catch_up(store, monotonic() + _LONGEST):
        return None
    if wanted.source_name and not _has_index(store, wanted.source_name):
        return None
    return key


def key_of(settings: Settings, wanted: Filter) -> str | None:
    """Return the key of the sorted set that is to have the jobs that a filter wants; None where there is none."""
    if wanted.status is not JobStatus.FAILED or wanted != Filter(
        status=wanted.status,
        source_name=wanted.source_name,
        failure=wanted.failure,
        since=wanted.since,
        until=wanted.until,
    ):
        return None
    if wanted.source_name and (wanted.failure or not SOURCE_NAME.fullmatch(wanted.source_name)):
        return None
    if wanted.failure:
        key = keys.failed_of_group(wanted.failure) if FAILURE_ID.fullmatch(wanted.failure) else None
    else:
        key = keys.failed_of_name(wanted.source_name) if wanted.source_name else keys.FAILED_IDS
    return None if key is None else own_name(settings.site, key)


def _has_index(store: Store, source_name: str) -> bool:
    """Return whether the index of a name has all its jobs: where names are too many, some have none."""
    pipeline = store.client.pipeline(transaction=False)
    pipeline.sismember(own_name(store.site, keys.FAILED_NAMES), source_name)
    pipeline.zcard(own_name(store.site, keys.FAILED_UNNAMED))
    has_own, others = read_replies(pipeline, store.url)
    return bool(has_own) or others == 0


def bring_in_line(store: Store, seconds: float) -> int:
    """Have the indexes say what the records do, as far as that is done in a time; return how many jobs may be unfiled.

    Raises:
        StoreUnavailable: when the store cannot be reached.
    """
    ends = monotonic() + seconds
    if catch_up(store, ends):
        return 0
    reindex(store, ends=ends)
    if monotonic() < ends:
        return 0
    seen = _look(store, filing.look_newest(0, 0))
    return max(0, seen.failed - seen.filed)


def catch_up(store: Store, ends: float = inf) -> bool:
    """File what has failed lately and is not filed; return whether the indexes have all that has failed, and no more.

    Others fail jobs, too: workers of the version before, and RQ's own.

    Args:
        store: of the jobs.
        ends: when to stop, by the monotonic clock.
    """
    passed = missing = 0
    while True:
        seen = _look(store, filing.look_newest(passed, _NEWEST))
        if not seen.missing:
            break
        missing += len(seen.missing)
        passed += _NEWEST
        if missing > _MOST_MISSING:
            return False
        file_all(store, seen.missing)
    return seen.failed == seen.filed or _went_through(store, ends)


def _went_through(store: Store, ends: float) -> bool:
    """Look through all that has failed and is filed; return whether nothing differs then.

    It reads a few fields of each record, which whoever answers by the records alone has to do, too: it is done once.
    """
    place, at, missing = "1:0", "0", 0
    while place or at:
        seen = _look(store, filing.look_through(place, at))
        missing += len(seen.missing)
        if missing > _MOST_MISSING or monotonic() > ends:
            return False
        file_all(store, seen.missing)
        place, at = seen.place, seen.at
    seen = _look(store, filing.look_newest(0, 0))
    return seen.failed == seen.filed


def file_all(store: Store, ids: Sequence[bytes]) -> int:
    """File jobs that have failed; return how many were."""
    filed = done = 0
    while done < len(ids):
        part = ids[done : done + MOST_FILED]
        rows = _run(store, filing.read_causes(part))
        call = filing.file(part, rows)
        filed += _run(store, call) if call is not None else 0
        done += len(rows)
    return filed


def reindex(store: Store, told: Callable[[int, int], None] = lambda done, total: None, *, ends: float = inf) -> int:
    """Bring the indexes of failed jobs in line with the records, in slices; return how many entries were mended.

    It may be ended anywhere and begun anew, and jobs may fail and be retried meanwhile.

    Args:
        store: of the jobs.
        told: is told how many jobs were looked at, of how many.
        ends: when to stop, by the monotonic clock.
    """
    place, at, mended, done = "1:0", "0", 0, 0
    while (place or at) and monotonic() < ends:
        seen = _look(store, filing.look_through(place, at))
        mended += seen.removed + file_all(store, seen.missing)
        place, at = seen.place, seen.at
        done += filing.MOST_LOOKED
        told(min(done, seen.failed), seen.failed)
    return mended + _sift_all(store, ends)


def _sift_all(store: Store, ends: float) -> int:
    """Take ids out of the indexes of names and groups that are not filed there."""
    pipeline = store.client.pipeline(transaction=False)
    pipeline.smembers(own_name(store.site, keys.FAILED_NAMES))
    pipeline.zrange(own_name(store.site, keys.FAILURE_GROUPS), 0, -1)
    names, groups = [reply or () for reply in read_replies(pipeline, store.url)]
    removed = _file_unnamed(store, ends) if len(names) < MAX_FAILED_NAMES else 0
    named = [("name", name) for name in names if name]  # without one, it would be asked for what has no name
    for kind, each in [*named, *(("group", group) for group in groups), ("of", b"")]:
        cursor = b"0"
        while cursor and monotonic() < ends:
            cursor, count = _run(store, ("sift", [kind, each, cursor, filing.MOST_LOOKED]))
            removed += count
    return removed


def _file_unnamed(store: Store, ends: float) -> int:
    unnamed: list[bytes] = []
    cursor = b"0"
    while cursor and monotonic() < ends:
        cursor, ids = _run(store, ("sift", ["name", "", cursor, filing.MOST_LOOKED]))
        unnamed += ids
    return file_all(store, unnamed)


def _look(store: Store, call: Call) -> Looked:
    seen = Looked.of(_run(store, call))
    assert seen is not None  # only what all workers share says nothing
    return seen


def _run(store: Store, call: Call) -> Any:
    return scripts.run(store, *call, "some failed jobs may have been filed")
