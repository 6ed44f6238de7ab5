"""What a worker looks at before it runs a record: where it stands, its limits, its signature, its payload."""

from __future__ import annotations

import json
import math
import zlib
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, NamedTuple

from liquid_background.errors import JobRefused
from liquid_background.job import (
    JOB_ID,
    MAX_RETRIES,
    MAX_RETRYING,
    MAX_TIMEOUT,
)
from liquid_background.jobs.queue import keys
from liquid_background.jobs.queue.payload import FUNCTION, decode_payload, encode_payload
from liquid_background.jobs.queue.protocol import CLAIMED, MAX_ATTEMPTS_READ, MAX_DATA, PLANTED
from liquid_background.jobs.queue.reading import number, whole
from liquid_background.jobs.queue.signing import sign_again, verify
from liquid_background.jobs.site import queue_name
from liquid_background.settings import Settings


def signed_text(*parts: str) -> list[bytes]:
    """Return the parts of a job that are text as its signature is over them."""
    return [part.encode("utf-8") for part in parts]


_LONGEST_ID: Final = 100
_DEFLATED: Final = b"\x78"  # what compressed data begins with, and no JSON


class Claimed(NamedTuple):  # made once a job, so it has to be cheap
    """A job that a worker holds the lease of and may run."""

    id: str
    payload: dict[str, Any]
    attempt: int  # that a start would begin
    max_attempts: int
    limit: float  # seconds an attempt
    enqueued: float | None  # since when it could have run, in seconds since 1970 by the store's clock


def open_claimed(
    job_id: bytes,
    queue: str,
    planted: bytes,
    values: list[bytes | None],
    settings: Settings,
    *,
    now: float,
) -> Claimed:
    """Return what a claimed record asks for.

    Args:
        job_id: its id, as it stands in the store.
        queue: that it was claimed from, without the site's name.
        planted: the name of a field that it should not have, or not as long; empty when there is none.
        values: of the fields in CLAIMED, or of the first of them where no more are there.
        settings: with the site, and the keys of signatures.
        now: seconds by the store's clock when it was claimed.

    Raises:
        JobRefused: naming what is wrong with the record.
    """
    name = _text(job_id)
    # Most are letters and digits, which takes less time to see.
    if not (name.isascii() and name.isalnum() and len(name) <= _LONGEST_ID) and not JOB_ID.fullmatch(name):
        raise JobRefused("its id is not 1 to 100 letters, digits, - and _")
    if planted:
        unknown = "which no job of ours has" if _text(planted) in PLANTED else "longer than any job of ours has it"
        raise JobRefused(f"the record carries {_text(planted)}, {unknown}")
    lacking = len(CLAIMED) - len(values)  # the last ones, which few jobs have
    data, origin, timeout, enqueued, intervals, exact, signature, attempt, final = (
        [*values, *(None,) * lacking] if lacking else values
    )
    if origin != _origin(settings.site, queue):
        raise JobRefused(f"the record was made for another queue than {queue}")
    data = data or b""
    if len(data) > MAX_DATA or data[:1] == _DEFLATED:
        data = inflate(data)
    waits, limit = limits_of(timeout or b"", intervals or b"", exact or b"")
    if settings.signing_key:
        fields = (origin or b"", timeout or b"", exact or b"")
        verify(settings.signing_key, signature or b"", _signed(name, fields, waits, data), now)
    begun = 0 if final or attempt is None else whole(attempt, 0, MAX_ATTEMPTS_READ)
    return Claimed(name, decode_payload(data), begun + 1, len(waits) + 1, limit, _seconds(enqueued or b""))


@lru_cache(maxsize=16)
def _origin(site: str, queue: str) -> bytes:
    return queue_name(site, queue).encode("ascii")


@lru_cache(maxsize=16)  # the jobs of a page have the same
def _seconds(stamp: bytes) -> float | None:
    try:
        return datetime.fromisoformat(stamp.decode("ascii")).timestamp()
    except (ValueError, OverflowError):
        return None


@lru_cache(maxsize=256)
def limits_of(timeout: bytes, intervals: bytes, exact: bytes) -> tuple[tuple[float, ...], float]:
    """Return the waits before attempts 2, 3, … that a record says, and the seconds an attempt.

    Raises:
        JobRefused: when they are none.
    """
    try:
        waits = json.loads(intervals or b"[]")
        if not (isinstance(waits, list) and len(waits) <= MAX_RETRIES):
            raise ValueError
        if not all(0 <= float(wait) <= MAX_RETRYING for wait in waits):
            raise ValueError
    except (ValueError, TypeError, RecursionError, OverflowError) as error:
        raise JobRefused("the record's timeout or retry_intervals is not one") from error
    limit = number(exact or timeout, 0.0, math.inf)
    if not 0 < limit <= MAX_TIMEOUT:
        raise JobRefused(f"the record's timeout or {keys.LIMIT} is not over 0 and up to {MAX_TIMEOUT:.0f} seconds")
    return tuple(waits), limit


def _signed(job_id: str, fields: tuple[bytes, bytes, bytes], waits: Sequence[float], data: bytes) -> list[bytes]:
    """Return the parts of a job that its signature is over; the fields are origin, timeout and exact limit."""
    spaced = json.dumps(waits, separators=(",", ":"))  # RQ spaces them otherwise when it saves a record again
    return [*signed_text(job_id), *fields, spaced.encode("ascii"), data]


SIGNED: Final[tuple[str, ...]] = ("data", "origin", "timeout", "retry_intervals", keys.LIMIT, keys.SIGNATURE)
"""The fields of a record that its signature is over, and the signature."""


def renew_signature(job_id: str, values: Sequence[bytes | None], settings: Settings, now: float) -> str:
    """Return a new signature of a job that has ended, for a run that begins now; empty when no key is set.

    Args:
        job_id: its id.
        values: of the fields in SIGNED.
        settings: with the keys.
        now: seconds by the store's clock, not ahead of it.

    Raises:
        JobRefused: when the record is not the one that was signed, so that the key must not vouch for it.
    """
    data, origin, timeout, intervals, exact, signature = [value or b"" for value in values]
    waits, _ = limits_of(timeout, intervals, exact)
    parts = _signed(job_id, (origin, timeout, exact), waits, inflate(data))
    return sign_again(settings.signing_key, signature, parts, math.floor(now))


class Performed(NamedTuple):
    """What a worker of RQ's own performs: its job's id, payload and limits as they are in its memory."""

    id: str
    queue: str
    payload: dict[str, Any]
    timeout: float | None  # whole seconds
    waits: Sequence[float]


def check_performed(job: Performed, exact: bytes, signature: bytes, settings: Settings, now: float) -> None:
    """Accept a job that is signed as the settings ask.

    Args:
        job: what is performed, which need not be what its record says by now.
        exact: the record's exact limit.
        signature: the record's.
        settings: with the keys.
        now: seconds by the store's clock.

    Raises:
        JobRefused: when the signature is not over this job, or not valid now.
    """
    timeout = "" if job.timeout is None else str(job.timeout)
    origin, seconds = signed_text(job.queue, timeout)
    parts = _signed(job.id, (origin, seconds, exact), job.waits, encode_payload(job.payload))
    verify(settings.signing_key, signature, parts, now)


def is_foreign(data: bytes) -> bool:
    """Return whether a record's data is another application's: it does not even name our function."""
    try:
        return not inflate(data).startswith(f'["{FUNCTION}"'.encode("ascii"))
    except JobRefused:
        return False


def _text(value: bytes) -> str:
    return value.decode("utf-8", "backslashreplace")


def inflate(data: bytes) -> bytes:
    """Return a record's data as JSON: RQ compresses it when it saves a record, as `rq requeue` does.

    Raises:
        JobRefused: when it is too large; it is never inflated beyond that.
    """
    if len(data) <= MAX_DATA and data[:1] == _DEFLATED:
        inflater = zlib.decompressobj()
        try:
            data = inflater.decompress(data, MAX_DATA + 1)
        except zlib.error as error:
            raise JobRefused("the record's data is neither JSON nor what RQ makes of it") from error
    if len(data) > MAX_DATA:
        raise JobRefused(f"the record's data is over {MAX_DATA:,} bytes")
    return data
