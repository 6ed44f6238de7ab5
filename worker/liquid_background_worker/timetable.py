"""The schedules that a worker keeps: at each time of a cron expression, its job is enqueued by whoever comes first."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from liquid_background.alerting import tells
from liquid_background.job import Performer
from liquid_background.jobs.queue import moves
from liquid_background.jobs.queue.moves import Call
from liquid_background.settings import Settings

if TYPE_CHECKING:  # an application that has schedules has imported them
    from liquid_background.python_jobs import Schedule

_AGAIN: Final = 30.0  # seconds after which a time is enqueued again, in case the store has lost it
_SHARE: Final = 0.02  # seconds of a look that thousands of schedules may take from the leases and limits of jobs


@dataclass(slots=True)
class _Line:
    """One schedule, its next time, and until when this worker need not ask for that again; by the store's clock."""

    schedule: Schedule
    until: float = 0.0
    found_at: float = 0.0
    moment: int = 0
    previous: int | None = None  # its last time before that; None where nobody wants to hear of missed ones

    def next_time(self, now: float, tells: bool) -> int:
        """Return the schedule's next time, which is worked out once; anew where the clock was put back meanwhile."""
        if not self.found_at <= now < self.moment:
            self.found_at, self.moment = now, self.schedule.next_time(now)
            self.previous = next(iter(self.schedule.previous_times(now, 1)), None) if tells else None
        return self.moment


class Timetable:
    """Asks the store for its clock first, and then for one job a schedule: that of its next time.

    Args:
        schedules: what the application declares.
        settings: those of the worker.
        tells: whether somebody wants to hear of times that were missed.
    """

    def __init__(self, schedules: Sequence[Schedule], settings: Settings, tells: bool = False) -> None:
        self._tells = tells
        self._lines = deque(_Line(schedule) for schedule in schedules)  # the one that is looked at next comes first
        self._settings = settings
        self._offset: float | None = None  # seconds from this process's monotonic clock to the store's
        self._ask_at = 0.0
        self._refused_until = 0.0  # by the monotonic clock

    @classmethod
    def of(cls, performer: Performer, settings: Settings) -> Timetable:
        """Return the timetable of an application; one that performs jobs and declares no schedules has none."""
        declared: Callable[[], Sequence[Schedule]] = getattr(performer, "schedules", tuple)
        return cls(declared(), settings, tells(performer, settings))

    def calls(self) -> list[Call]:
        """Return the calls that are due now, of thousands as many as there is time for."""
        if not self._lines or monotonic() < self._refused_until:
            return []
        if self._offset is None:
            if monotonic() < self._ask_at:
                return []
            self._ask_at = monotonic() + 1.0
            return [moves.schedule("", "", None, self._settings)]
        now = monotonic() + self._offset
        ends = monotonic() + _SHARE
        calls: list[Call] = []
        for _ in range(len(self._lines)):
            line = self._lines[0]
            if line.until <= now:
                if monotonic() >= ends:
                    break
                calls.append(self._call(line, now))
            self._lines.rotate(-1)
        return calls

    def _call(self, line: _Line, now: float) -> Call:
        schedule, moment = line.schedule, line.next_time(now, self._tells)
        line.until = min(moment + 0.05, now + _AGAIN)
        job = schedule.job_at(moment)
        former, previous = schedule.former_name, line.previous
        return moves.schedule(schedule.name, schedule.digest, job, self._settings, former, previous=previous)

    def heard(self, reply: Any) -> None:
        """Take note of the clock that a call's reply gives; after an error, all times are asked for again soon."""
        if isinstance(reply, int):
            self._offset = reply / 1000 - monotonic()
        else:
            self._refused_until = monotonic() + 1.0
            self._ask_for_all()

    def connected(self) -> None:
        """Ask for the clock and all times again: another server has another clock, and may lack some."""
        self._offset = None
        self._ask_at = 0.0
        self._ask_for_all()

    def _ask_for_all(self) -> None:
        for line in self._lines:
            line.until = 0.0
