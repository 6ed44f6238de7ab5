"""Jobs to RQ records and back: the fields of a record, as written and as read."""

from __future__ import annotations

import json
import math
from base64 import b64decode
from collections.abc import Mapping, Sequence
from time import time
from typing import Any, Final

from liquid_background.errors import JobRefused, NotPlain
from liquid_background.job import (
    JOB_ID,
    MAX_RETRIES,
    MAX_SOURCE_NAME,
    Encoded,
    Job,
    JobRecord,
    JobStatus,
)
from liquid_background.jobs import handover
from liquid_background.jobs.contract import not_found
from liquid_background.jobs.log.entry import MAX_FIELD
from liquid_background.jobs.queue import keys
from liquid_background.jobs.queue.opening import inflate, signed_text
from liquid_background.jobs.queue.payload import decode_json, decode_payload, encode_data, parent_of
from liquid_background.jobs.queue.protocol import MAX_ATTEMPTS_READ, JobValues
from liquid_background.jobs.queue.reading import text, whole
from liquid_background.jobs.queue.results import MAX_RESULT
from liquid_background.jobs.queue.signing import sign
from liquid_background.jobs.site import priority_of, queue_name
from liquid_background.jobs.store import Store
from liquid_background.settings import Settings


def encode_job(job: Job, settings: Settings, now: float | None = None) -> JobValues:
    """Return the values of a job that the enqueue script takes.

    Args:
        job: what is enqueued.
        settings: with what the job leaves open, and the key that signs it.
        now: seconds by the store's clock, not ahead of it; needed for signing only.

    Raises:
        JobRefused: when the id or the number of attempts is outside its range.
    """
    if not JOB_ID.fullmatch(job.id):
        raise JobRefused(f"job id {job.id[:120]!r} is not 1 to 100 letters, digits, - and _")
    if not 1 <= job.max_attempts <= MAX_RETRIES + 1:
        raise JobRefused(f"job {job.id}: max_attempts {job.max_attempts} is not from 1 to {MAX_RETRIES + 1}")
    waits = json.dumps(waits_of(job, settings), separators=(",", ":")) if job.max_attempts > 1 else "[]"
    limit = settings.job_timeout_of(job.priority) if job.timeout is None else job.timeout
    seconds = math.ceil(limit)
    exact = "" if seconds == limit else repr(limit)
    data = encode_data(job)
    queue = str(job.priority)
    signature = ""
    if settings.signing_key:
        origin = queue_name(settings.site, queue)
        parts = (*signed_text(job.id, origin, str(seconds), exact, waits), data)
        signature = sign(settings.signing_key, parts, _due(job, now))
    delay = (job.delay * 60 or 0) if job.start_at is None else f"@{job.start_at!r}"
    group, most = (job.group.name, job.group.max_concurrency) if job.group else ("", "")
    kept = settings.result_ttl, settings.failure_ttl
    retries = job.max_attempts - 1
    # By their places: named, they would take longer than all else here.
    return JobValues(
        job.id, queue, delay, data, seconds, retries, waits, job.source_name, exact, signature, *kept, group, most
    )


def _due(job: Job, now: float | None) -> int:
    """Return the second in which a job is due; a start time that is past means now."""
    if job.start_at is not None:
        due = job.start_at if now is None else max(job.start_at, now)
    else:
        # Whose clock is not known goes by this machine's: better than a job that nobody signs.
        due = (time() if now is None else now) + job.delay * 60
    return max(0, math.floor(due))


def waits_of(job: Job, settings: Settings) -> list[float]:
    """Return the seconds before attempts 2, 3, … of a job, one less than its attempts."""
    waits = settings.waits(job.max_attempts) if job.waits is None else job.waits
    padded = [*waits, *[waits[-1] if waits else 0.0] * job.max_attempts]
    return padded[: job.max_attempts - 1]


READ: Final[tuple[str, ...]] = (
    "data",
    "status",
    "origin",
    "description",
    keys.FINAL,
    keys.ATTEMPT,
    keys.ERROR,
    "created_at",
    "started_at",
    "ended_at",
)
"""The fields of a record that people are shown: the script `read` returns them in this order, and then the result."""
MAX_RESULT_READ: Final = 16 * (MAX_RESULT + 3)
"""Bytes of a stored result that are read: versions before kept characters, of 12 bytes at most; base64 adds a third."""
_LONGEST_NAME: Final = MAX_SOURCE_NAME  # bytes of a name or a queue that another tool wrote


def decode_record(job_id: str, values: Sequence[bytes | None], site: str = "") -> JobRecord:
    """Return a job as read back; what its record does not say, or says in garbage, is left blank.

    Args:
        job_id: its id, as it is shown.
        values: of the fields in READ, and of the result.
        site: whose it is.
    """
    data, state, origin, description, final, attempt, error, created, started, ended, result = values
    payload = _payload(data or b"")
    status = JobStatus.from_rq(text(state, _LONGEST_NAME))
    queue = text(origin, _LONGEST_NAME)
    if status is JobStatus.PENDING and final:  # retried: what is there tells of the run before
        attempt = error = started = ended = None
    return JobRecord(
        id=job_id,
        source_name=payload.get("source_name") or text(description, _LONGEST_NAME),
        status=status,
        priority=priority_of(site, queue) or queue,
        delay=payload.get("delay", 0.0),
        max_attempts=payload.get("max_attempts", 1),
        attempts=whole(attempt, 0, MAX_ATTEMPTS_READ),
        parameters=decoded_values(payload.get("parameters", {})),
        handed_over=decoded_values(payload.get("handed_over", {})),
        source=payload.get("source") or payload.get("partial") or payload.get("function") or "",
        template=payload.get("template", ""),
        line=payload.get("line", 0),
        result=_result(result, final) if status is JobStatus.COMPLETED else None,
        error=text(error, MAX_FIELD) or None,
        created_at=keys.parse_time(created),
        started_at=keys.parse_time(started),
        completed_at=keys.parse_time(ended),
        edited_from=payload.get("edited_from", ""),
        parent=parent_of(payload),
        runs=next((kind for kind in ("source", "partial", "function") if payload.get(kind)), ""),
    )


def payload_in(store: Store, job_id: str) -> dict[str, Any]:
    """Return the payload of a job, as a worker would be given it.

    Raises:
        JobNotFound: when no record has that id.
        JobRefused: when the record is not one that a worker may run.
        StoreUnavailable: when the store cannot be reached.
    """
    data: Any = store.client.hget(keys.job(job_id), "data")
    if data is None:
        raise not_found(job_id)
    return decode_payload(inflate(data))


def _payload(data: bytes) -> dict[str, Any]:
    try:
        return decode_payload(inflate(data))
    except JobRefused:
        return {}


def decoded_values(encoded: Mapping[str, Encoded]) -> Mapping[str, Any]:
    """Return the values of a payload, by name, as they are shown."""
    return {name: _value(item) for name, item in encoded.items()}


def _value(signed_text: Encoded) -> Any:
    """Return a value decoded; as it stands when another application signed_text it; None when it can't be shown."""
    try:
        return handover.decode(signed_text)
    except NotPlain:
        pass
    try:
        handover.encode(signed_text)
    except NotPlain:
        return None
    return signed_text


def _result(value: bytes | None, final: bytes | None) -> Any:
    if not value:
        return "" if final == b"1" else None  # see results.kept_result
    try:
        return _value(decode_json(b64decode(value)))
    except ValueError:
        return None
