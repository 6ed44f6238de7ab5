"""Following the log: entries as they are written, over outages and over logs that are put in place of one another."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Iterator
from functools import partial
from typing import Any, Final

from redis import Redis

from liquid_background.errors import StoreUnavailable
from liquid_background.job import LogEntry, LogStatus
from liquid_background.jobs.log.entry import BEFORE_ALL, decode_entry, fits, order_of
from liquid_background.jobs.log.searching import keys_of
from liquid_background.jobs.log.stream import last_id
from liquid_background.jobs.store import read_replies

logger = logging.getLogger(__name__)

_BLOCK: Final = 1_000  # milliseconds that a follower blocks before it looks at its connection and its log again
_AT_ONCE: Final = 500  # entries
_REMEMBERED: Final = 10_000  # entries: more than a store writes in the second that it may lose
_BEFORE: Final = 500  # entries that were there at the start, of which a failover may lose the last
_AHEAD: Final = 3600.0  # seconds that a store's clock may be ahead
_PAUSE: Final = 0.2  # seconds between two tries while the store is away or has no log


def follow(
    client: Redis,
    *,
    source_name: str | None = None,
    status: LogStatus | str | None = None,
    type: str | None = None,
    after: str | None = None,
    site: str = "",
) -> Iterator[LogEntry]:
    """Yield the entries of a site's log as they are written, from behind the id `after` (None: from now), for ever.

    It blocks in the store, and goes on by id when the store has been away: no entry is lost or comes twice. Where a log
    was cut short, as by a failover, it goes on behind the newest entry that it has read and that is still there. A log
    that was put in its place is read from its start. While the key holds no log at all, it waits.
    """
    reader = _Reader(client, after, site, _BLOCK)
    while True:
        try:
            found = reader.read()
        except StoreUnavailable:
            time.sleep(_PAUSE)
            continue
        for entry in found:
            if fits(entry, source_name, status, type):
                yield entry


class LogReader:
    """Follows a log as `follow` does, and never blocks for longer than a round trip.

    Args:
        client: of the log's store.
        source_name: and the next two, as of `follow`.
        status: of attempts' ends.
        type: of entries.
        after: id behind which it begins.
        site: whose log it is.
    """

    def __init__(
        self,
        client: Redis,
        *,
        source_name: str | None = None,
        status: LogStatus | str | None = None,
        type: str | None = None,
        after: str,
        site: str = "",
    ) -> None:
        self._reader = _Reader(client, after, site, None)
        self._fits = partial(fits, source_name=source_name, status=status, type=type)

    def read(self) -> list[LogEntry]:
        """Return the entries that have come since the last read, oldest first, up to 500 that were written.

        Raises:
            StoreUnavailable: when the store cannot be reached; the next read goes on where the last one was.
        """
        return list(filter(self._fits, self._reader.read()))


class _Reader:
    """Where a follower is, and in which log; `block` is in milliseconds, None for not at all."""

    def __init__(self, client: Redis, after: str | None, site: str, block: int | None) -> None:
        self._client = client
        self._site = site
        self._block = block
        self._key, self._ends = keys_of(site)
        self._last = None if after is None else after.encode("ascii")  # id of the entry read last
        self._furthest = self._last or BEFORE_ALL  # highest id read in any log; no end that is older is news
        self._highest = BEFORE_ALL  # id that was ever read
        self._oldest: bytes | None = None  # id of the log's oldest entry at the last look: what it is known by
        self._read: deque[bytes] = deque(maxlen=_REMEMBERED)  # ids of the entries read last
        self._look_at = 0.0  # by the monotonic clock
        self._waits = False

    def read(self) -> list[LogEntry]:
        """Return the next entries; none after a while in which none came.

        Raises:
            StoreUnavailable: when the store cannot be reached.
        """
        if time.monotonic() >= self._look_at:
            self._look()
            self._look_at = time.monotonic() + _BLOCK / 1000
        pipeline = self._client.pipeline(transaction=False)
        last = self._last or BEFORE_ALL
        pipeline.xread({self._key: last}, count=_AT_ONCE, block=self._block)
        # Second: what lines of templates have moved meanwhile, past a slow reader, is in it.
        pipeline.xread({self._ends: self._furthest}, count=_AT_ONCE)
        # Last, on the connection that was read from: it may lead to another server than the one before.
        pipeline.xrange(self._key, min=last, max=last)
        pipeline.xrange(self._key, count=1)
        reply, moved, still_there, first = read_replies(pipeline)
        if reply is None:
            self._wait()
            return []
        self._waits = False
        if not still_there and first and order_of(first[0][0]) < order_of(last) and self._goes_back(last):
            return []
        found = _only_stream(moved) or _only_stream(reply)
        if not found:
            self._look_at = 0.0
            return []
        self._last = found[-1][0]
        self._furthest = max(self._furthest, self._last, key=order_of)
        found = self._unread(found)
        self._read.extend(entry_id for entry_id, _ in found)
        return [decode_entry(entry_id, fields) for entry_id, fields in found]

    def _unread(self, found: Any) -> Any:
        """Leave out what was read: a server that was made a replica may lack entries and then have them again."""
        if order_of(found[0][0]) > order_of(self._highest):
            self._highest = self._last or BEFORE_ALL
            return found
        read = set(self._read)
        self._highest = max(self._highest, found[-1][0], key=order_of)
        return [(entry_id, fields) for entry_id, fields in found if entry_id not in read]

    def _goes_back(self, last: bytes) -> bool:
        """Go back to the newest entry that was read and is still there; return False when there is none.

        The entry read last is gone, and older ones are not: the log was cut short and has gone on, with ids that are
        lower than the last one where the clock of the new primary is behind.
        """
        self._last = self._furthest = self._newest_read(last)
        return self._last != last

    def _look(self) -> None:
        """Find the place to go on from, when there is none yet or when the log has been replaced."""
        pipeline = self._client.pipeline(transaction=False)
        pipeline.xrevrange(self._key, count=1)
        pipeline.xrange(self._key, count=1)
        known = self._oldest or BEFORE_ALL
        pipeline.xrange(self._key, min=known, max=known)
        newest, oldest, still_there = read_replies(pipeline)
        last = newest[0][0] if newest else BEFORE_ALL
        if self._last is None:
            self._last = self._furthest = last_id(self._client, self._site).encode("ascii")
        elif order_of(last) < order_of(self._last):
            # A store that lost its last second has the same log, cut short; nothing of it is to come twice.
            is_cut = still_there if self._oldest is not None else not _is_of_the_future(self._last)
            self._last = self._newest_read(last) if is_cut else BEFORE_ALL
        self._oldest = oldest[0][0] if oldest else None
        if not self._read:
            self._remember_before(self._last)

    def _remember_before(self, last: bytes) -> None:
        """Take the entries up to where the reader begins for read: whoever follows from there wants none of them."""
        pipeline = self._client.pipeline(transaction=False)
        pipeline.xrevrange(self._key, max=last, count=_BEFORE)
        [before] = read_replies(pipeline)
        self._read.extend(entry_id for entry_id, _ in reversed(before or ()))

    def _newest_read(self, last: bytes) -> bytes:
        """Return the id of the newest entry that is still there and was read; `last` when none was."""
        pipeline = self._client.pipeline(transaction=False)
        pipeline.xrevrange(self._key, count=_REMEMBERED)
        [entries] = read_replies(pipeline)
        read = set(self._read)
        return next((entry_id for entry_id, _ in entries or () if entry_id in read), last)

    def _wait(self) -> None:
        if not self._waits:
            logger.warning("the key %s holds something else than the job log: rename or delete it", self._key)
        self._waits = True
        if self._block is not None:
            time.sleep(_PAUSE)


def _is_of_the_future(entry_id: bytes) -> bool:
    """Return whether an id was not made by a clock; a log whose last one it was can only have been replaced."""
    return order_of(entry_id)[0] > (time.time() + _AHEAD) * 1000


def _only_stream(reply: Any) -> Any:
    if not reply:
        return ()
    return next(iter(reply.values()))[0] if isinstance(reply, dict) else reply[0][1]
