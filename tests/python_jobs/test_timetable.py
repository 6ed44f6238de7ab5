"""Schedules as operators see them: their times, what came of the last one, pauses."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from liquid_background import Engine
from liquid_background.errors import ScheduleNotFound
from liquid_background.job import Job
from liquid_background.jobs.queue import keys, moves, scripts
from liquid_background.jobs.store import Store
from liquid_background.python_jobs.cron_words import in_words
from liquid_background.python_jobs.schedules import Schedule
from liquid_background.settings import Settings
from liquid_background.testing import fake_jobs


@pytest.fixture
def engine(settings: Settings, store: Store, tmp_path: Path) -> Engine:
    """An engine with one schedule."""
    partial = tmp_path / "partials" / "hourly.liquid"
    partial.parent.mkdir()
    partial.write_text("---\nschedule: '0 * * * *'\n---\ndone")
    return Engine(settings=settings.model_copy(update={"templates": tmp_path}))


def _enqueue(engine: Engine, schedule: Schedule, moment: int) -> None:
    call = moves.schedule(schedule.name, schedule.digest, schedule.job_at(moment), engine.settings)
    scripts.run(engine.store, *call)


def _next(engine: Engine) -> tuple[Schedule, int]:
    [schedule] = engine.schedules()
    return schedule, schedule.next_time(time.time())


def test_what_came_of_the_last_time_that_left_a_record(engine: Engine) -> None:
    [schedule] = engine.schedules()
    [planned] = engine.timetable.list()
    assert (planned.last, planned.last_time, planned.waiting) == (None, None, None)
    first, second = schedule.previous_times(time.time(), 2)[::-1]
    job = schedule.job_at(first)
    engine.jobs.send([job])
    planned = engine.timetable.get("hourly")
    assert planned.last is not None
    assert planned.last.id == job.id
    assert planned.last_time == datetime.fromtimestamp(first, UTC)
    assert first < second <= time.time()
    assert planned.next_times[0] > datetime.now(UTC)


def test_a_pause_takes_the_waiting_job_back_and_a_worker_enqueues_none(engine: Engine) -> None:
    schedule, moment = _next(engine)
    _enqueue(engine, schedule, moment)
    waiting = engine.timetable.get("hourly").waiting
    assert waiting == schedule.job_at(moment).id
    assert engine.timetable.pause("hourly", "ada") is True
    assert engine.timetable.pause("hourly", "eve") is False
    _enqueue(engine, schedule, moment)
    assert engine.jobs.list() == []
    planned = engine.timetable.get("hourly")
    assert planned.paused is not None
    assert planned.paused.by == "ada"
    assert abs((planned.paused.since or datetime.min.replace(tzinfo=UTC)).timestamp() - time.time()) < 60
    assert engine.timetable.resume("hourly") is True
    _enqueue(engine, schedule, moment)
    assert [job.id for job in engine.jobs.list()] == [waiting]


def test_a_pause_is_kept_though_the_definition_changes(engine: Engine) -> None:
    schedule, moment = _next(engine)
    engine.timetable.pause("hourly", "ada")
    changed = Schedule("hourly", "5 * * * *", "UTC", schedule.job)
    _enqueue(engine, changed, moment + 300)
    assert engine.jobs.list() == []


def test_a_time_that_has_come_goes_on(engine: Engine) -> None:
    [schedule] = engine.schedules()
    soon = int(time.time()) + 2
    _enqueue(engine, schedule, soon)
    time.sleep(max(0.0, soon + 0.05 - time.time()))
    engine.timetable.pause("hourly", "ada")
    assert [job.id for job in engine.jobs.list()] == [f"hourly-{soon}"]


def test_a_paused_schedule_that_is_gone_can_be_resumed(engine: Engine) -> None:
    engine.store.client.hset(keys.SCHEDULES_PAUSED, "gone", "nonsense")
    assert engine.timetable.resume("gone") is True
    with pytest.raises(ScheduleNotFound, match="no schedule is called 'gone'"):
        engine.timetable.resume("gone")


@pytest.mark.parametrize("garbage", [b"nonsense", b"{}", b'{"since":1e300,"by":3}', b"[" * 2_000, b'{"since":"x"}'])
def test_a_pause_that_is_garbage_is_shown_as_one(engine: Engine, garbage: bytes) -> None:
    engine.store.client.hset(keys.SCHEDULES_PAUSED, "hourly", garbage)
    assert engine.timetable.get("hourly").paused is not None


def test_another_type_in_the_places_hides_nothing(engine: Engine) -> None:
    engine.store.client.set(keys.SCHEDULES_PAUSED, "x")
    engine.store.client.set(keys.SCHEDULES, "x")
    assert [each.name for each in engine.timetable.list()] == ["hourly"]
    assert engine.timetable.pause("hourly", "ada") is True


def test_the_audit_says_who_had_a_schedule_run(engine: Engine) -> None:
    job_id = engine.timetable.run("hourly", "ada@web")
    [entry] = engine.audit.entries()
    assert (entry.by, entry.action, entry.about) == ("ada@web", "run", f"schedule hourly as job {job_id}")


def test_a_double_runs_one_without_an_audit(engine: Engine) -> None:
    with fake_jobs(engine) as jobs:
        job_id = engine.timetable.run("hourly")
        assert [job.id for job in jobs.enqueued] == [job_id]
    assert not engine.audit.entries()


def test_the_async_half_does_the_same(engine: Engine) -> None:
    async def ask() -> tuple[object, ...]:
        table = engine.timetable
        changed = await table.pause_async("hourly", "ada"), await table.resume_async("hourly")
        job_id = await table.run_async("hourly")
        names = [each.name for each in await table.list_async()]
        return (*changed, names, (await table.get_async("hourly")).name, job_id)

    *found, job_id = asyncio.run(ask())
    assert found == [True, True, ["hourly"], "hourly"]
    assert [job.id for job in engine.jobs.list()] == [job_id]


@pytest.mark.parametrize(
    ("cron", "words"),
    [
        ("0 9 * * mon-fri", "At 09:00, Monday through Friday"),
        ("*/5 * * * *", "Every 5 minutes"),
        ("@daily", "At 00:00"),
        ("@YEARLY", "At 00:00, on day 1 of the month, only in January"),
        ("nonsense", "nonsense"),
        ("a b c d e", "a b c d e"),
    ],
)
def test_a_cron_expression_has_words(cron: str, words: str) -> None:
    assert in_words(cron) == words


def test_previous_times_leave_out_the_repeated_hour() -> None:
    schedule = Schedule("s", "30 2 * * *", "Europe/Berlin", Job(source_name="s", template="t", line=1, partial="t"))
    after = datetime(2024, 10, 27, 12, tzinfo=UTC).timestamp()
    times = [datetime.fromtimestamp(each, UTC) for each in schedule.previous_times(after, 2)]
    assert times == [datetime(2024, 10, 27, 0, 30, tzinfo=UTC), datetime(2024, 10, 26, 0, 30, tzinfo=UTC)]
