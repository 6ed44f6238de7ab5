"""Log entries to stream fields and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from liquid_background.job import LogEntry, LogStatus

FIELDS: Final = (
    "job_id",
    "source_name",
    "template",
    "line",
    "attempt",
    "max_attempts",
    "status",
    "duration",
    "message",
    "type",
    "final",
)
"""The fields of every entry, in this order always: the stream then stores their names once a block."""

MAX_MESSAGE: Final = 4_000  # characters; a longer message ends in …


def encode_entry(entry: LogEntry) -> list[bytes | int]:
    """Return the values of an entry in the order of FIELDS."""
    return [
        _bytes(entry.job_id),
        _bytes(entry.source_name),
        _bytes(entry.template),
        entry.line,
        entry.attempt,
        entry.max_attempts,
        _bytes(entry.status or ""),
        entry.duration,
        _bytes(clip(entry.message)),
        _bytes(entry.type),
        int(entry.final),
    ]


def clip(message: str) -> str:
    """Return a message no longer than an entry holds."""
    return message if len(message) <= MAX_MESSAGE else message[: MAX_MESSAGE - 1] + "…"


def _bytes(text: str) -> bytes:
    # A lone surrogate cannot be written as UTF-8; it is shown by its number instead.
    return text.encode("utf-8", "backslashreplace")


def decode_entry(entry_id: bytes, fields: Mapping[bytes, bytes]) -> LogEntry:
    """Return an entry read back; a field that is absent or garbage is left blank."""
    text = {name: fields.get(name.encode("ascii"), b"").decode("utf-8", "backslashreplace") for name in FIELDS}
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
    return replace(entry, id=identity, time=datetime.fromtimestamp(int(identity.partition("-")[0]) / 1000, UTC))


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0
