"""Log entries to stream fields and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final, NamedTuple

from liquid_background.job import LogEntry, LogStatus


class EntryValues(NamedTuple):
    """An entry as the stream holds it: fields in this order always, so that their names are stored once a block."""

    job_id: bytes = b""
    source_name: bytes = b""
    template: bytes = b""
    line: int = 0
    attempt: int = 0
    max_attempts: int = 0
    status: bytes = b""
    duration: int = 0  # milliseconds
    message: bytes = b""
    type: bytes = b"job"
    final: int = 0


FIELDS: Final = EntryValues._fields

MAX_MESSAGE: Final = 4_000  # bytes; a longer message ends in …
BEFORE_ALL: Final = b"0-0"
"""Lower than the id of any entry."""
MAX_FIELD: Final = 6 * MAX_MESSAGE  # bytes of a field that are read: versions before kept as many characters
SHORT: Final = 256
"""Bytes of the reason of a failed attempt that the log always keeps."""
MAX_TEMPLATE_NAME: Final = 300
"""Bytes of a template's name in the end of an attempt."""
WEIGHED: Final = 512
"""Bytes of a template's line for which it counts as one more among those that the log keeps."""


def encode_entry(entry: LogEntry) -> EntryValues:
    """Return the values of an entry, in the order of FIELDS."""
    return EntryValues(
        job_id=encoded(entry.job_id),
        source_name=encoded(entry.source_name),
        template=encoded(entry.template),
        line=entry.line,
        attempt=entry.attempt,
        max_attempts=entry.max_attempts,
        status=encoded(entry.status or ""),
        duration=entry.duration,
        message=encoded(clip(entry.message)),
        type=encoded(entry.type),
        final=int(entry.final),
    )


def clip(message: str, most: int = MAX_MESSAGE) -> str:
    """Return a message no longer than an entry holds."""
    if message.isascii() and len(message) <= most:
        return message
    written = encoded(message[: most + 1])
    if len(written) <= most:
        return message
    return written[: most - len("…".encode())].decode("utf-8", "ignore") + "…"


def encoded(text: str) -> bytes:
    """Return text as an entry holds it: a lone surrogate, which UTF-8 cannot say, is shown by its number instead."""
    return text.encode("utf-8", "backslashreplace")


def decode_entry(entry_id: bytes, fields: Mapping[bytes, bytes]) -> LogEntry:
    """Return an entry read back; a field that is absent or garbage is left blank."""
    given = {name: fields.get(name.encode("ascii"), b"")[:MAX_FIELD] for name in FIELDS}
    text = {name: value.decode("utf-8", "backslashreplace") for name, value in given.items()}
    entry = LogEntry(
        job_id=text["job_id"],
        source_name=text["source_name"],
        template=text["template"],
        line=_number(text["line"]),
        attempt=_number(text["attempt"]),
        max_attempts=_number(text["max_attempts"]),
        status=LogStatus(text["status"]) if text["status"] in LogStatus.__members__ else None,
        duration=_number(text["duration"]),
        message=text["message"],
        type=text["type"],
        final=text["final"] == "1",
    )
    identity = entry_id.decode("ascii")
    return replace(entry, id=identity, time=_time(int(identity.partition("-")[0])))


def weight_of(values: EntryValues) -> int:
    """Return as how many of the lines that the log keeps one counts: one, and one more for each WEIGHED bytes."""
    return 1 + sum(len(b"%d" % value if isinstance(value, int) else value) for value in values) // WEIGHED


def fits(entry: LogEntry, source_name: str | None, status: LogStatus | str | None, type: str | None) -> bool:
    """Return whether an entry passes the filters, each None or empty for any; a type in any case."""
    return (
        (not source_name or entry.source_name == source_name)
        and (not status or entry.status == status)
        and (not type or entry.type == type or encoded(entry.type).lower() == encoded(type).lower())
    )


def order_of(entry_id: bytes) -> tuple[int, int]:
    """Return what the ids of a log's entries are ordered by: their milliseconds since 1970, and a number in these."""
    milliseconds, _, number = entry_id.partition(b"-")
    return int(milliseconds), int(number or 0)


def milliseconds_of(since: datetime) -> int:
    """Return the first milliseconds since 1970 of an entry that is not older; ids know no time before 1970."""
    return max(0, int(since.timestamp() * 1000))


def _time(milliseconds: int) -> datetime | None:
    try:
        return datetime.fromtimestamp(milliseconds / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return None  # beyond the year 9999: an id that another tool gave


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0
