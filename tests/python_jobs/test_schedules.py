"""Cron schedules: the times, the store that enqueues each once, and the workers that ask."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from liquid_background import Engine, EnqueueError
from liquid_background.job import JOB_ID, SOURCE_NAME, Group, Job
from liquid_background.jobs.queue import keys, moves, scripts
from liquid_background.lint import check_files, files_under
from liquid_background.python_jobs import Schedule
from liquid_background.settings import Settings
from tests.python_jobs.conftest import Bench, perform

BERLIN = ZoneInfo("Europe/Berlin")


def _daily(engine: Engine) -> Schedule:
    return next(iter(engine.schedules()), None) or engine.schedule("@daily", "notify", {"order_id": 1})


def _ask(engine: Engine, schedule: Schedule, moment: float) -> int:
    job = schedule.job_at(int(moment))
    call = moves.schedule(schedule.name, schedule.digest, job, engine.settings, schedule.former_name)
    return scripts.run(engine.store, *call)  # type: ignore[no-any-return]


def _now(engine: Engine) -> float:
    reply: int = scripts.run(engine.store, *moves.schedule("", "", None, engine.settings))
    return reply / 1000


@pytest.mark.parametrize(("group", "digest"), [(None, "9ebbd78e34caab5a"), (Group("crm", 4), "c334a54eabb92aac")])
def test_a_digest_is_that_of_the_version_before(group: Group | None, digest: str) -> None:
    job = Job(source_name="s", template="t", line=1, partial="t", group=group, waits=(1.0,), max_attempts=2)
    assert Schedule.of(job, "@daily", "UTC", "nightly").digest == digest


@pytest.mark.parametrize(
    ("cron", "after", "times"),
    [
        ("0 9 * * mon-fri", "2024-03-29T12:00", ["2024-04-01T09:00+02:00", "2024-04-02T09:00+02:00"]),
        ("@daily", "2024-03-30T12:00", ["2024-03-31T00:00+01:00", "2024-04-01T00:00+02:00"]),
        ("30 2 * * *", "2024-03-30T12:00", ["2024-03-31T03:00+02:00", "2024-04-01T02:30+02:00"]),  # 2:30 is left out
        ("30 2 * * *", "2024-10-26T12:00", ["2024-10-27T02:30+02:00", "2024-10-28T02:30+01:00"]),  # comes once
        ("30 * * * *", "2024-10-27T02:00", ["2024-10-27T02:30+02:00", "2024-10-27T02:30+01:00"]),
    ],
)
def test_times_are_those_of_the_zone(engine: Engine, cron: str, after: str, times: list[str]) -> None:
    schedule = engine.schedule(cron, "notify", {"order_id": 1}, timezone="Europe/Berlin")
    now = datetime.fromisoformat(after).replace(tzinfo=BERLIN).timestamp()
    for expected in times:
        now = schedule.next_time(now)
        assert now == datetime.fromisoformat(expected).timestamp()


@pytest.mark.parametrize(
    ("zone", "repeated"),  # a Sunday on which the clocks went back over midnight, or to it
    [
        ("America/Havana", "2020-11-01"),
        ("Atlantic/Azores", "2022-10-30"),
        ("Asia/Beirut", "2022-10-30"),
        ("America/Asuncion", "2020-03-22"),
        ("Asia/Amman", "2013-12-20"),
    ],
)
def test_short_forms_come_once_where_midnight_comes_twice(engine: Engine, zone: str, repeated: str) -> None:
    day = datetime.fromisoformat(repeated).replace(tzinfo=ZoneInfo(zone))
    names = ("@daily", "@midnight", "@Daily", "@weekly", "@monthly", "@yearly")
    for cron in (*names, "0 0 * * *", "0 0 * * sun", "0 0 1 * *"):
        schedule = replace(_daily(engine), cron=cron, timezone=zone)
        now, dates = (day - timedelta(days=40)).timestamp(), []
        while now < (day + timedelta(days=40)).timestamp():
            now = schedule.next_time(now)
            dates.append(datetime.fromtimestamp(now, day.tzinfo).date())
        assert len(set(dates)) == len(dates), cron
        if cron in ("@daily", "@midnight", "@Daily", "0 0 * * *"):
            assert (dates[-1] - dates[0]).days == len(dates) - 1


def test_each_hour_is_each_hour_also_when_it_is_repeated(engine: Engine) -> None:
    now = datetime(2020, 11, 1, tzinfo=ZoneInfo("America/Havana")).timestamp() - 1
    for cron in ("@hourly", "0 * * * *"):
        schedule = replace(_daily(engine), cron=cron, timezone="America/Havana")
        first = schedule.next_time(now)
        assert schedule.next_time(first) - first == 3600


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("* * * * * *", "notify"), "five fields"),
        (("61 * * * *", "notify"), r"'61 \* \* \* \*', which names no time \(its minute is '61'\); it must be five"),
        (("0 0 * * mon-x", "notify"), r"which names no time \(its day of the week is 'mon-x'\); it must be five"),
        (("0 0 30 2 *", "notify"), "'0 0 30 2 \\*', which names no time; it must be five fields"),
        (("@reboot", "notify"), "'@reboot', which names no time; it must be five fields"),
        ((None, "notify"), "cron is missing; it must be five fields"),
        (("R * * * *", "notify"), "give numbers"),
        (("0-59," * 3200 + "0 23 31 12 *", "notify"), "over 256 characters"),
        ((5, "notify"), "cron is 5"),
        (("* * * * *", "nothing"), "no action and no partial"),
    ],
)
def test_wrong_schedules_are_refused_where_they_are_declared(engine: Engine, arguments: Any, reason: str) -> None:
    with pytest.raises(EnqueueError, match=reason):
        engine.schedule(*arguments, params={"order_id": 1})
    assert engine.schedules() == []


def test_zones_names_and_options_are_checked(engine: Engine) -> None:
    for options, reason in (
        ({"timezone": "Mars/Base"}, "IANA"),
        ({"name": "a b"}, "schedule name"),
        ({"start_at": "2024"}, "unknown option 'start_at'"),
        ({"id": "x"}, "unknown option 'id'"),
    ):
        with pytest.raises(EnqueueError, match=reason):
            engine.schedule("* * * * *", "notify", {"order_id": 1}, **options)  # type: ignore[arg-type]
    engine.schedule("* * * * *", "notify", {"order_id": 1})
    with pytest.raises(EnqueueError, match="give one of them another name="):
        engine.schedule("0 * * * *", "notify", {"order_id": 2})


def test_a_time_is_enqueued_once_whoever_asks(engine: Engine) -> None:
    schedule = engine.schedule("* * * * *", "notify", {"order_id": 1}, priority="high")
    moment = schedule.next_time(_now(engine)) + 3600
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: _ask(engine, schedule, moment), range(40)))
    [job] = engine.jobs.list()
    assert (job.id, job.priority, job.status) == (f"notify-{moment}", "high", "pending")
    assert engine.store.client.zscore(keys.scheduled("high"), job.id) == moment


def test_a_time_that_has_run_never_comes_again(engine: Engine) -> None:
    schedule = engine.schedule("* * * * *", "notify", {"order_id": 1})
    now = _now(engine)
    _ask(engine, schedule, now - 1)  # asked for in time by a process that then stood still
    assert engine.jobs.list() == []
    _ask(engine, schedule, now + 600)
    engine.store.client.delete(keys.job(f"notify-{int(now + 600)}"))  # ran, and its record has expired
    _ask(engine, schedule, now + 600)
    _ask(engine, schedule, now + 300)
    assert engine.jobs.list() == []
    _ask(engine, schedule, now + 900)
    assert [job.id for job in engine.jobs.list()] == [f"notify-{int(now + 900)}"]


def test_a_new_definition_takes_the_place_of_what_still_waits(engine: Engine) -> None:
    old = engine.schedule("* * * * *", "notify", {"order_id": 1}, name="mine")
    deployed = Engine(settings=engine.settings)
    deployed.environment.actions.update(engine.environment.actions)
    new = deployed.schedule("0 * * * *", "notify", {"order_id": 2}, name="mine")
    now = _now(engine)
    _ask(engine, old, now + 600)
    _ask(engine, new, now + 300)
    [job] = engine.jobs.list()
    assert (job.id, job.parameters["kwargs"]) == (f"mine-{int(now + 300)}", {"order_id": 2})


def test_front_matter_of_partials_and_pages_may_carry_one(engine: Engine, tmp_path: Path) -> None:
    for name, text in {
        "partials/digest": "---\nschedule: '0 9 * * *'\n---\nDigest",
        "partials/plain": "no front matter",
        "pages/report": "---\nslug: r\nschedule:\n  cron: '@daily'\n  timezone: Europe/Berlin\n  priority: low\n---\nR",
    }.items():
        path = tmp_path / f"{name}.liquid"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    site = Engine(settings=engine.settings.model_copy(update={"templates": tmp_path}))
    digest, report = sorted(site.schedules(), key=lambda schedule: schedule.name)
    assert (digest.name, digest.cron, digest.timezone) == ("digest", "0 9 * * *", "UTC")
    assert (report.name, report.timezone, report.job.priority) == ("pages_report", "Europe/Berlin", "low")
    _ask(site, report, _now(site) + 60)
    assert perform(site, site.jobs.list()[0]).result == "R"


def test_a_wrong_schedule_in_front_matter_is_told_and_keeps_no_worker_from_its_work(
    settings: Settings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "partials").mkdir()
    (tmp_path / "partials/bad.liquid").write_text("---\nschedule: daily\n---\n")
    (tmp_path / "partials/broken.liquid").write_text("---\nschedule: [\n---\n")
    (tmp_path / "partials/good.liquid").write_text("---\nschedule: '@daily'\n---\n")
    (tmp_path / "partials/odd.liquid").write_text("---\nschedule: {cron: '@daily', 1: 2}\n---\n")
    (tmp_path / "partials/same_name.liquid").write_text("---\nschedule: '@daily'\n---\n")
    (tmp_path / "partials/same").mkdir()
    (tmp_path / "partials/same/name.liquid").write_text("---\nschedule: '@hourly'\n---\n")
    site = Engine(settings=settings.model_copy(update={"templates": tmp_path}))
    assert [schedule.job.template for schedule in site.schedules()] == ["good", "same/name", "same_name"]
    assert "partials/odd:2: the front matter's schedule is not kept: unknown option '1'" in caplog.text
    assert "partials/bad:2: the front matter's schedule is not kept: cron is 'daily'" in caplog.text
    [told] = [record.getMessage() for record in caplog.records if "broken" in record.getMessage()]
    lost = "partials/broken:2: a schedule that it may have is not kept"
    assert told == f"{lost}: the front matter is not YAML: `[` is not closed: `]` is missing"


_SECONDS = "in front matter it must be over 0 and at most 60 seconds, the setting JOB_TIMEOUT"


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ("timeout: 86400", f"timeout is 86400; {_SECONDS}"),
        ("timeout: 60.5", f"timeout is 60.5; {_SECONDS}"),
        ("timeout: 99999", f"timeout is 99999; {_SECONDS}"),
        ("timeout: 0", f"timeout is 0; {_SECONDS}"),
        ("timeout: soon", f"timeout is 'soon'; {_SECONDS}"),
        ("timeout: [1]", f"timeout is a list; {_SECONDS}"),
        ("retries: 0x3", "retries is '0x3'; in front matter it must be a number from 0 to 4"),
        ("retries: 1.5", "retries is 1.5; in front matter it must be a number from 0 to 4"),
        ("retries: -1", "retries is -1; in front matter it must be a number from 0 to 4"),
        ("retry_count: 3", "unknown option 'retry_count': options are cron, timezone, priority, queue, retries, "),
        ("delay: 3", "unknown option 'delay': options are cron, timezone, "),
        ("Timeout: 3", "unknown option 'Timeout': did you mean 'timeout'?"),
        ("retries: 100", "retries is 100; in front matter it must be a number from 0 to 4"),
        ("retries: 5", "retries is 5; in front matter it must be a number from 0 to 4"),
    ],
)
@pytest.mark.parametrize("folder", ["partials", "pages"])
def test_a_schedule_in_front_matter_stays_within_the_operators_limits(
    settings: Settings, tmp_path: Path, caplog: pytest.LogCaptureFixture, *, folder: str, asked: str, reason: str
) -> None:
    most = "timeout: 60, retries: 4"
    _write(tmp_path, {f"{folder}/x": f"---\nschedule: {{cron: '@daily', {asked}}}\n---\n"})
    _write(tmp_path, {f"{folder}/most": f"---\nschedule: {{cron: '@daily', {most}}}\n---\n"})
    _write(tmp_path, {f"{folder}/silent": "---\nschedule: '@daily'\n---\n"})
    site = Engine(settings=settings.model_copy(update={"templates": tmp_path, "job_timeout": 60.0}))
    kept = {schedule.job.source_name.removeprefix("pages_"): schedule.job for schedule in site.schedules()}
    assert {name: (job.timeout, job.max_attempts) for name, job in kept.items()} == {
        "most": (60.0, 5),
        "silent": (None, 5),
    }
    [line] = [record.getMessage() for record in caplog.records]
    assert line.startswith(f"{folder}/x:2: the front matter's schedule is not kept: {reason}")
    [finding] = check_files(site.environment, files_under(tmp_path), site.settings.job_timeout_of)
    assert (finding.line, finding.message) == (2, line.partition(": ")[2])


def test_a_group_of_front_matter_is_the_files_own(settings: Settings, tmp_path: Path) -> None:
    group = "---\nschedule: {cron: '@daily', queue: {name: mail, max_concurrency: 2}}\n---\n"
    names = ("a", "b", "pages_a", "x" * 90)
    _write(tmp_path, {f"partials/{name}": group for name in names} | {"pages/a": group})
    site = Engine(settings=settings.model_copy(update={"templates": tmp_path}))
    ours = site.schedule("@daily", "a", name="ours", queue="mail", timeout=86_400, retries=100)
    assert (ours.job.group, ours.job.timeout) == (Group("mail"), 86_400)
    groups = [schedule.job.group for schedule in site.schedules()]
    assert {each.max_concurrency for each in groups if each and each.name != "mail"} == {2}
    found = {each.name for each in groups if each}
    assert len(found) == len(names) + 2
    assert all(SOURCE_NAME.fullmatch(name) for name in found)
    assert any(name.startswith("a_mail-") for name in found)


def _write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = root / f"{name}.liquid"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def test_each_template_has_a_schedule_of_its_own_whatever_it_is_called(settings: Settings, tmp_path: Path) -> None:
    daily = "---\nschedule: {cron: '@daily', source_name: nightly}\n---\n"
    long = "long/" * 30
    names = [
        "tenant/a_report",
        "tenant_a/report",
        "tenant_a_report",
        "pages_x",
        "a/b/c",
        "a/b_c",
        "_x",
        "x",
        f"{long}a",
    ]
    _write(tmp_path, {f"partials/{name}": daily for name in [*names, f"{long}b", f"x{long}a", "ü", "ä"]})
    _write(tmp_path, {f"pages/{name}": daily for name in ("x", "tenant/a", "tenant_a")})
    site = Engine(settings=settings.model_copy(update={"templates": tmp_path}))
    schedules = {schedule.name: schedule for schedule in site.schedules()}
    assert len(schedules) == 16
    assert {schedules[name].job.template for name in ("tenant_a_report", "x", "pages_x", "pages_tenant_a")} == {
        "tenant_a_report",
        "x",
        "pages/x",
        "pages/tenant_a",
    }
    for schedule in schedules.values():
        assert JOB_ID.fullmatch(schedule.job_at(1_800_000_000).id)
    impostor = next(name for name, schedule in schedules.items() if schedule.job.template == "tenant/a_report")
    _write(tmp_path, {f"partials/{impostor}": daily})
    assert len({schedule.name for schedule in site.schedules()}) == 17


def test_a_time_that_waits_under_the_name_of_the_version_before_runs_once(engine: Engine, tmp_path: Path) -> None:
    _write(tmp_path, {"partials/tenant/a_report": "---\nschedule: '@daily'\n---\n"})
    site = Engine(settings=engine.settings.model_copy(update={"templates": tmp_path}))
    [schedule] = site.schedules()
    before = replace(schedule, name="tenant_a_report", former_name="")
    moment = _now(site) + 600
    _ask(site, before, moment)
    assert [job.id for job in site.jobs.list()] == [f"tenant_a_report-{int(moment)}"]
    _ask(site, schedule, moment)
    _ask(site, before, moment)  # a worker of the version before that still runs
    _ask(site, schedule, moment)
    assert [job.id for job in site.jobs.list()] == [f"{schedule.name}-{int(moment)}"]


def test_a_name_that_another_schedule_has_is_not_taken_back(engine: Engine, tmp_path: Path) -> None:
    daily = "---\nschedule: '@daily'\n---\n"
    _write(tmp_path, {"partials/tenant/a_report": daily, "partials/tenant_a_report": daily})
    site = Engine(settings=engine.settings.model_copy(update={"templates": tmp_path}))
    moment = _now(site) + 600
    for schedule in sorted(site.schedules(), key=lambda each: each.name):
        _ask(site, schedule, moment)
    assert sorted(job.template for job in site.jobs.list()) == ["tenant/a_report", "tenant_a_report"]


def test_a_setting_turns_the_schedules_in_front_matter_off(engine: Engine, tmp_path: Path) -> None:
    _write(tmp_path, {"partials/digest": "---\nschedule: '@daily'\n---\n"})
    off = engine.settings.model_copy(update={"templates": tmp_path, "front_matter_schedules": False})
    site = Engine(settings=off)
    assert site.schedules() == []
    site.environment.actions.update(engine.environment.actions)
    site.schedule("* * * * *", "notify", {"order_id": 1})
    assert [schedule.name for schedule in site.schedules()] == ["notify"]


def test_no_schedule_that_is_added_takes_the_place_of_another(
    engine: Engine, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    _write(tmp_path, {f"partials/victim{n:03}": "---\nschedule: '* * * * *'\n---\n" for n in range(60)})
    time.sleep(0.02)  # a tick of the clock that files have
    _write(tmp_path, {f"pages/p{n}": "---\nschedule: '@daily'\n---\n" for n in range(90)})
    os.utime(tmp_path / "pages/p0.liquid", (1, 1))
    site = Engine(settings=engine.settings.model_copy(update={"templates": tmp_path}))
    kept = [schedule.job.partial for schedule in site.schedules()]
    assert len(kept) == 100
    assert {f"victim{n:03}" for n in range(60)} < {*kept}
    (record,) = caplog.records
    assert record.message == (
        "150 templates have a schedule in front matter; the 100 that have stood there longest are kept, the other "
        "50 are not; the limit is fixed, and the setting FRONT_MATTER_SCHEDULES turns all off"
    )


def test_the_programs_schedule_of_a_partial_counts_before_that_of_its_front_matter(
    engine: Engine, tmp_path: Path
) -> None:
    _write(tmp_path, {"partials/tenant/a_report": "---\nschedule: '@daily'\n---\n"})
    site = Engine(settings=engine.settings.model_copy(update={"templates": tmp_path}))
    site.schedule("@hourly", "tenant/a_report")
    assert [schedule.cron for schedule in site.schedules()] == ["@hourly"]


def test_workers_enqueue_the_next_time_once_and_run_it(
    engine: Engine, bench: Bench, wait_until: Callable[..., Any]
) -> None:
    for _ in range(2):
        bench.start(app="tests.python_jobs.scheduled:engine")
    wait_until(lambda: all(worker.children() for worker in bench.workers))
    [job] = wait_until(engine.jobs.list)
    assert job.source_name == "tick"
    engine.store.client.zadd(keys.scheduled("default"), {job.id: 1}, xx=True)  # now is the time
    assert bench.wait_for(job.id).result == "tick"
    assert [entry.status for entry in bench.log(job.id)] == ["SUCCESS"]
    assert len(engine.jobs.list()) <= 2  # a minute may have begun meanwhile
