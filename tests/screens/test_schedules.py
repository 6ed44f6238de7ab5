"""Schedules: in words, with their next times and what came of the last; pausing, resuming, running now."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from liquid_background import Engine
from liquid_background.job import JobStatus, Outcome
from liquid_background.screens import ScreenAnswer
from liquid_background.settings import Settings
from tests.jobs.operating.desk import Desk
from tests.screens.conftest import READER, Ask
from tests.screens.desk import Read, desk

__all__ = ["desk"]


@pytest.fixture
def engine(settings: Settings, tmp_path: Path) -> Engine:
    (tmp_path / "partials").mkdir()
    engine = Engine(settings=settings.model_copy(update={"templates": tmp_path}))
    _write(tmp_path, "nightly", "cron: '*/5 * * * *'\n  retries: 0")
    _write(tmp_path, "report", "cron: '0 9 * * mon-fri'\n  timezone: Europe/Berlin")
    return engine


def _write(folder: Path, name: str, schedule: str) -> None:
    (folder / "partials" / f"{name}.liquid").write_text(f"---\nschedule:\n  {schedule}\n---\nx")


def _come(engine: Engine, desk: Desk, name: str, back: int = 0) -> str:
    """Have a time of a schedule come, as a worker does, and return the id of its job."""
    [schedule] = [each for each in engine.schedules() if each.name == name]
    moment = schedule.previous_times(desk.store.time(0.0), back + 1)[back]
    job = replace(schedule.job_at(moment), start_at=None)
    engine.send([job], ())
    return job.id


def test_they_are_told_in_words_with_the_next_time(ask: Ask) -> None:
    page = Read(ask("schedules"))
    assert "Every 5 minutes" in page.row("nightly")[1]
    assert "At 09:00, Monday through Friday" in page.row("report")[1]
    assert "Europe/Berlin" in page.row("report")[1]
    assert page.row("nightly")[2].startswith("in ")
    assert page.row("nightly")[3:5] == ["-", "-"]


def test_without_any_it_says_how_to_make_one(engine: Engine, ask: Ask, tmp_path: Path) -> None:
    for path in (tmp_path / "partials").iterdir():
        path.unlink()
    assert "engine.schedule" in Read(ask("schedules")).text


def test_the_last_outcome_and_the_history_lead_to_jobs(engine: Engine, ask: Ask, desk: Desk) -> None:
    older = _come(engine, desk, "nightly", back=1)
    desk.hands.finish(desk.hands.take(), Outcome(error="<b>no</b>"))
    newer = _come(engine, desk, "nightly")
    page = Read(ask("schedules"))
    assert page.row("nightly")[4] == "pending"
    assert page.links["pending"] == f"jobs/{newer}"
    page = Read(ask("schedules/of/nightly"))
    assert [row[1] for row in page.rows if len(row) == 4][1:3] == ["pending", "failed <b>no</b>"]
    assert page.links["failed"] == f"jobs/{older}"
    assert "no job: it was paused" in page.text
    assert page.links["nightly"] == "jobs?source_name=nightly"


def test_what_masking_hides_is_in_no_outcome(engine: Engine, ask: Ask, desk: Desk) -> None:
    engine.schedule("*/5 * * * *", "nightly", {"api_token": "s3cret-1"}, name="keyed")
    _come(engine, desk, "keyed")
    desk.hands.finish(desk.hands.take(), Outcome(error="401 for s3cret-1"))
    for url in ("schedules", "schedules/of/keyed"):
        page = Read(ask(url)).text
        assert "401 for [masked]" in page, url
        assert "s3cret-1" not in page, url


def test_one_is_paused_and_resumed(engine: Engine, ask: Ask) -> None:
    page = Read(ask("schedules"))
    assert ask("schedules/pause", page.form("schedules/pause", name="nightly")).status == 303
    paused = engine.timetable.get("nightly").paused
    assert paused is not None
    assert paused.by == "ada"
    page = Read(ask("schedules"))
    assert page.row("nightly")[2].startswith("paused")
    assert "by ada" in page.row("nightly")[2]
    again = ask("schedules/pause", {"name": "nightly"})
    assert "schedule nightly paused already" in Read(ask(_location(again))).text
    assert ask("schedules/resume", page.form("schedules/resume", name="nightly")).status == 303
    assert engine.timetable.get("nightly").paused is None
    told = [(entry.by, entry.action, entry.about) for entry in engine.audit.entries()]
    assert told == [("ada", "pause", "schedule nightly"), ("ada", "resume", "schedule nightly")]


def _location(answer: ScreenAnswer) -> str:
    return dict(answer.headers)["location"].removeprefix("/ops/")


@pytest.mark.parametrize(
    ("done", "about"),
    [
        ("enqueued", "nothing"),
        ("paused", "schedule x, job abc"),
        ("enqueued", "x, job a/../b"),
        ("enqueued", "job abc"),
    ],
)
def test_what_an_address_tells_leads_to_no_job_that_was_not_enqueued(ask: Ask, done: str, about: str) -> None:
    assert "Show the job" not in Read(ask(f"schedules?done={done}&about={about}")).links


def test_one_runs_now_and_the_audit_says_who_wanted_it(engine: Engine, ask: Ask) -> None:
    form = Read(ask("schedules/of/nightly")).form("schedules/run")
    answer = ask("schedules/run", form)
    assert answer.status == 303
    assert _location(answer).startswith("schedules/of/nightly?done=enqueued")
    [job] = engine.jobs.list(source_name="nightly")
    assert job.status is JobStatus.PENDING
    page = Read(ask(_location(answer)))
    assert f"job {job.id} enqueued now" in page.text
    assert page.links["Show the job"] == f"jobs/{job.id}"
    [entry] = engine.audit.entries()
    assert (entry.by, entry.action) == ("ada", "run")
    assert entry.about.startswith("schedule nightly as job ")
    assert entry.about.startswith("schedule nightly")


@pytest.mark.parametrize("action", ["pause", "resume", "run"])
def test_who_may_not_and_what_is_not_there(engine: Engine, ask: Ask, action: str) -> None:
    assert ask(f"schedules/{action}", {"name": "nightly"}, visitor=READER).status == 403
    assert ask(f"schedules/{action}?name=nightly").status == 405
    assert ask(f"schedules/{action}", {"name": "nightli"}).status == 404
    assert engine.timetable.get("nightly").paused is None
    assert engine.jobs.count() == 0


def test_one_that_is_not_there_is_not_found(ask: Ask) -> None:
    answer = ask("schedules/of/nightli")
    assert answer.status == 404
    assert "did you mean" in Read(answer).text


def test_many_come_in_pages(engine: Engine, ask: Ask, tmp_path: Path) -> None:
    for number in range(58):
        _write(tmp_path, f"n{number:02}", "cron: '0 4 * * *'")
    page = Read(ask("schedules"))
    assert len(page.rows) == 51
    assert len(Read(ask(page.links["The next ones"])).rows) == 11
