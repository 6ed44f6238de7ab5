"""Operations: who did what to which jobs, how far it is, aborting it; the audit in pages."""

from __future__ import annotations

import re

import pytest

from liquid_background import Engine
from liquid_background.job import JobStatus
from liquid_background.jobs.filter import Filter
from liquid_background.jobs.operating.operation import Kind, OperationState
from tests.jobs.operating.desk import Desk
from tests.screens.conftest import READER, Ask
from tests.screens.desk import HOSTILE, Read, desk

__all__ = ["desk"]


def test_an_operation_says_who_what_and_how_far(engine: Engine, ask: Ask, desk: Desk) -> None:
    desk.fail("a", "b", "c")
    wanted = Filter(status=JobStatus.FAILED, source_name="ma*", error="no")
    engine.operations.start(Kind.RETRY, wanted, by="ada")
    page = Read(ask("operations"))
    row = page.row("retry failed jobs")
    assert row[0].startswith("retry failed jobs of the source names that begin with ma whose error holds “no”")
    assert row[1].startswith("ada")
    assert row[2] == "running"
    assert "progress" in page.tags
    desk.carry_out()
    page = Read(ask("operations"))
    row = page.row("retry failed jobs")
    assert row[2].startswith("done")
    assert row[4:7] == ["3", "0", "0"]
    assert "progress" not in page.tags
    link = next(href for words, href in page.links.items() if words.startswith("failed jobs of"))
    assert link == "jobs?status=failed&source_name=ma%2A&error=no"


def test_of_a_failure_it_says_the_error_and_the_place(engine: Engine, ask: Ask, desk: Desk) -> None:
    desk.fail("a", "b")
    [group] = engine.failures.list()
    engine.operations.start(Kind.RETRY, Filter(status=JobStatus.FAILED, failure=group.id))
    engine.operations.start(Kind.RETRY, Filter(status=JobStatus.FAILED, failure="0" * 32))
    page = Read(ask("operations"))
    row = page.row(f"retry failed jobs of the failure group {group.id}")
    assert row[0].endswith("no in pages/x:3")
    assert page.links["no"] == f"failures/{group.id}"
    engine.jobs.delete("a")
    engine.jobs.delete("b")
    row = Read(ask("operations")).row(f"retry failed jobs of the failure group {group.id}")
    assert row[0].endswith("in pages/x:3")
    assert "not shown" not in row[0]


def test_each_number_says_what_it_counts(engine: Engine, ask: Ask, desk: Desk) -> None:
    desk.fail("a")
    engine.operations.start(Kind.RETRY, Filter(status=JobStatus.FAILED))
    html = ask("operations").body.decode()
    assert re.search(r'<th [^>]*title="Jobs that were passed by: [^"]+">Left alone</th>', html)


def test_its_link_means_just_the_jobs_that_it_is_about(engine: Engine, ask: Ask, desk: Desk) -> None:
    desk.fail("a", "b")
    ended = engine.jobs.get("b").completed_at
    assert ended is not None
    engine.operations.start(Kind.DELETE, Filter(status=JobStatus.FAILED, since=ended))
    page = Read(ask("operations"))
    link = next(href for words, href in page.links.items() if words.startswith("failed jobs since"))
    html = ask(link).body.decode()
    assert [job_id for job_id in ("a", "b") if f'id="job-{job_id}"' in html] == ["b"]


def test_one_is_aborted(engine: Engine, ask: Ask, desk: Desk) -> None:
    desk.fail("a")
    started = engine.operations.start(Kind.DELETE, Filter(source_name="mail"), by=HOSTILE)
    page = Read(ask("operations"))
    assert ask("operations/abort", page.form("operations/abort", id=started.id)).status == 303
    found = engine.operations.get(started.id)
    assert (found.state, found.ended_by) == (OperationState.ABORTED, "ada")
    assert [(each.by, each.action) for each in engine.audit.entries()][-1] == ("ada", "abort")
    html = ask("operations").body.decode()
    assert "aborted" in html
    assert "<img" not in html.partition("<main")[2]
    assert ask("operations/abort", {"id": started.id}).status == 409


def test_a_filter_that_no_url_can_say_is_shown(engine: Engine, ask: Ask, desk: Desk) -> None:
    engine.operations.start("retry", Filter(error="\ud800x", values={"a\ud800": "b"}))
    assert Read(ask("operations")).row("retry")[0].startswith("retry jobs whose error holds")


def test_who_may_not_and_what_is_not_there(engine: Engine, ask: Ask, desk: Desk) -> None:
    desk.fail("a")
    started = engine.operations.start(Kind.DELETE, Filter(source_name="mail"))
    assert ask("operations/abort", {"id": started.id}, visitor=READER).status == 403
    assert ask(f"operations/abort?id={started.id}").status == 405
    for other in ("", "none", started.id[:4]):
        assert ask("operations/abort", {"id": other}).status == 404
    assert engine.operations.get(started.id).state is OperationState.RUNNING


def test_without_any_it_says_what_to_do(ask: Ask) -> None:
    text = Read(ask("operations")).text
    assert "No operations." in text
    assert "Nothing has been done yet" in text


def test_many_come_in_pages(engine: Engine, ask: Ask, desk: Desk) -> None:
    for _ in range(55):
        engine.operations.start(Kind.DELETE, Filter(source_name="mail"))
    page = Read(ask("operations"))
    assert sum(row[0].startswith("delete") for row in page.rows if row) == 50
    assert sum(row[0].startswith("delete") for row in Read(ask(page.links["The next ones"])).rows if row) == 5


def test_the_audit_is_read_back_page_by_page(engine: Engine, ask: Ask) -> None:
    for number in range(120):
        engine.audit.note("note", f"thing {number}", by=HOSTILE if number == 3 else "ada")
    page, seen = Read(ask("operations")), []
    for _ in range(4):
        seen += [row[3] for row in page.rows if len(row) == 4 and row[2] == "note"]
        if "Older ones" not in page.links:
            break
        page = Read(ask(page.links["Older ones"].partition("#")[0]))
    assert seen == [f"thing {number}" for number in reversed(range(120))]
    assert "The newest" in page.links
    assert "<img" not in ask("operations").body.decode().partition("<main")[2]


@pytest.mark.parametrize("before", ["x", "1", "1-2-3", "9" * 30 + "-1"])
def test_an_entry_that_is_none_is_the_newest(engine: Engine, ask: Ask, before: str) -> None:
    engine.audit.note("note", "thing")
    assert "thing" in Read(ask(f"operations?before={before}")).text


def test_the_audit_leads_to_jobs_and_says_filters_in_words(engine: Engine, ask: Ask, desk: Desk) -> None:
    desk.fail("a")
    engine.jobs.retry("a", by="ada")
    started = engine.operations.start(Kind.CANCEL, Filter(source_name="mail"), by="ada")
    page = Read(ask("operations"))
    assert page.links["job a (mail)"] == "jobs/a"
    assert page.links[f"operation {started.id}: jobs of the source name mail"] == "jobs?source_name=mail"


@pytest.mark.parametrize("about", ["operation abc: {", 'operation abc: {"v": 99}', "job x", "operation abc: {not}"])
def test_what_looks_like_a_filter_and_is_none_is_shown_as_it_is(engine: Engine, ask: Ask, about: str) -> None:
    engine.audit.note("note", about)
    page = Read(ask("operations"))
    assert about in page.text
    assert about not in page.links
