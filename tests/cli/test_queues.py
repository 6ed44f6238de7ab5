"""`poscli queues`: what is paused is said wherever somebody looks."""

from __future__ import annotations

import getpass
import json
import socket
from typing import Any

import pytest

WHO = f"{getpass.getuser()}@{socket.gethostname()}"
PAGE = (
    "{% background source_name: 'sync_crm' %}x{% endbackground %}"
    "{% background source_name: 'mail', priority: 'low' %}x{% endbackground %}"
)


@pytest.fixture
def sent(project: Any) -> Any:
    project.page("p", PAGE)
    project.quick("render", "p")
    return project


def test_a_queue_is_paused_and_resumed(sent: Any) -> None:
    assert sent.quick("queues", "pause", "low", "--reason", "upgrade").out == "paused queue low\n"
    again = sent.quick("queues", "pause", "low", "--reason", "other")
    assert (again.out, again.err.startswith("was so already: queue low is paused since ")) == ("", True)
    heading, *rows = sent.quick("queues", "list").lines
    assert heading.split()[:3] == ["QUEUE", "PAUSED", "QUEUED"]
    assert [row.split()[:3] for row in rows[:3]] == [["high", "no", "0"], ["default", "no", "1"], ["low", "yes", "1"]]
    assert rows[4].split() == ["PAUSED", "SINCE", "BY", "WAITING", "REASON"]
    assert rows[5].split()[:2] == ["queue", "low"]
    assert rows[5].split()[-3:] == [WHO, "1", "upgrade"]
    sent.good("worker", "--burst", "--processes", "1")
    states = {job["source_name"]: job for job in map(json.loads, sent.quick("jobs", "list", "--format", "json").lines)}
    assert {name: job["status"] for name, job in states.items()} == {"sync_crm": "completed", "mail": "pending"}
    assert states["mail"]["paused"] == "queue low"
    assert sent.quick("queues", "resume", "low").out == "resumed queue low\n"
    sent.good("worker", "--burst", "--processes", "1")
    assert sent.quick("jobs", "list", "--status", "pending").out == ""


def test_a_name_is_shown_wherever_its_jobs_are(sent: Any) -> None:
    sent.quick("queues", "pause", "--source-name", "sync_*", "--reason", "the CRM\x1b[2J is down")
    sent.good("worker", "--burst", "--processes", "1")
    listed = sent.quick("jobs", "list").out
    assert "pause of source name sync_*" in listed
    [job] = [json.loads(line) for line in sent.quick("jobs", "list", "--status", "pending", "--format", "json").lines]
    assert f"by {WHO}: the CRM" in sent.quick("jobs", "show", job["id"]).out
    status = sent.quick("status")
    assert "source name sync_*" in status.out
    assert "\x1b" not in status.out
    [pause] = json.loads(sent.quick("status", "--format", "json").out)["paused"]
    assert (pause["kind"], pause["name"], pause["by"], pause["waiting"]) == ("source_name", "sync_*", WHO, 1)
    found = json.loads(sent.quick("queues", "list", "--format", "json").out)
    assert found["paused"] == [pause]
    assert found["queues"]["default"]["queued"] == 1
    health = sent.quick("health", "--min-workers", "0", "--max-oldest", "0")
    assert "warning: source name sync_* is paused since" in health.out
    assert "to end that: poscli queues resume --source-name 'sync_*'" in health.out


def test_a_paused_queue_is_not_too_old(sent: Any) -> None:
    late = sent.quick("health", "--min-workers", "0", "--max-oldest", "0", code=1)
    assert "a job has waited" in late.out
    for queue in ("low", "default"):
        sent.quick("queues", "pause", queue)
    health = sent.quick("health", "--min-workers", "0", "--max-oldest", "0")
    assert "a job has waited" not in health.out
    assert "queue low is paused" in health.out
    doctor = sent.run("doctor")
    assert "queue low is paused" in doctor.out


def test_what_is_not_paused_cannot_be_resumed(sent: Any) -> None:
    assert sent.quick("queues", "resume", "low", code=1).err == "poscli: it was not paused; nothing is\n"
    sent.quick("queues", "pause", "--source-name", "sync_*")
    result = sent.quick("queues", "resume", "--source-name", "sync_crm", code=1)
    assert result.err == "poscli: it was not paused; what is: source name sync_*\n"


@pytest.mark.parametrize("arguments", [[], ["low", "--group", "g"], ["urgent"], ["--group", "a", "--source-name", "b"]])
def test_a_pause_is_of_one_thing(sent: Any, arguments: list[str]) -> None:
    assert sent.run("queues", "pause", *arguments).code == 2
    assert sent.run("queues", "resume", *arguments).code == 2


def test_what_can_be_no_name_is_refused_in_one_line(sent: Any) -> None:
    result = sent.run("queues", "pause", "--source-name", "a b")
    assert (result.code, result.err.count("\n")) == (1, 1)
    assert "'a b' is no source name" in result.err


def test_the_audit_says_who_paused(sent: Any) -> None:
    sent.quick("queues", "pause", "--group", "crm")
    sent.quick("queues", "resume", "--group", "crm")
    acts = [json.loads(line) for line in sent.quick("audit", "--format", "json").lines]
    assert [(act["by"], act["action"], act["about"]) for act in acts] == [
        (WHO, "pause", "group crm"),
        (WHO, "resume", "group crm"),
    ]
