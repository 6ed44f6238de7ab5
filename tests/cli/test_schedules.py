"""`poscli schedules`: what comes when, and pausing it."""

from __future__ import annotations

import json
from typing import Any

import pytest

_REPORT = "---\nschedule: '30 4 * * mon-fri'\n---\nreport"
_MONTHLY = "---\nschedule:\n  cron: '@monthly'\n  timezone: Europe/Berlin\n---\n{% include 'none' %}"


@pytest.fixture
def planned(project: Any) -> Any:
    project.write("templates/partials/report.liquid", _REPORT)
    project.write("templates/partials/monthly.liquid", _MONTHLY)
    project.page("p", "{% background source_name: 'a' %}x{% endbackground %}")
    project.quick("render", "p")  # there is a store
    return project


def _listed(project: Any) -> dict[str, dict[str, Any]]:
    found = [json.loads(line) for line in project.quick("schedules", "list", "--format", "json").lines]
    return {each["name"]: each for each in found}


def test_schedules_are_listed_in_words_with_their_next_times(planned: Any) -> None:
    lines = planned.quick("schedules", "list").lines
    assert lines[0].split() == ["NAME", "NEXT", "LAST", "OUTCOME", "WHEN"]
    assert lines[1].startswith("report ")
    assert lines[1].endswith("At 04:30, Monday through Friday (UTC)")
    found = _listed(planned)
    assert len(found["report"]["next_times"]) == 5
    assert found["monthly"]["timezone"] == "Europe/Berlin"
    assert found["monthly"]["words"] == "At 00:00, on day 1 of the month"


@pytest.mark.slow
def test_a_paused_schedule_comes_no_more_until_it_is_resumed(planned: Any) -> None:
    planned.start("worker")
    waiting = planned.wait(lambda: _listed(planned)["report"]["waiting"])
    assert json.loads(planned.quick("jobs", "show", waiting, "--format", "json").out)["status"] == "pending"
    assert planned.quick("schedules", "pause", "report").out == "report is paused\n"
    assert planned.quick("schedules", "pause", "report").out == "report is paused already\n"
    assert planned.run("jobs", "show", waiting).code == 1
    planned.start("worker")  # which asks for all times
    planned.wait(lambda: _listed(planned)["monthly"]["waiting"])
    found = _listed(planned)
    assert found["report"]["waiting"] is None
    assert "@" in found["report"]["paused"]["by"]
    assert found["monthly"]["waiting"]
    text = planned.quick("schedules", "show", "report").out
    assert "Paused:      since 20" in text
    assert "Next:" not in text
    assert planned.quick("schedules", "resume", "report").out == "report is resumed\n"
    assert planned.quick("schedules", "resume", "report").out == "report is not paused\n"
    planned.start("worker")
    assert planned.wait(lambda: _listed(planned)["report"]["waiting"]) == waiting


@pytest.mark.slow
def test_a_schedule_is_run_now_and_beside_its_times(planned: Any) -> None:
    planned.quick("schedules", "pause", "monthly")
    job_id = planned.quick("schedules", "run", "monthly").out.strip()
    assert planned.run("worker", "--burst").code == 0
    shown = json.loads(planned.quick("jobs", "show", job_id, "--format", "json").out)
    assert (shown["status"], shown["delay"]) == ("failed", 0)


def test_a_wrong_name_gets_the_nearest(planned: Any) -> None:
    for action in ("show", "pause", "resume", "run"):
        result = planned.run("schedules", action, "reprot")
        assert (result.code, result.out) == (1, "")
        assert "no schedule is called 'reprot'; did you mean 'report'?" in result.err
