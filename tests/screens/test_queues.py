"""Queues and groups: who holds the slots, what is paused; pausing and resuming from every screen."""

from __future__ import annotations

import pytest

from liquid_background import Engine
from liquid_background.job import Group, Priority
from liquid_background.screens import ScreenAnswer
from tests.jobs.operating.desk import Desk
from tests.screens.conftest import READER, Ask, text_of
from tests.screens.desk import HOSTILE, Read, desk

__all__ = ["desk"]

TARGETS = [{"queue": "low"}, {"source_name": "sync_*"}, {"source_name": "mail"}, {"group": "crm"}]


def _location(answer: ScreenAnswer) -> str:
    return dict(answer.headers)["location"]


@pytest.mark.parametrize("target", TARGETS)
def test_a_pause_and_its_end_stand_in_the_store_and_in_the_audit(
    engine: Engine, ask: Ask, target: dict[str, str]
) -> None:
    answer = ask("queues/pause", {**target, "reason": "the CRM is down", "back": "/ops/names?span=7d&done=x&about=y"})
    assert answer.status == 303
    assert _location(answer).startswith("/ops/names?span=7d&done=paused")
    [pause] = engine.queues.paused()
    assert (pause.name, pause.by, pause.reason) == (next(iter(target.values())), "ada", "the CRM is down")
    page = Read(ask("queues"))
    row = page.row(pause.what)
    assert row[2:4] == ["ada", "the CRM is down"]
    assert ask("queues/resume", page.form("queues/resume", **target)).status == 303
    assert engine.queues.paused() == ()
    assert [(entry.by, entry.action) for entry in engine.audit.entries()] == [("ada", "pause"), ("ada", "resume")]
    assert "was not paused" in Read(ask(_location(ask("queues/resume", target)).removeprefix("/ops/"))).text


@pytest.mark.parametrize("url", ["", "queues"])
def test_a_pause_of_a_row_takes_a_reason(engine: Engine, ask: Ask, desk: Desk, url: str) -> None:
    desk.send("a", "b", group=Group("crm", 1))
    desk.hands.take()
    page = Read(ask(url))
    targets = [("queue", "low"), ("group", "crm")] if url else [("queue", "low")]
    for field, name in targets:
        form = page.form("queues/pause", **{field: name})
        assert form["reason"] == ""
        ask("queues/pause", {**form, "reason": f"mends {name}"})
    assert {pause.reason for pause in engine.queues.paused()} == {f"mends {name}" for _, name in targets}


def test_the_form_pauses_what_it_names(engine: Engine, ask: Ask) -> None:
    assert ask("queues/pause", {"kind": "group", "name": "crm", "back": "/ops/queues"}).status == 303
    assert [pause.what for pause in engine.queues.paused()] == ["group crm"]


def test_a_pause_that_holds_no_job_says_so(engine: Engine, ask: Ask) -> None:
    answer = ask("queues/pause", {"kind": "source_name", "name": "sync_crmm", "back": "/ops/queues"})
    assert "sync_crmm paused; no job of it waits now" in Read(ask(_location(answer).removeprefix("/ops/"))).text


@pytest.mark.parametrize("target", [{}, {"queue": "none"}, {"source_name": "*"}, {"queue": "low", "group": "crm"}])
def test_what_can_not_be_paused_is_refused(engine: Engine, ask: Ask, target: dict[str, str]) -> None:
    assert ask("queues/pause", target).status == 400
    assert engine.queues.paused() == ()


@pytest.mark.parametrize("action", ["queues/pause", "queues/resume"])
def test_readers_and_links_change_nothing(engine: Engine, ask: Ask, action: str) -> None:
    engine.queues.pause(queue="low")
    assert ask(action, {"queue": "low"}, visitor=READER).status == 403
    assert ask(f"{action}?queue=low").status == 405
    assert [pause.name for pause in engine.queues.paused()] == ["low"]
    assert "<button" not in text_of(ask("queues", visitor=READER)).partition("<main")[2].partition("</main")[0]


def test_jobs_that_a_pause_holds_are_counted(engine: Engine, ask: Ask, desk: Desk) -> None:
    engine.queues.pause(queue="high", reason=HOSTILE)
    desk.send("a", "b", priority=Priority.HIGH)
    html = text_of(ask("queues"))
    row = Read(ask("queues")).row("queue high")
    assert row[4] == "2"
    assert "<img" not in html.partition("<main")[2]
    assert "&lt;img src=x onerror=alert(1)&gt;\\u202e" in html
    assert "high paused" in [each[0] for each in Read(ask("")).rows]


def test_a_group_says_who_holds_its_slots(ask: Ask, desk: Desk) -> None:
    desk.send("a", "b", "c", group=Group("crm", 2), source_name="sync")
    for _ in range(2):
        desk.hands.take()
    assert desk.hands.claim().jobs == ()
    page = Read(ask("queues"))
    row = page.row("crm")
    assert row[1] == "2 of 2"
    assert row[2].count("sync started") == 2
    assert row[3] == "1"
    assert page.links["sync"] in ("jobs/a", "jobs/b")
    assert page.links["crm"] == "jobs?group=crm"
    ask("queues/pause", page.form("queues/pause", group="crm"))
    assert Read(ask("queues")).row("crm paused")[1] == "2 of 2"


def test_a_group_in_which_none_waits_is_shown_while_one_runs(ask: Ask, desk: Desk) -> None:
    assert "No job of a group waits or runs" in Read(ask("queues")).text
    desk.send("a", group=Group("alone", 3))
    desk.hands.take()
    assert Read(ask("queues")).row("alone")[1] == "1 of 3"


def test_groups_come_in_pages_those_first_that_most_wait_for(ask: Ask, desk: Desk) -> None:
    for number in range(60):
        desk.send(f"a{number}", f"b{number}", group=Group(f"g{number:02}", 1))
    desk.send("c", "d", group=Group("most", 1), source_name="x")
    desk.send("e", group=Group("most", 1), source_name="x")
    for _ in range(130):
        desk.hands.claim()
    page = Read(ask("queues"))
    groups = [row[0] for row in page.rows if row[0].startswith(("g", "most"))]
    assert groups[0] == "most"
    assert len(groups) == 50
    assert "1 to 50 of 61" in " ".join(page.text.split())
    rest = [row[0] for row in Read(ask(page.links["The next ones"])).rows if row[0].startswith("g")]
    assert len(rest) == 11
