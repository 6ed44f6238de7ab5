"""`poscli operations`, and retry, cancel, delete and clean of all that match."""

from __future__ import annotations

import getpass
import json
import re
import signal
import socket
from typing import Any

import pytest

from .conftest import on_terminal, served

PAGE = """{% for i in (1..5) %}
{% background source_name: 'crm', customer_id: i %}{% include 'crm' %}{% endbackground %}
{% endfor %}
{% background source_name: 'mail', api_key: 'k' %}{% include 'mail' %}{% endbackground %}"""
WHO = f"{getpass.getuser()}@{socket.gethostname()}"


@pytest.fixture
def shop(project: Any) -> Any:
    """A project with five failed jobs of one name and one of another."""
    project.page("shop", PAGE)
    project.quick("render", "shop")
    project.good("worker", "--burst")
    return project


def _statuses(project: Any) -> dict[str, list[str]]:
    told: dict[str, list[str]] = {}
    for line in project.quick("jobs", "list", "--format", "json").lines:
        job = json.loads(line)
        told.setdefault(job["source_name"], []).append(job["status"])
    return told


def _mended(project: Any) -> None:
    """Start a worker where the jobs succeed."""
    for name in ("crm", "mail"):
        project.write(f"templates/partials/{name}.liquid", "done")
    served(project)


def test_just_those_that_match_are_retried(shop: Any) -> None:
    _mended(shop)
    done = shop.quick("jobs", "retry", "--source-name", "c*", "--value", "customer_id=3", "--yes")
    assert done.lines == ["retried 1 job"]
    shop.wait(lambda: _statuses(shop)["crm"].count("completed") == 1)
    assert shop.quick("jobs", "retry", "--source-name", "crm", "--error", "NOT FOUND", "--yes").lines == [
        "retried 4 jobs"
    ]
    assert _statuses(shop)["mail"] == ["failed"]
    assert shop.quick("jobs", "retry", "--all-failed", "--source-name", "mail", "--yes").lines == ["retried 1 job"]
    assert shop.quick("jobs", "retry", "--all-failed", "--source-name", "no", "--yes").err == (
        "no jobs match --status failed --source-name no\n"
    )


def test_a_dry_run_shows_and_changes_nothing(shop: Any) -> None:
    result = shop.quick("jobs", "retry", "--all-failed", "--dry-run")
    assert result.lines[0] == "6 jobs would be retried"
    assert result.lines[1].split()[0] == "ID"
    assert len(result.lines) == 7
    assert result.err == "and 1 more\n"
    assert shop.quick("operations", "list").err.startswith("no operations; ")
    assert shop.quick("jobs", "cancel", "--source-name", "crm", "--dry-run").lines == ["0 jobs would be cancelled"]


def test_without_a_worker_it_says_what_to_start(shop: Any) -> None:
    told = shop.quick("jobs", "retry", "--all-failed", "--yes").err
    found = re.fullmatch(
        r"operation (\w+) waits: no worker is running. Start one: poscli worker; follow it with "
        r"'poscli operations show \1 --follow'\n",
        told,
    )
    assert found, told
    listed = shop.quick("operations", "list").lines
    assert listed[0].split() == ["ID", "KIND", "STATE", "AGE", "DONE", "FAILED", "RATE", "BY", "FILTER"]
    assert listed[1].split()[:3] == [found[1], "retry", "running"]
    assert listed[1].split()[-3:] == [WHO, "--status", "failed"]
    shop.good("worker", "--burst")
    shown = shop.quick("operations", "show", found[1][:6]).out
    assert "State:      done" in shown
    assert "Done:       6" in shown
    assert f"By:         {WHO}" in shown
    values = json.loads(shop.quick("operations", "show", found[1], "--format", "json").out)
    assert (values["state"], values["done"], values["filter"]) == ("done", 6, "--status failed")
    assert shop.quick("operations", "show", found[1], "--follow").lines == ["retried 6 jobs"]


def test_an_operation_can_be_aborted(shop: Any) -> None:
    shop.quick("jobs", "retry", "--all-failed", "--rate", "10/m", "--yes")
    [operation] = [json.loads(line) for line in shop.quick("operations", "list", "--format", "json").lines]
    assert operation["rate"] == "10/m"
    assert shop.quick("operations", "abort", operation["id"]).lines == ["retried 0 jobs, aborted"]
    again = shop.run("operations", "abort", operation["id"])
    assert (again.code, again.err) == (1, f"poscli: cannot abort operation {operation['id']}: it is aborted\n")
    missing = shop.run("operations", "show", "none")
    assert (missing.code, missing.err.startswith("poscli: no operation has the id 'none'; ")) == (1, True)
    acts = [line.split()[3:5] for line in shop.quick("audit").lines[1:]]
    assert acts == [["retry", "operation"], ["abort", "operation"]]


@pytest.mark.slow
def test_ctrl_c_leaves_it_going_and_says_how_to_follow_it(shop: Any) -> None:
    _mended(shop)
    waiting = shop.start("jobs", "retry", "--all-failed", "--rate", "1/s", "--yes")
    operation = shop.wait(
        lambda: next((json.loads(each) for each in shop.quick("operations", "list", "--format", "json").lines), None)
    )
    shop.wait(lambda: json.loads(shop.quick("operations", "show", operation["id"], "--format", "json").out)["done"])
    assert waiting.stop(signal.SIGINT) == 130
    assert waiting.err.read_text().strip() == (
        f"operation {operation['id']} goes on: see 'poscli operations show {operation['id']}', end it with "
        f"'poscli operations abort {operation['id']}'"
    )
    assert shop.good("operations", "show", operation["id"], "--follow").lines == ["retried 6 jobs"]


def test_a_terminal_shows_how_far_it_is(shop: Any) -> None:
    _mended(shop)
    seen = on_terminal(shop, "jobs", "retry", "--all-failed", "--rate", "5/s", "--yes", until=b"jobs", columns=100)
    assert b"retried 6 jobs" in seen
    assert re.search(rb"[1-5]/6|[1-5]/\d", seen), seen


def test_cancels_and_deletes_of_all_that_match(shop: Any) -> None:
    shop.page(
        "later", "{% for i in (1..3) %}{% background source_name: 'later', delay: 60 %}x{% endbackground %}{% endfor %}"
    )
    shop.quick("render", "later")
    served(shop)
    assert shop.quick("jobs", "cancel", "--source-name", "later", "--yes").lines == ["cancelled 3 jobs"]
    assert _statuses(shop)["later"] == ["cancelled"] * 3
    assert shop.quick("jobs", "clean", "--status", "failed", "--older-than", "2d", "--yes").err.startswith(
        "no jobs match"
    )
    assert shop.quick("jobs", "clean", "--status", "cancelled", "--older-than", "0s", "--yes").lines == [
        "deleted 3 jobs"
    ]
    assert shop.quick("jobs", "delete", "--source-name", "crm", "--yes").lines == ["deleted 5 jobs"]
    assert _statuses(shop) == {"mail": ["failed"]}


def test_the_exit_code_is_1_when_some_failed(shop: Any) -> None:
    served(shop, LIQUID_BACKGROUND_SIGNING_KEY="a-key-that-signed-none-of-them")
    result = shop.quick("jobs", "retry", "--source-name", "mail", "--yes", code=1)
    assert result.lines == ["retried 0 jobs, 1 failed"]
    assert "the last one that failed is job " in result.err
    assert "the job is not signed, and SIGNING_KEY is set here; enqueue it again where it comes from" in result.err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("retry", "x", "--all-failed"), "such as --source-name: not both; see"),
        (("cancel", "x", "--error", "503"), "such as --source-name: not both; see"),
        (("retry",), "name the jobs, or give --all-failed"),
        (("cancel",), "name the jobs, or give options that say which, such as --source-name"),
        (("delete",), "name the jobs, or give options that say which"),
        (("clean", "--older-than", "2x"), "'2x' is not a time such as 10m"),
        (("clean", "--older-than", "2d", "--until", "1d"), "no option '--until'"),
        (("retry", "--all-failed", "--status", "cancelled"), "--all-failed and --status cancelled: give one of them"),
        (("retry", "--value", "x"), "--value 'x' is not NAME=VALUE"),
        (("retry", "--all-failed", "--rate", "fast", "--yes"), "the rate 'fast' is not one such as 10/s"),
        (("cancel", "--source-name", "x", "--rate", "0/s"), "the rate '0/s' is not one such as 10/s"),
        (("retry", "x", "--rate", "1/s"), "--rate and --dry-run are for all that match"),
        (("retry", "--all-failed"), "this changes many jobs at once: give --yes"),
    ],
)
def test_wrong_usage_is_said(shop: Any, arguments: tuple[str, ...], says: str) -> None:
    result = shop.run("jobs", *arguments)
    assert result.code == 2
    assert says in result.err
    assert len(result.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("retry", "--status", "completed", "--yes"), "cannot retry jobs that are completed"),
        (("delete", "--status", "running", "--yes"), "cannot delete jobs that are running; cancel them first"),
        (("retry", "--value", "api_key=k", "--yes"), "jobs cannot be found by 'api_key'"),
    ],
)
def test_what_cannot_be_is_one_line(shop: Any, arguments: tuple[str, ...], says: str) -> None:
    result = shop.run("jobs", *arguments)
    assert result.code == 1
    assert result.err.startswith(f"poscli: {says}")
    assert len(result.err.splitlines()) == 1
