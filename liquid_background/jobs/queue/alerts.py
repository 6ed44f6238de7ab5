"""Alerts in the store: the calls by which workers find, take and tell them, and what a taken one says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

from liquid_background.events import SYSTEM_EVENTS
from liquid_background.jobs.queue.moves import Call
from liquid_background.jobs.queue.reading import text, whole
from liquid_background.settings import Settings

_GONE_LEASES: Final = 10  # leases for which a worker is silent before it is gone
_LEAST_GONE: Final = 5.0  # seconds, likewise
_LONGEST: Final = 4_000  # bytes of a value
_MOST: Final = 10**15  # of a number, such as a time in milliseconds
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_TIMES: Final = frozenset(("seen_at", "missed_at", "after"))
_NUMBERS: Final = frozenset(("line", "seconds", "waiting"))
_FROM_GROUP: Final = {
    "source_name": "name",
    "job_id": "sample",
    **{n: n for n in ("template", "line", "raised", "error")},
}
"""What an event tells of its failure group, by what that calls it."""


class Look(NamedTuple):
    """What a look says: whether an alert is due, and what the store could not write beside it."""

    is_due: bool
    problem: bytes

    @classmethod
    def of(cls, reply: Any) -> Look | None:
        """Return what a reply says; None for an error."""
        if not isinstance(reply, list) or not reply:
            return None
        due, *problem = reply
        return cls(due == 1, problem[0] if problem else b"")


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert whose lease this process has.

    Attributes:
        about: its key in the store: a failure group, or the event and what it is about.
        id: the same each time that it is told.
        event: a name of ALERTED.
        count: how often it has happened since it was told last.
        left_out: how many alerts before it were left out, for ALERT_CAP.
        since: when the first of what it tells was noticed.
        values: what the event tells beside that.
        told: to whom it was told already.
        tries: how often that has failed.
        given_up: whether it was taken too often by processes that died.
    """

    about: bytes
    id: str
    event: str
    count: int
    left_out: int
    since: datetime
    values: Mapping[str, Any]
    told: tuple[str, ...]
    tries: int
    given_up: bool


@dataclass(frozen=True, slots=True)
class Taken:
    """What a take brought."""

    alert: Alert | None
    left_out: int  # alerts that were left out just now, for ALERT_CAP


def look(worker: str, host: str, token: str, wanted: Sequence[str], settings: Settings) -> Call:
    """Return the call that says that a worker lives, keeps what it tells, and looks for what is to be told.

    Args:
        worker: its name.
        host: its host's.
        token: of the process that tells for it; empty when none does.
        wanted: the events that anybody is told of.
        settings: with the window, and when a queue is late.
    """
    gone = max(_LEAST_GONE, _GONE_LEASES * settings.lease)
    times = (settings.lease, settings.alert_window, settings.queue_late, gone)
    return "alerts_look", [worker, host, token, *(int(each * 1000) for each in times), _between_blanks(wanted)]


def leave(worker: str, host: str) -> Call:
    """Return the call that says that a worker stops."""
    return "alerts_leave", [worker, host]


def take(token: str, wanted: Sequence[str], settings: Settings) -> Call:
    """Return the call that takes the lease of an alert that is due, of an event that is wanted."""
    return "alerts_take", [token, int(settings.lease * 1000), settings.alert_cap, _between_blanks(wanted)]


def _between_blanks(events: Sequence[str]) -> str:
    return f" {' '.join(events)} "


def told(token: str, alert: Alert, to: str, settings: Settings) -> Call:
    """Return the call that says to whom an alert was told."""
    return "alerts_told", [token, alert.about, int(settings.lease * 1000), "part", to]


def over(token: str, alert: Alert) -> Call:
    """Return the call that says that an alert is told, or will not be."""
    return "alerts_told", [token, alert.about, 0, "over"]


def again(token: str, alert: Alert, seconds: float) -> Call:
    """Return the call that has an alert told again in so many seconds, to those who were not told."""
    return "alerts_told", [token, alert.about, 0, "again", int(seconds * 1000)]


def opened(reply: Any) -> Taken:
    """Return what a take brought."""
    word, left_out, *taken = reply
    if not taken:
        return Taken(None, left_out)
    about, fields, group = taken
    return Taken(_alert(about, _pairs(fields), _pairs(group), given_up=word == b"given up"), left_out)


def _pairs(flat: Sequence[bytes]) -> dict[str, bytes]:
    return {text(name, 100): value for name, value in zip(flat[::2], flat[1::2], strict=True)}


def _alert(about: bytes, fields: Mapping[str, bytes], group: Mapping[str, bytes], *, given_up: bool) -> Alert:
    event = text(fields.get("event", b""), 100)
    found = {name: group[of] for name, of in _FROM_GROUP.items() if of in group} if group else {}
    found |= fields
    sample = SYSTEM_EVENTS[event].sample if event in SYSTEM_EVENTS else {}
    count = whole(fields.get("waiting" if event == "queue.late" else "telling"), 1, _MOST)
    return Alert(
        about=about,
        id=text(fields.get("id", b""), 100),
        event=event,
        count=max(1, count),
        left_out=whole(fields.get("left_out"), 0, _MOST),
        since=_time(fields.get("begins")),
        values={name: _value(name, found.get(name)) for name in sample},
        told=tuple(text(fields.get("told", b""), _LONGEST).split("\n")[:-1]),
        tries=whole(fields.get("tries"), 0, _MOST),
        given_up=given_up,
    )


def _value(name: str, value: bytes | None) -> Any:
    if name in _TIMES:
        return _time(value) if value else None
    return whole(value, 0, _MOST) if name in _NUMBERS else text(value or b"", _LONGEST)


def _time(value: bytes | None) -> datetime:
    return _EPOCH + timedelta(milliseconds=whole(value, 0, _MOST // 10))
