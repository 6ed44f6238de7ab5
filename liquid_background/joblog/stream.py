"""The stream behind the job log: appending, reading with filters, and following."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any, Final

from redis import Redis

from liquid_background.errors import StoreUnavailable
from liquid_background.job import LogEntry, LogStatus
from liquid_background.joblog.entry import FIELDS, decode_entry, encode_entry
from liquid_background.store import translated_errors

KEY: Final = "liquid_background:log"
_BUDGET: Final = 5_000  # entries that one script call looks at: well under a millisecond a thousand
_BLOCK: Final = 1_000  # milliseconds that a follower blocks before it looks at its connection again
_PAUSE: Final = 0.2  # seconds between two tries while the store is away


def append(client: Redis, entries: Sequence[LogEntry], limit: int) -> None:
    """Append entries outside any job's step, such as those of a page that raised."""
    pipeline = client.pipeline(transaction=False)
    for entry in entries:
        fields: Any = dict(zip(FIELDS, encode_entry(entry), strict=True))
        pipeline.xadd(KEY, fields, maxlen=limit, approximate=True)
    with translated_errors():
        pipeline.execute()


def entries(
    client: Redis,
    *,
    source_name: str | None = None,
    status: LogStatus | str | None = None,
    type: str | None = None,
    since: datetime | None = None,
    limit: int = 100,
) -> list[LogEntry]:
    """Return the newest entries that match, oldest first. Filters are literal and applied in the store."""
    oldest = str(int(since.timestamp() * 1000)) if since else "-"
    found: list[LogEntry] = []
    newest: str | bytes = "+"
    while newest and len(found) < limit:
        call = (newest, oldest, limit - len(found), _BUDGET, source_name or "", status or "", type or "")
        with translated_errors():
            reply: Any = client.eval(_script(), 0, *call)
        chunk, newest = reply
        found.extend(decode_entry(entry[0], _pairs(entry[1])) for entry in chunk)
    return found[::-1]


def follow(
    client: Redis,
    *,
    source_name: str | None = None,
    status: LogStatus | str | None = None,
    type: str | None = None,
    after: str | None = None,
) -> Iterator[LogEntry]:
    """Yield entries as they are written, from behind the id `after` (None: from now), for ever.

    It blocks in the store, and goes on by id when the store has been away: no entry is lost or comes twice.
    """
    position = after
    while True:
        try:
            with translated_errors():
                position = last_id(client) if position is None else position
                reply: Any = client.xread({KEY: position}, count=500, block=_BLOCK)
        except StoreUnavailable:
            time.sleep(_PAUSE)
            continue
        for entry_id, fields in _only_stream(reply):
            position = entry_id.decode("ascii")
            entry = decode_entry(entry_id, fields)
            if _fits(entry, source_name, status, type):
                yield entry


def last_id(client: Redis) -> str:
    """Return the id of the newest entry; `0-0` when there is none."""
    newest: Any = client.xrevrange(KEY, count=1)
    return newest[0][0].decode("ascii") if newest else "0-0"


def _only_stream(reply: Any) -> Any:
    if not reply:
        return ()
    return next(iter(reply.values()))[0] if isinstance(reply, dict) else reply[0][1]


def _fits(entry: LogEntry, source_name: str | None, status: str | None, type: str | None) -> bool:
    return (
        (source_name is None or entry.source_name == source_name)
        and (status is None or entry.status == status)
        and (type is None or entry.type == type)
    )


def _pairs(flat: Sequence[bytes]) -> dict[bytes, bytes]:
    return dict(zip(flat[::2], flat[1::2], strict=True))


@cache
def _script() -> str:
    return files("liquid_background.joblog").joinpath("entries.lua").read_text("ascii")
