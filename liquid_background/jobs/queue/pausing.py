"""What is paused in a store, as it stands there: since when, by whom and why. Reads only."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

from liquid_background.job import Priority
from liquid_background.jobs.queue import keys
from liquid_background.jobs.queue.reading import text, whole
from liquid_background.jobs.site import own_name
from liquid_background.jobs.store.asking import Words
from liquid_background.jobs.store.verdict import Severity, Verdict

PAUSED: Final = "paused"
"""The name of a verdict on a pause."""

_LONGEST_NAME: Final = 200  # bytes of what is paused
_LONGEST: Final = 1_000  # characters of by whom and why
_LAST_TIME: Final = 253_402_300_799_000  # milliseconds: the end of the year 9999
_SHOWN: Final = 5  # pauses that have a verdict each


class PauseKind(StrEnum):
    """What a pause is of, in the words of the store."""

    QUEUE = "queue"
    SOURCE_NAME = "name"
    GROUP = "group"
    ALL = "all"  # every worker of a database, by RQ's own suspend


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """Something that is paused."""

    kind: PauseKind
    name: str  # a priority, a source name or what such names begin with and a `*`, a group; empty for all
    since: datetime | None = None  # by the store's clock; None where that is not known
    by: str = ""
    reason: str = ""

    @property
    def what(self) -> str:
        """What it is of, in words."""
        match self.kind:
            case PauseKind.QUEUE:
                return f"queue {self.name}"
            case PauseKind.SOURCE_NAME:
                return f"source name {self.name}"
            case PauseKind.GROUP:
                return f"group {self.name}"
            case PauseKind.ALL:
                return "every worker"

    @property
    def remedy(self) -> str:
        """How it is ended."""
        option = {PauseKind.QUEUE: "", PauseKind.SOURCE_NAME: "--source-name ", PauseKind.GROUP: "--group "}
        if self.kind is PauseKind.ALL:
            return "rq resume, with the -u that it was suspended with"
        name = f"'{self.name}'" if self.name.endswith("*") else self.name
        return f"poscli queues resume {option[self.kind]}{name}"

    def __str__(self) -> str:
        since = f" since {self.since:%Y-%m-%d %H:%M:%S} UTC" if self.since else ""
        by = f", by {self.by}" if self.by else ""
        return f"{self.what} is paused{since}{by}{f': {self.reason}' if self.reason else ''}"

    def holds(self, *, queue: str, source_name: str, group: str | None) -> bool:
        """Return whether a job waits for its end."""
        match self.kind:
            case PauseKind.QUEUE:
                return queue == self.name
            case PauseKind.SOURCE_NAME:
                is_beginning = self.name.endswith("*")
                return source_name.startswith(self.name[:-1]) if is_beginning else source_name == self.name
            case PauseKind.GROUP:
                return group == self.name
            case PauseKind.ALL:
                return True


def asking_for_pauses(site: str) -> tuple[Words, Words]:
    """Return the two commands whose replies `pauses_of` reads."""
    return ("HGETALL", own_name(site, keys.PAUSES)), ("EXISTS", keys.RQ_SUSPENDED)


def pauses_of(found: Any, suspended: Any) -> tuple[Pause, ...]:
    """Return what is paused, the earliest first.

    Args:
        found: the hash, flat; anything else is none.
        suspended: 1 where RQ's own suspend holds.
    """
    flat: list[bytes] = found if isinstance(found, list) else []
    pairs = list(zip(flat[::2], flat[1::2], strict=True))
    pauses = [pause for what, written in pairs[: 2 * keys.MAX_PAUSES] if (pause := pause_of(what, written))]
    pauses.sort(key=lambda pause: (pause.since or datetime.max.replace(tzinfo=UTC), pause.what))
    everything = [Pause(kind=PauseKind.ALL, name="", by="rq suspend")] if suspended == 1 else []
    return (*everything, *pauses)


def pause_of(what: bytes, written: bytes) -> Pause | None:
    """Return a pause as the store has it; None for what none of ours wrote."""
    kind, _, name = text(what, _LONGEST_NAME).partition(":")
    if kind not in (PauseKind.QUEUE, PauseKind.SOURCE_NAME, PauseKind.GROUP) or not name:
        return None
    if kind == PauseKind.QUEUE and name not in tuple(Priority):
        return None
    since, _, about = written.partition(b" ")
    milliseconds = whole(since, None, _LAST_TIME)
    try:
        said = json.loads(about)
    except (ValueError, RecursionError):
        said = {}
    by, reason = (str(said.get(name, ""))[:_LONGEST] if isinstance(said, dict) else "" for name in ("by", "reason"))
    moment = None if milliseconds is None else datetime.fromtimestamp(milliseconds / 1000, UTC)
    return Pause(kind=PauseKind(kind), name=name, since=moment, by=by, reason=reason)


def is_queue_paused(pauses: Sequence[Pause], queue: str) -> bool:
    """Return whether all jobs of a queue wait."""
    whole_queues = (PauseKind.QUEUE, PauseKind.ALL)
    return any(pause.kind in whole_queues and pause.name in ("", queue) for pause in pauses)


def pause_verdicts(pauses: Sequence[Pause]) -> list[Verdict]:
    """Return what to tell of pauses: each of a few, and how many more there are."""
    verdicts = [
        Verdict(PAUSED, Severity.WARNING, str(pause), f"to end that: {pause.remedy}") for pause in pauses[:_SHOWN]
    ]
    if len(pauses) > _SHOWN:
        found = f"{len(pauses) - _SHOWN} more are paused"
        verdicts.append(Verdict(PAUSED, Severity.WARNING, found, "see all: poscli queues list"))
    return verdicts
