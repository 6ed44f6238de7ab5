"""`poscli jobs forget` and `poscli store usage`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

ADA = "ada@example.com"


@pytest.fixture
def ran(project: Any) -> Any:
    project.page(
        "p",
        "{% background source_name: 'mail', to: 'ADA' %}sent to {{ to }}{% log to %}{% endbackground %}"
        "{% background source_name: 'other' %}x{% endbackground %}".replace("ADA", ADA),
    )
    project.quick("render", "p")
    project.good("worker", "--burst", "--processes", "1")
    return project


def test_what_carries_a_text_is_counted_and_deleted(ran: Any) -> None:
    dry = ran.quick("jobs", "forget", "--value", ADA, "--dry-run")
    assert dry.out == ("would delete 1 job, 1 log entry, 0 of the audit, 0 notes on failures, of 2 jobs\n")
    assert len(ran.quick("jobs", "list", "--format", "json").lines) == 2
    done = ran.quick("jobs", "forget", "--value", ADA, "--yes")
    assert done.out.startswith("deleted 1 job, 1 log entry")
    assert "out of reach: jobs that run" in done.err
    assert ADA not in done.out + done.err
    [left] = [json.loads(line) for line in ran.quick("jobs", "list", "--format", "json").lines]
    assert left["source_name"] == "other"
    assert ADA not in ran.quick("logs").out
    assert ADA not in ran.quick("audit").out
    found = json.loads(ran.quick("jobs", "forget", "--value", ADA, "--yes", "--format", "json").out)
    assert (found["jobs"], found["log_entries"], found["jobs_looked_at"]) == (0, 0, 1)


def test_a_script_has_to_say_yes(ran: Any) -> None:
    result = ran.run("jobs", "forget", "--value", ADA)
    assert (result.code, "give --yes" in result.err) == (2, True)
    assert len(ran.quick("jobs", "list", "--format", "json").lines) == 2
    assert ran.run("jobs", "forget", "--value", "nobody@example.com").code == 0
    assert ran.run("jobs", "forget", "--value", "ab", "--yes").code == 1


def test_what_waits_is_named_unless_it_is_taken_back(ran: Any) -> None:
    ran.quick("render", "p")
    waiting = [
        json.loads(line)["id"] for line in ran.quick("jobs", "list", "--status", "pending", "--format", "json").lines
    ]
    result = ran.quick("jobs", "forget", "--value", ADA, "--yes", code=1)
    [left] = [line for line in result.err.splitlines() if line.startswith("left, in 1 waiting job: ")]
    assert left.endswith("; --including-waiting takes it back, or forget it again when it has ended")
    assert any(job_id in result.err for job_id in waiting)
    assert ran.quick("jobs", "forget", "--value", ADA, "--including-waiting", "--yes").out.startswith("deleted 1 job")


def test_space_is_told_by_kind_status_and_name(ran: Any) -> None:
    shown = ran.quick("store", "usage").out
    headings = [line.split()[0] for line in shown.splitlines() if line and line.split()[0].isupper()]
    assert headings == ["KIND", "STATUS", "SOURCE"]
    assert "an estimate by 2 weighed jobs, as the server says" in shown
    found = json.loads(ran.quick("store", "usage", "--format", "json").out)
    assert (found["samples"], found["estimate"], found["measured"]) == (2, True, True)
    assert found["states"]["completed"]["number"] == 2
    assert found["source_names"].keys() == {"mail", "other"}
    assert found["bytes"] == sum(kind["bytes"] for kind in found["kinds"].values())


def test_without_a_store_there_is_nothing_to_say(project: Any, tmp_path: Path) -> None:
    nowhere = {"LIQUID_BACKGROUND_DATA_DIR": str(tmp_path / "none")}
    assert "no store here" in project.quick("store", "usage", **nowhere).err
    assert "no store here" in project.quick("jobs", "forget", "--value", ADA, "--yes", code=1, **nowhere).err
    assert "no store here" in project.quick("queues", "list", **nowhere).err
    assert "no store here" in project.quick("queues", "pause", "low", code=1, **nowhere).err
    assert not (tmp_path / "none").exists()
