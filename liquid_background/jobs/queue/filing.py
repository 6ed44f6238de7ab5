"""The calls by which failed jobs get into the indexes that no move has put them in: found, read, filed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

from liquid_background.errors import JobRefused
from liquid_background.job import LogStatus
from liquid_background.jobs.queue import keys
from liquid_background.jobs.queue.causes import GARBAGE, Cause, raised_in
from liquid_background.jobs.queue.moves import Call
from liquid_background.jobs.queue.opening import inflate
from liquid_background.jobs.queue.payload import decode_payload
from liquid_background.jobs.queue.protocol import MAX_DATA, Argument
from liquid_background.jobs.queue.reading import text

MOST_FILED: Final = 25
"""Jobs that one call files: a millisecond of the store's time."""
MOST_LOOKED: Final = 100
"""Ids that one call looks at in a slice: the same."""
_SHARED_SLICE: Final = 30  # of each of two slices: with the newest, less than a millisecond of the store's time
_SHARED_NEWEST: Final = 10
_READ_AT_ONCE: Final = 1024 * 1024  # bytes, with those of one record more: five milliseconds of the store's time
_READ: Final = ("data", "status", "origin", keys.ERROR, keys.RAISED, "ended_at", "started_at", "created_at")
_LONGEST: Final = 4_000  # bytes of an error
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Looked(NamedTuple):
    """What a look at the indexes and the records says."""

    failed: int  # jobs that have failed, and have not expired
    filed: int
    place: str  # where the next slice of RQ's registries begins; empty after the last
    at: str  # likewise in the index
    removed: int  # ids that were taken out
    missing: Sequence[bytes]  # ids to file

    @classmethod
    def of(cls, reply: Any) -> Looked | None:
        """Return what a reply says; None when it was not this caller's turn."""
        if not isinstance(reply, list) or not reply:
            return None
        failed, filed, place, at, removed, missing = reply
        return cls(failed, filed, place.decode("ascii"), at.decode("ascii"), removed, missing)


def look_newest(passed: int, most: int) -> Call:
    """Return the call that looks at the newest failed jobs of each queue, so many after so many."""
    return "look", [passed, most, 0, "", ""]


def look_through(place: str, at: str) -> Call:
    """Return the call that looks at the next slices of all that has failed and all that is filed."""
    return "look", [0, 0, MOST_LOOKED, place, at]


def look_shared() -> Call:
    """Return the call by which all workers together look through the store, a little a second."""
    return "look", [0, _SHARED_NEWEST, _SHARED_SLICE, "shared", ""]


def read_causes(ids: Sequence[bytes]) -> Call:
    """Return the call that reads why jobs failed; it answers for as many as fit."""
    return "causes", [MAX_DATA, _READ_AT_ONCE, len(_READ), *_READ, *ids]


def file(ids: Sequence[bytes], rows: Sequence[Sequence[bytes | None]]) -> Call | None:
    """Return the call that files jobs, from what was read of each; None when there is none to file."""
    arguments: list[Argument] = []
    for job_id, row in zip(ids, rows, strict=False):
        arguments += _filed(job_id, row)
    return ("file", arguments) if arguments else None


def _filed(job_id: bytes, row: Sequence[bytes | None]) -> list[Argument]:
    data, status, _, error, raised, *times, trace = row
    if status != b"failed":
        return []
    template, line = _place_in(data or b"")
    word, said = text(raised, _LONGEST), text(error, _LONGEST)
    if not word or not said:
        found = raised_in(trace)
        word, said = word or found.name, said or found.error
    if said.startswith(GARBAGE):
        cause = Cause.of("", 0, word, GARBAGE)
    elif word == LogStatus.REFUSED:
        cause = Cause.of("", 0, word, said)
    else:
        cause = Cause.of(template, line, word, said)
    ended = times[0] or b""
    return [job_id, ended, _ended_ms(times), cause.template, cause.line, cause.encoded(), said]


def _place_in(data: bytes) -> tuple[str, int]:
    try:
        payload = decode_payload(inflate(data))
    except JobRefused:
        return "", 0
    return payload["template"], payload["line"]


def _ended_ms(times: Sequence[bytes | None]) -> int:
    """Return when a job ended, or what is known of that: it has begun, and was made, before."""
    for each in times:
        moment = keys.parse_time(each)
        if moment is not None:
            return max(0, (moment - _EPOCH) // timedelta(milliseconds=1))
    return 0
