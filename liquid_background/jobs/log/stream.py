"""The streams behind the job log: their names, and reading what there is.

All entries are appended to one stream. Where lines of templates make it long, its oldest entries go, and the ends of
attempts among them move to a second one under their ids (see room.lua). So what is there is the second stream, and
behind its newest entry the first.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final

from redis import Redis

from liquid_background.job import LogEntry, LogStatus
from liquid_background.jobs.log.entry import BEFORE_ALL, decode_entry, milliseconds_of, order_of
from liquid_background.jobs.log.searching import keys_of, script, search
from liquid_background.jobs.store import read_replies, translated_errors

_AT_ONCE: Final = 500  # entries that one call returns


def entries(
    client: Redis,
    *,
    source_name: str | None = None,
    status: LogStatus | str | None = None,
    type: str | None = None,
    job_id: str | None = None,
    since: datetime | None = None,
    before: str | None = None,
    until: datetime | None = None,
    limit: int = 100,
    site: str = "",
) -> list[LogEntry]:
    """Return the newest entries of a site's log that match, oldest first: of those before the id `before`, if given.

    Filters are literal and applied in the store.
    """
    oldest = _from(since)
    wanted = {"source_name": source_name, "status": status, "type": type, "job_id": job_id}
    found: list[LogEntry] = []
    newest: str | bytes = "+" if until is None else b"%d" % milliseconds_of(until)
    if before is not None:  # before the first id there can be is nothing, and the store takes no such end of a range
        newest = f"({before}" if any(order_of(before.encode())) else ""
    while newest and len(found) < limit:
        with translated_errors():
            reply: Any = client.eval(script(), 0, *search(newest, oldest, limit - len(found), wanted, site=site))
        chunk, newest = reply
        found.extend(decode_entry(entry[0], _pairs(entry[1])) for entry in chunk)
    return found[::-1]


def oldest_first(client: Redis, last: str, since: datetime | None = None, *, site: str = "") -> Iterator[LogEntry]:
    """Yield all entries up to the id `last`, from the oldest: however many they are, few are held at once.

    Raises:
        StoreUnavailable: when the store cannot be reached.
    """
    key, ends = keys_of(site)
    start, end = _from(since), last.encode("ascii")
    while True:
        pipeline = client.pipeline(transaction=False)
        pipeline.xrange(key, min=start, max=end, count=_AT_ONCE)
        pipeline.xrange(ends, min=start, max=end, count=_AT_ONCE)  # second: what has moved meanwhile is in it
        found, moved = read_replies(pipeline)
        found = moved or found
        for entry_id, fields in found or ():
            yield decode_entry(entry_id, fields)
        if not found or found[-1][0] == end:
            return
        start = b"(" + found[-1][0]


def _from(since: datetime | None) -> bytes:
    return b"-" if since is None else b"%d" % milliseconds_of(since)


def last_id(client: Redis, site: str = "") -> str:
    """Return the id of the newest entry of a site's log; `0-0` when there is none.

    Raises:
        StoreUnavailable: when the store cannot be reached.
    """
    pipeline = client.pipeline(transaction=False)
    for key in keys_of(site):
        pipeline.xrevrange(key, count=1)
    newest = next(filter(None, read_replies(pipeline)), None)
    return (newest[0][0] if newest else BEFORE_ALL).decode("ascii")


def _pairs(flat: Sequence[bytes]) -> dict[bytes, bytes]:
    return dict(zip(flat[::2], flat[1::2], strict=True))
