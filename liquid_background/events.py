"""The events of the system itself: their names, which no template may trigger or take, and what each tells."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

EVERY: Final = "every"
"""The folder of alerts whose templates are sent whatever the event."""

_SOME_TIME: Final = datetime(2026, 1, 15, 14, 32, 45, tzinfo=UTC)
_OF_A_JOB: Final = {
    "source_name": "send_email",
    "job_id": "0123456789abcdef0123456789abcdef",
    "template": "pages/checkout",
    "line": 12,
    "failure": "5d1c02a94be7",
}


class SystemEvent(NamedTuple):
    """One event that workers tell of."""

    name: str
    says: str
    sample: Mapping[str, Any]
    """The values that it has beside those of every event, as `poscli alerts test` gives them."""
    for_hooks_only: bool = False


SYSTEM_EVENTS: Final[Mapping[str, SystemEvent]] = {
    event.name: event
    for event in (
        SystemEvent(
            "job.failed",
            "a job has failed for good",
            {**_OF_A_JOB, "raised": "SMTPServerDisconnected", "error": "SMTPServerDisconnected: Connection closed"},
        ),
        SystemEvent(
            "job.lost",
            "a job's processes died too often, or its record was gone",
            {**_OF_A_JOB, "raised": "LOST", "error": "its process was killed by signal 9 (SIGKILL)"},
        ),
        SystemEvent(
            "job.refused",
            "a job was not one that a worker may run",
            {**_OF_A_JOB, "raised": "REFUSED", "error": "its signature does not fit", "template": "", "line": 0},
        ),
        SystemEvent(
            "queue.late",
            "the oldest job of a queue has waited longer than QUEUE_LATE",
            {"queue": "default", "seconds": 421, "waiting": 12},
        ),
        SystemEvent(
            "schedule.missed",
            "a time of a schedule passed while no worker was there to enqueue its job",
            {"schedule": "nightly_report", "missed_at": _SOME_TIME, "after": datetime(2026, 1, 14, 14, 0, tzinfo=UTC)},
        ),
        SystemEvent(
            "worker.gone",
            "a worker was not heard of any more, and had not said that it stops",
            {"worker": "web1.4711", "host": "web1", "seen_at": _SOME_TIME},
        ),
        SystemEvent(
            "store.trouble",
            "a worker cannot reach the store, or it takes no writes",
            {"worker": "web1.4711", "error": "redis://localhost:6379/0 is away (Connection refused)"},
            for_hooks_only=True,
        ),
        SystemEvent(
            "alert.failed",
            "an alert could not be sent, whatever was tried",
            {"alert": "job.failed", "template": "every/mail", "error": "ConnectionRefusedError: 25"},
            for_hooks_only=True,
        ),
    )
}
"""By name. Those for hooks only cannot travel through what is broken then."""

ALERTED: Final = tuple(event.name for event in SYSTEM_EVENTS.values() if not event.for_hooks_only)
"""The names of those that have templates."""


def is_reserved(name: str) -> bool:
    """Return whether an event of that name is the system's."""
    return name in SYSTEM_EVENTS
