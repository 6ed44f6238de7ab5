"""Jobs to RQ records and back: the fields of a record, as written and as read."""

from __future__ import annotations

import json
import math
import zlib
from base64 import b64decode
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

from liquid_background import handover
from liquid_background.errors import JobRefused, NotPlain
from liquid_background.job import (
    FUNCTION,
    JOB_ID,
    MAX_PAYLOAD,
    MAX_RETRIES,
    MAX_RETRYING,
    MAX_TIMEOUT,
    Encoded,
    Job,
    JobRecord,
    JobStatus,
    Priority,
)
from liquid_background.payload import decode_json, decode_payload
from liquid_background.queue import keys
from liquid_background.queue.reading import number, text, whole
from liquid_background.queue.scripts import Argument
from liquid_background.queue.signing import sign, verify
from liquid_background.settings import Settings

MAX_DATA: Final = 2 * MAX_PAYLOAD
"""Bytes of a record's data that a worker reads: the payload, with room for what wraps it."""
MAX_RESULT: Final = 1024 * 1024  # characters of rendered text that are kept
MOST_ATTEMPTS: Final = 1_000_000  # that a record may say; the scripts read no more either


def encode_job(job: Job, settings: Settings) -> list[Argument]:
    """Return the fourteen values of a job that the enqueue script takes.

    Raises:
        JobRefused: when the id or the number of attempts is outside its range.
    """
    if not JOB_ID.fullmatch(job.id):
        raise JobRefused(f"job id {job.id[:120]!r} is not 1 to 100 letters, digits, - and _")
    if not 1 <= job.max_attempts <= MAX_RETRIES + 1:
        raise JobRefused(f"job {job.id}: max_attempts {job.max_attempts} is not from 1 to {MAX_RETRIES + 1}")
    waits = json.dumps(_waits(job, settings), separators=(",", ":")) if job.max_attempts > 1 else "[]"
    limit = settings.job_timeout if job.timeout is None else job.timeout
    whole = math.ceil(limit)
    exact = "" if whole == limit else repr(limit)
    data = job.encode()
    queue = str(job.priority)
    signature = ""
    if settings.signing_key:
        signature = sign(settings.signing_key, *_encoded(job.id, queue, str(whole), exact, waits), data)
    delay = (job.delay * 60 or 0) if job.start_at is None else f"@{job.start_at!r}"
    group, most = (job.group.name, job.group.max_concurrency) if job.group else ("", "")
    return [
        job.id, queue, delay, data, whole, job.max_attempts - 1, waits, job.source_name, exact, signature,
        settings.result_ttl, settings.failure_ttl, group, most,
    ]  # fmt: skip


def _waits(job: Job, settings: Settings) -> list[float]:
    waits = settings.waits(job.max_attempts) if job.waits is None else job.waits
    padded = [*waits, *[waits[-1] if waits else 0.0] * job.max_attempts]
    return padded[: job.max_attempts - 1]


def _encoded(*parts: str) -> list[bytes]:
    return [part.encode("utf-8") for part in parts]


CLAIMED: Final[tuple[str, ...]] = (
    "data",
    "origin",
    "timeout",
    "retry_intervals",
    keys.LIMIT,
    keys.SIGNATURE,
    keys.ATTEMPT,
    keys.FINAL,
)
"""The fields of a record that the claim script returns, in this order."""
PLANTED: Final[tuple[str, ...]] = (
    "success_callback_name",
    "failure_callback_name",
    "stopped_callback_name",
    "webhooks",
    "dependency_ids",
    "repeats_left",
    "rate_limit_key",
)
"""The fields that no record of ours has: the claim script says when one is there."""


class Claimed(NamedTuple):  # made once a job, so it has to be cheap
    """A job that a worker holds the lease of and may run."""

    id: str
    payload: dict[str, Any]
    attempt: int  # that a start would begin
    max_attempts: int
    limit: float  # seconds an attempt


def open_claimed(job_id: bytes, queue: str, planted: bytes, values: list[bytes | None], settings: Settings) -> Claimed:
    """Return what a claimed record asks for.

    Args:
        job_id: its id, as it stands in the store.
        queue: that it was claimed from.
        planted: the name of a field that it should not have, or not as long; empty when there is none.
        values: of the fields in CLAIMED.
        settings: with the keys of signatures.

    Raises:
        JobRefused: naming what is wrong with the record.
    """
    name = _text(job_id)
    if not JOB_ID.fullmatch(name):
        raise JobRefused("its id is not 1 to 100 letters, digits, - and _")
    if planted:
        unknown = "which no job of ours has" if _text(planted) in PLANTED else "longer than any job of ours has it"
        raise JobRefused(f"the record carries {_text(planted)}, {unknown}")
    data, origin, timeout, intervals, exact, signature, attempt, final = [value or b"" for value in values]
    if origin != queue.encode("ascii"):
        raise JobRefused(f"the record was made for another queue than {queue}")
    data = inflate(data)
    waits, limit = _limits(timeout, intervals, exact)
    if settings.signing_key:
        _verify(name, (origin, timeout, exact, signature), waits, data, settings)
    begun = 0 if final else whole(attempt, 0, MOST_ATTEMPTS)
    return Claimed(name, decode_payload(data), begun + 1, len(waits) + 1, limit)


@lru_cache(maxsize=256)
def _limits(timeout: bytes, intervals: bytes, exact: bytes) -> tuple[tuple[float, ...], float]:
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


def _verify(
    job_id: str, fields: tuple[bytes, bytes, bytes, bytes], waits: Sequence[float], data: bytes, settings: Settings
) -> None:
    *signed, signature = fields
    spaced = json.dumps(waits, separators=(",", ":"))  # RQ spaces them otherwise when it saves a record again
    verify(settings.signing_key, signature, *_encoded(job_id), *signed, spaced.encode("ascii"), data)


def check_signature(job_id: str, record: Mapping[bytes, bytes], settings: Settings) -> None:
    """Accept a whole record that is signed as the settings ask.

    Raises:
        JobRefused: when it is not, or was changed since.
    """
    data, origin, timeout, intervals, exact, signature, *_ = (record.get(name.encode("ascii"), b"") for name in CLAIMED)
    waits, _ = _limits(timeout, intervals, exact)
    _verify(job_id, (origin, timeout, exact, signature), waits, inflate(data), settings)


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
    if len(data) <= MAX_DATA and data[:1] == b"\x78":
        inflater = zlib.decompressobj()
        try:
            data = inflater.decompress(data, MAX_DATA + 1)
        except zlib.error as error:
            raise JobRefused("the record's data is neither JSON nor what RQ makes of it") from error
    if len(data) > MAX_DATA:
        raise JobRefused(f"the record's data is over {MAX_DATA:,} bytes")
    return data


READ: Final[tuple[str, ...]] = (
    "data",
    "status",
    "origin",
    "description",
    keys.ATTEMPT,
    keys.ERROR,
    "created_at",
    "started_at",
    "ended_at",
)
"""The fields of a record that people are shown: the script `read` returns them in this order, and then the result."""
MAX_RESULT_READ: Final = 16 * (MAX_RESULT + 3)
"""Bytes of a stored result that are read: a character takes up to 12 in JSON, and base64 a third more."""
_MOST_ATTEMPTS: Final = 9_999
_LONGEST_NAME: Final = 255  # bytes of a name or a queue that another tool wrote
_LONGEST_ERROR: Final = 24_000  # bytes: those of the longest message that we write


def decode_record(job_id: str, values: Sequence[bytes | None]) -> JobRecord:
    """Return a job as read back; what its record does not say, or says in garbage, is left blank.

    Args:
        job_id: its id, as it is shown.
        values: of the fields in READ, and of the result.
    """
    data, state, origin, description, attempt, error, created, started, ended, result = values
    payload = _payload(data or b"")
    status = JobStatus.from_rq(text(state, _LONGEST_NAME))
    queue = text(origin, _LONGEST_NAME)
    return JobRecord(
        id=job_id,
        source_name=payload.get("source_name") or text(description, _LONGEST_NAME),
        status=status,
        priority=Priority(queue) if queue in keys.QUEUES else queue,
        delay=payload.get("delay", 0.0),
        max_attempts=payload.get("max_attempts", 1),
        attempts=whole(attempt, 0, _MOST_ATTEMPTS),
        parameters=_values(payload.get("parameters", {})),
        handed_over=_values(payload.get("handed_over", {})),
        source=payload.get("source") or payload.get("partial") or payload.get("function") or "",
        template=payload.get("template", ""),
        line=payload.get("line", 0),
        result=_result(result) if status is JobStatus.COMPLETED else None,
        error=text(error, _LONGEST_ERROR) or None,
        created_at=keys.parse_time(created),
        started_at=keys.parse_time(started),
        completed_at=keys.parse_time(ended),
    )


def _payload(data: bytes) -> dict[str, Any]:
    try:
        return decode_payload(inflate(data))
    except JobRefused:
        return {}


def _values(encoded: Mapping[str, Any]) -> Mapping[str, Any]:
    return {name: _value(item) for name, item in encoded.items()}


def _value(encoded: Encoded) -> Any:
    """Return a value decoded; as it stands when another application encoded it; None when it can't be shown."""
    try:
        return handover.decode(encoded)
    except NotPlain:
        pass
    try:
        handover.encode(encoded)
    except NotPlain:
        return None
    return encoded


def _result(value: bytes | None) -> Any:
    try:
        return _value(decode_json(b64decode(value or b"")))
    except ValueError:
        return None
