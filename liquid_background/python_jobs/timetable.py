"""Schedules as operators see them: when they come, what came of the last time; pausing them, and running one now."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final, Protocol, TypeAlias

from liquid_background.errors import JobNotFound, ScheduleNotFound
from liquid_background.job import Job, JobRecord, LogEntry, new_id
from liquid_background.jobs.contract import APPLICATION, Jobs
from liquid_background.jobs.log.entry import encoded
from liquid_background.jobs.queue import keys, scripts
from liquid_background.jobs.queue.reading import text, whole
from liquid_background.jobs.site import id_suffix, own_name
from liquid_background.jobs.store import Store, read_replies
from liquid_background.nearest import nearest
from liquid_background.python_jobs.schedules import Schedule
from liquid_background.threads import Threads

NEXT: Final = 5
"""Next times that are told of a schedule."""
_LOOKED_BACK: Final = 3  # times that have come, of which one may have left a record
_LONGEST: Final = 1_000  # bytes of a name
_LONGEST_BY: Final = 200  # characters
_MOST_MS: Final = 10**14


@dataclass(frozen=True, slots=True, kw_only=True)
class Paused:
    """Since when a schedule is paused, and by whom."""

    since: datetime | None  # aware UTC, by the store's clock; None where that is garbage
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """One schedule and where it stands."""

    name: str
    cron: str
    timezone: str
    source_name: str
    runs: str  # the partial, page or function
    next_times: tuple[datetime, ...]  # in its time zone, the soonest first; also while it is paused
    waiting: str | None  # id of the job of its next time, once a worker has enqueued that
    last_time: datetime | None  # when it last came, of the times that left a record; aware UTC
    last: JobRecord | None  # the job of that time
    paused: Paused | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PastTime:
    """A time of a schedule that has come, or passed while it was paused or no worker ran."""

    at: datetime  # in the schedule's time zone
    job: JobRecord | None  # of that time; None when there was none, or its record has expired


Listed: TypeAlias = list[Planned]  # by this name, since what answers has a method `list`


class Scheduling(Protocol):
    """What the timetable needs of an engine."""

    @property
    def store(self) -> Store: ...

    @property
    def job_store(self) -> object | None: ...  # a double, which has no audit

    @property
    def jobs(self) -> Jobs: ...

    def schedules(self) -> list[Schedule]: ...

    def send(self, jobs: Sequence[Job], entries: Sequence[LogEntry]) -> None: ...


class Timetable:
    """The schedules of an engine, with what the store knows of them."""

    def __init__(self, engine: Scheduling, threads: Threads) -> None:
        self._engine = engine
        self._threads = threads

    def list(self) -> Listed:
        """Return every schedule, the one that comes next first.

        Raises:
            StoreUnavailable: when the store cannot be reached.
        """
        found = self._planned(self._engine.schedules())
        return sorted(found, key=lambda each: (each.next_times[:1] or (_NEVER,), each.name))

    def get(self, name: str) -> Planned:
        """Return one schedule.

        Raises:
            ScheduleNotFound: when the application has none of that name.
            StoreUnavailable: when the store cannot be reached.
        """
        [found] = self._planned([self._find(name)])
        return found

    def history(self, name: str, limit: int = 10) -> Sequence[PastTime]:
        """Return the last times of a schedule with their jobs, the newest first.

        Args:
            name: of the schedule.
            limit: times that are looked back.

        Raises:
            ScheduleNotFound: when the application has none of that name.
            StoreUnavailable: when the store cannot be reached.
        """
        schedule = self._find(name)
        times = schedule.previous_times(self._engine.store.time(0.0), limit)
        return [PastTime(at=schedule.local_time(each), job=self._job_of(schedule, each)) for each in times]

    def _job_of(self, schedule: Schedule, moment: int) -> JobRecord | None:
        try:
            return self._engine.jobs.get(f"{schedule.name}-{moment}{id_suffix(self._engine.store.site)}")
        except JobNotFound:
            return None

    def pause(self, name: str, by: str = APPLICATION) -> bool:
        """Have none of its times come until it is resumed; those that pass meanwhile do not come later.

        Return False when it is paused already. A job that has been enqueued for its next time is taken back.

        Raises:
            ScheduleNotFound: when the application has none of that name.
            StoreUnavailable: when the store cannot be reached.
        """
        return self._set(self._find(name).name, by, pauses=True)

    def resume(self, name: str, by: str = APPLICATION) -> bool:
        """Have its times come again, within half a minute; return False when it is not paused.

        Raises:
            ScheduleNotFound: when neither the application nor the store knows the name.
            StoreUnavailable: when the store cannot be reached.
        """
        if self._set(name, by, pauses=False):  # it may be paused and have gone from the application
            return True
        self._find(name)
        return False

    def run(self, name: str, by: str = APPLICATION) -> str:
        """Enqueue its job now, beside its times and also while it is paused; return the job's id.

        Args:
            name: the schedule's.
            by: who does it, for the audit.

        Raises:
            ScheduleNotFound: when the application has none of that name.
            StoreUnavailable: when the store cannot be reached.
        """
        job = replace(self._find(name).job, id=new_id(), start_at=None, delay=0.0)
        self._engine.send([job], ())
        if self._engine.job_store is None:
            noted = [_named(by), encoded("run"), encoded(f"schedule {name} as job {job.id}")]
            scripts.run(self._engine.store, "note", noted, f"job {job.id} was enqueued, and the audit may say so")
        return job.id

    async def list_async(self) -> Listed:
        """Do what `list` does, in a thread."""
        return await self._threads.run(self.list)

    async def get_async(self, name: str) -> Planned:
        """Do what `get` does, in a thread."""
        return await self._threads.run(self.get, name)

    async def pause_async(self, name: str, by: str = APPLICATION) -> bool:
        """Do what `pause` does, in a thread."""
        return await self._threads.run(self.pause, name, by)

    async def resume_async(self, name: str, by: str = APPLICATION) -> bool:
        """Do what `resume` does, in a thread."""
        return await self._threads.run(self.resume, name, by)

    async def history_async(self, name: str, limit: int = 10) -> Sequence[PastTime]:
        """Do what `history` does, in a thread."""
        return await self._threads.run(self.history, name, limit)

    async def run_async(self, name: str, by: str = APPLICATION) -> str:
        """Do what `run` does, in a thread."""
        return await self._threads.run(self.run, name, by)

    def _find(self, name: str) -> Schedule:
        known = {schedule.name: schedule for schedule in self._engine.schedules()}
        if name not in known:
            near = nearest(name, known)
            hint = f"; did you mean {near!r}?" if near else "; 'poscli schedules list' names them"
            raise ScheduleNotFound(f"no schedule is called {name[:120]!r}{hint}")
        return known[name]

    def _set(self, name: str, by: str, *, pauses: bool) -> bool:
        doubt = f"the schedule may have been {'paused' if pauses else 'resumed'}"
        arguments = [name, "1" if pauses else "", _named(by)]
        return bool(scripts.run(self._engine.store, "pause_schedule", arguments, doubt))

    def _planned(self, schedules: Sequence[Schedule]) -> Listed:
        store = self._engine.store
        now = store.time(0.0)
        pipeline = store.client.pipeline(transaction=False)
        pipeline.hgetall(own_name(store.site, keys.SCHEDULES))
        pipeline.hgetall(own_name(store.site, keys.SCHEDULES_PAUSED))
        enqueued, paused = ({text(k, _LONGEST): v for k, v in (r or {}).items()} for r in read_replies(pipeline))
        last = self._last(schedules, now)
        return [
            Planned(
                name=each.name,
                cron=each.cron,
                timezone=each.timezone,
                source_name=each.job.source_name,
                runs=each.job.partial or each.job.function or each.job.template,
                next_times=_next_times(each, now),
                waiting=_waiting(each.name, enqueued.get(each.name), now, store.site),
                last_time=found[0] if found else None,
                last=found[1] if found else None,
                paused=_paused(paused.get(each.name)),
            )
            for each in schedules
            for found in [last.get(each.name)]
        ]

    def _last(self, schedules: Sequence[Schedule], now: float) -> dict[str, tuple[datetime, JobRecord]]:
        """Return of each schedule the newest of its times that have come that left a record, and that."""
        found: dict[str, tuple[datetime, JobRecord]] = {}
        for schedule in schedules:
            for moment in schedule.previous_times(now, _LOOKED_BACK):
                job = self._job_of(schedule, moment)
                if job is not None:
                    found[schedule.name] = datetime.fromtimestamp(moment, UTC), job
                    break
        return found


def _named(by: str) -> bytes:
    return encoded(by[:_LONGEST_BY] or "?")


_NEVER: Final = datetime.max.replace(tzinfo=UTC)


def _next_times(schedule: Schedule, now: float) -> tuple[datetime, ...]:
    times: list[datetime] = []
    for _ in range(NEXT):
        now = schedule.next_time(now)
        times.append(schedule.local_time(now))
    return tuple(times)


def _waiting(name: str, value: bytes | None, now: float, site: str) -> str | None:
    moment = whole((value or b"").partition(b" ")[0], 0, _MOST_MS)
    return f"{name}-{moment}{id_suffix(site)}" if moment > now else None


def _paused(value: bytes | None) -> Paused | None:
    if value is None:
        return None
    try:
        said = json.loads(value)
        since = datetime.fromtimestamp(min(float(said["since"]), _MOST_MS) / 1000, UTC)
        return Paused(since=since, by=str(said["by"])[:_LONGEST])
    except (ValueError, TypeError, KeyError, OverflowError, OSError, RecursionError):
        return Paused(since=None, by="?")
