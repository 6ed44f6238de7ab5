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
    Job,
    JobRecord,
    JobStatus,
    Priority,
    decode_payload,
)
from liquid_background.queue import keys
from liquid_background.queue.scripts import Argument
from liquid_background.queue.signing import sign, verify
from liquid_background.settings import Settings

MAX_DATA: Final = 2 * MAX_PAYLOAD
"""Bytes of a record's data that a worker reads: the payload, with room for what wraps it."""
MAX_RESULT: Final = 1024 * 1024
"""Bytes of JSON of a result that are kept; some characters take twelve."""


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


def open_claimed(job_id: str, queue: str, planted: bytes, values: list[bytes | None], settings: Settings) -> Claimed:
    """Return what a claimed record asks for.

    Args:
        job_id: its id.
        queue: that it was claimed from.
        planted: the name of a field that it should not have; empty when there is none.
        values: of the fields in CLAIMED.
        settings: with the keys of signatures.

    Raises:
        JobRefused: naming what is wrong with the record.
    """
    if planted:
        raise JobRefused(f"the record carries {_text(planted)}, which no job of ours has")
    data, origin, timeout, intervals, exact, signature, attempt, final = [value or b"" for value in values]
    if origin != queue.encode("ascii"):
        raise JobRefused(f"the record was made for another queue than {queue}")
    data = inflate(data)
    waits, limit = _limits(timeout, intervals, exact)
    if settings.signing_key:
        _verify(job_id, (origin, timeout, exact, signature), waits, data, settings)
    number = 1 if final else _integer(attempt) + 1
    return Claimed(job_id, decode_payload(data), number, len(waits) + 1, limit)


@lru_cache(maxsize=256)
def _limits(timeout: bytes, intervals: bytes, exact: bytes) -> tuple[tuple[float, ...], float]:
    try:
        waits = json.loads(intervals or b"[]")
        limit = float(exact or timeout)
        if not (isinstance(waits, list) and len(waits) <= MAX_RETRIES and 0 < limit < math.inf):
            raise ValueError
        [float(wait) for wait in waits]
    except (ValueError, TypeError, RecursionError) as error:
        raise JobRefused("the record's timeout or retry_intervals is not one") from error
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


def decode_record(job_id: str, fields: Mapping[bytes, bytes], result: Mapping[bytes, bytes] | None) -> JobRecord:
    """Return a job as read back; what its record does not say, or says in garbage, is left blank."""
    payload = _payload(fields.get(b"data", b""))
    status = JobStatus.from_rq(_text(fields.get(b"status", b"")))
    origin = _text(fields.get(b"origin", b""))
    return JobRecord(
        id=job_id,
        source_name=str(payload.get("source_name") or _text(fields.get(b"description", b""))),
        status=status,
        priority=Priority(origin) if origin in keys.QUEUES else origin,
        delay=payload.get("delay", 0.0),
        max_attempts=payload.get("max_attempts", 1),
        attempts=_integer(fields.get(keys.ATTEMPT.encode())),
        parameters=_values(payload.get("parameters", {})),
        handed_over=_values(payload.get("handed_over", {})),
        source=str(payload.get("source") or payload.get("partial") or payload.get("function") or ""),
        template=payload.get("template", ""),
        line=payload.get("line", 0),
        result=_result(result) if status is JobStatus.COMPLETED else None,
        error=_text(fields.get(keys.ERROR.encode(), b"")) or None,
        created_at=keys.parse_time(fields.get(b"created_at")),
        started_at=keys.parse_time(fields.get(b"started_at")),
        completed_at=keys.parse_time(fields.get(b"ended_at")),
    )


def _payload(data: bytes) -> dict[str, Any]:
    try:
        return decode_payload(inflate(data))
    except JobRefused:
        return {}


def _values(encoded: Mapping[str, Any]) -> Mapping[str, Any]:
    try:
        return handover.decode_all(encoded)
    except NotPlain:
        return dict(encoded)


def _integer(value: bytes | None) -> int:
    return int(value) if value and value.isdigit() else 0


def _result(fields: Mapping[bytes, bytes] | None) -> Any:
    try:
        encoded = json.loads(b64decode((fields or {})[b"return_value"]))
    except (KeyError, ValueError):
        return None
    try:
        return handover.decode(encoded)
    except NotPlain:  # a job of another application, which encodes its own way
        return encoded
