"""`poscli logs`: what it shows, in which form, how fast, and that no entry can pose as another."""

from __future__ import annotations

import json
import os
import re
import resource
import subprocess
import time
from typing import Any
from unicodedata import combining, east_asian_width

import pytest

from liquid_background import LogEntry, LogStatus
from liquid_background.job import Job
from liquid_background.jobs.log import KEY as LOG
from liquid_background.jobs.queue import Queue, keys
from liquid_background.jobs.store import Store
from liquid_background.settings import load_settings

from .conftest import POSCLI, attempt, on_terminal, write_log


def test_the_three_formats(project: Any, log: Store) -> None:
    write_log(log, attempt("pay", "FAILED", message="partial 'x' not found"), attempt("pay", attempt=2, final=True))
    write_log(log, LogEntry(source_name="pay", message="done", type="info", template="pages/x", line=4, job_id="j1"))
    stamp = r"\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\]"
    first, second, third = project.quick("logs").lines
    assert re.fullmatch(
        stamp + r" background job: pay \(attempt 1/3\) - FAILED \(12ms\): partial 'x' not found \(pages/x:3\)", first
    )
    assert re.fullmatch(stamp + r" background job: pay \(attempt 2/3\) - SUCCESS \(12ms\)", second)
    assert re.fullmatch(stamp + r" log: pay - done", third)
    assert project.quick("logs", "--format", "short").lines[:2] == [
        "[attempt 1/3] - pay - FAILED",
        "[attempt 2/3] - pay - SUCCESS",
    ]
    objects = [json.loads(line) for line in project.quick("logs", "--format", "json").lines]
    assert list(objects[0]) == [
        "id",
        "time",
        "type",
        "status",
        "job_id",
        "source_name",
        "template",
        "line",
        "attempt",
        "max_attempts",
        "duration_ms",
        "message",
        "final",
    ]
    assert [item["final"] for item in objects] == [False, True, False]
    assert (objects[2]["job_id"], objects[2]["template"], objects[2]["line"]) == ("j1", "pages/x", 4)


def test_filters_take_names_literally_and_n_counts_from_the_end(project: Any, log: Store) -> None:
    write_log(log, attempt("a.b"), attempt("axb"), attempt("a.b", "FAILED"), attempt("[a-z]*"))
    write_log(log, LogEntry(source_name="a.b", message="hi", type="report"))
    short = ("logs", "--format", "short")
    assert len(project.quick(*short, "--source-name", "a.b").lines) == 3
    assert len(project.quick(*short, "--source-name", "[a-z]*").lines) == 1
    assert project.quick(*short, "--status", "failed").lines == ["[attempt 1/3] - a.b - FAILED"]
    assert project.quick(*short, "--type", "RePort").lines == ["[report] - a.b - hi"]
    assert project.quick(*short, "--type", "job", "-n", "2").lines == [
        "[attempt 1/3] - a.b - FAILED",
        '[attempt 1/3] - "[a-z]*" - SUCCESS',
    ]
    assert project.quick("logs", "-n", "0").lines == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("staging",), "no environment is named here, such as 'staging': the settings say whose log it is"),
        (("staging", "--filter=error"), "no such option --filter: write --type TYPE"),
        (("-i", "2000"), "no such option -i: leave it out: with --tail"),
        (("-q",), "no such option -q: write --format short"),
        (("--qux",), "No such option"),
    ],
    ids=["environment", "filter", "interval", "quiet", "any"],
)
def test_who_comes_from_the_original_is_told_what_it_is_here(project: Any, words: tuple[str, ...], said: str) -> None:
    assert said in project.quick("logs", *words, code=2).err


def test_since_means_the_time_of_the_entry(project: Any, log: Store) -> None:
    fields: Any = {"source_name": "old", "status": "SUCCESS", "type": "job"}
    log.client.xadd("liquid_background:log", fields, id=f"{int((time.time() - 3600) * 1000)}-0")
    write_log(log, attempt("new"))
    assert len(project.quick("logs").lines) == 2
    for recent in ("10m", "59m30s", "0.5h"):
        (line,) = project.quick("logs", "--since", recent).lines
        assert " new " in line
    assert len(project.quick("logs", "--since", "2h").lines) == 2
    assert len(project.quick("logs", "--since", "2020-01-01").lines) == 2


def test_the_greps_of_the_platform_pages_find_what_they_mean(project: Any, log: Store) -> None:
    for milliseconds in (12, 499, 500, 999, 1000, 73_000):
        write_log(log, attempt("send_email", duration=milliseconds))
    write_log(log, attempt("send_email", "FAILED"), attempt("other", "FAILED"), LogEntry(source_name="x", message="hi"))
    project.write("log.txt", project.quick("logs").out)

    def grep(pattern: str) -> int:
        done = subprocess.run(
            ["bash", "-c", f"cat log.txt {pattern}"], cwd=project.folder, capture_output=True, text=True, check=False
        )
        return len(done.stdout.splitlines())

    assert grep("| grep 'send_email'") == 7
    assert grep("| grep 'FAILED'") == 2
    assert grep("| grep 'SUCCESS'") == 6
    assert grep("| grep 'FAILED' | grep 'send_email'") == 1
    assert grep("| grep 'attempt'") == 8
    assert grep("| grep 'send_email' | tail -20") == 7
    assert grep("| grep 'attempt' | grep -E '[5-9][0-9]{2}ms|[0-9]{4,}ms'") == 4


@pytest.mark.parametrize(
    "text",
    [
        "x\n[2026-01-01 00:00:00] background job: pay (attempt 1/1) - SUCCESS (1ms)",
        "x\r\x1b[2K[2026-01-01 00:00:00] background job: pay (attempt 1/1) - SUCCESS (1ms)",
        "x\x1b]0;title\x07\x9b31m",
        "x\u202e)sm1( SSECCUS\u2066\u200b",
        "x\u2028y\u2029z\x0b\x0c\x85",
    ],
)
def test_no_entry_can_pose_as_another(project: Any, log: Store, text: str) -> None:
    write_log(log, attempt("evil", "FAILED", message=text), LogEntry(source_name=text, message=text, type=text))
    for style in ("text", "short", "json"):
        out = project.quick("logs", "--format", style).out
        assert out.count("\n") == len(out.splitlines()) == 2
        assert all(character.isprintable() for character in out if character != "\n")
        assert not re.search(r"^\[2026-01-01", out, re.M)


def test_an_unknown_source_name_gets_the_nearest(project: Any, log: Store) -> None:
    write_log(log, attempt("send_email"))
    result = project.quick("logs", "--source-name", "send_mail")
    assert (result.out, result.err) == ("", "no entry has the source name 'send_mail'; did you mean 'send_email'?\n")
    assert "did you mean" not in project.quick("logs", "--source-name", "send_email", "--status", "FAILED").err


def test_a_page_and_a_job_log_with_their_place(project: Any) -> None:
    project.page(
        "p", "{% log 'from the page' %}\n{% background source_name: 'j' %}\n{% log 'from the job' %}{% endbackground %}"
    )
    project.good("render", "p")
    project.good("worker", "--burst")
    page, job = (json.loads(line) for line in project.good("logs", "--type", "info", "--format", "json").lines)
    assert (page["template"], page["line"], page["job_id"], page["message"]) == ("pages/p", 1, "", "from the page")
    assert (job["template"], job["line"], job["source_name"], job["message"]) == ("pages/p", 3, "j", "from the job")
    assert len(job["job_id"]) == 32


@pytest.fixture
def full(log: Store) -> Store:
    """A log of 100,000 entries, of which one in a thousand has the name that tests look for."""
    names = ("rare" if number % 1000 == 0 else f"job{number % 7}" for number in range(5_000))
    write_log(log, *[attempt(name, message="x" * 60, line=i) for i, name in enumerate(names)])
    log.client.eval(_AGAIN, 1, LOG, 19)
    return log


_AGAIN = """
local rows = redis.call('XRANGE', KEYS[1], '-', '+')
for _ = 1, ARGV[1] do
    for _, row in ipairs(rows) do redis.call('XADD', KEYS[1], '*', unpack(row[2])) end
end
"""
"""Appends all entries so many times again."""


@pytest.mark.slow
def test_a_full_log_is_searched_quickly_and_in_little_memory(project: Any, full: Store) -> None:
    def spent() -> float:
        cpu: Any = full.client.info("cpu")
        return float(cpu["used_cpu_user"] + cpu["used_cpu_sys"])

    def run(*arguments: str) -> tuple[float, int, int]:
        before = spent()
        process = subprocess.Popen(
            [*POSCLI, *arguments], cwd=project.folder, env=project.env, stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        first = process.stdout.readline()
        lines = 1 + len(process.stdout.readlines())
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        process.stdout.close()
        assert first
        return spent() - before + usage.ru_utime + usage.ru_stime, lines, usage.ru_maxrss

    base, _, little = run("logs", "-n", "1")
    took, lines, memory = min(run("logs", "--source-name", "rare", "-n", "20") for _ in range(2))
    assert lines == 20
    # Of the processor's time, the store's included: how long a command takes depends on what else runs.
    assert took < 1.0 + base, f"{took:.2f} s, against {base:.2f} s for the newest entry"
    assert memory < little + 10_000  # kilobytes
    assert len(project.quick("logs", "--source-name", "rare").lines) == 100
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # the unit above is this platform's


def test_the_whole_log_is_shown_in_order_and_ends(project: Any, log: Store) -> None:
    assert project.quick("logs").lines == []
    write_log(log, *[attempt(f"n{number}") for number in range(1_200)])
    names = [line.split(" - ")[1] for line in project.quick("logs", "--format", "short").lines]
    assert names == [f"n{number}" for number in range(1_200)]
    assert len(project.quick("logs", "--since", "1h").lines) == 1_200
    assert project.quick("logs", "--since", "2999-01-01").lines == []


_FORGED = "[2024-01-15 14:32:45] background job: pay (attempt 1/1) - SUCCESS (1ms)"


@pytest.mark.slow
@pytest.mark.parametrize("fill", ["x", " ", "\u4f60", "\u3000", "e\u0301", "\u2003"])
@pytest.mark.parametrize("columns", [40, 80, 132])
def test_no_message_starts_a_row_of_the_terminal(project: Any, log: Store, fill: str, columns: int) -> None:
    messages = [fill * number + _FORGED for number in range(30, 110)]
    write_log(log, *(LogEntry(source_name="a", type="info", message=message) for message in messages))
    shown = on_terminal(project, "logs", until=b"nothing", columns=columns).decode()
    rows = [row for row in shown.replace("\r", "").split("\n") if row]
    assert all(row.startswith((" ", "[")) for row in rows)
    assert not any("background job: pay" in row[:60] and row.startswith("[") for row in rows)
    assert max(_cells(row) for row in rows) <= columns


@pytest.mark.parametrize("fill", ["\u4dc0", "\u3248", "\u2630", "\u2764"])
@pytest.mark.parametrize(
    ("style", "columns", "start", "forged"),
    [
        ("short", 80, "[info] - inline - ", "[attempt 1/1] - pay - SUCCESS"),
        ("text", 160, "[2024-01-15 14:32:45] log: inline - ", _FORGED),
    ],
)
def test_no_message_of_symbols_has_the_terminal_start_a_row(
    project: Any, log: Store, *, style: str, columns: int, start: str, forged: str, fill: str
) -> None:
    """Symbols that some terminals draw one column wide and some two."""
    whole = fill * ((columns - len(start)) // 2) + forged
    second = "x" * (columns - len(start)) + fill * ((columns - 4) // 2) + forged  # fills the row that we begin
    write_log(log, *(LogEntry(source_name="inline", type="info", message=message) for message in (whole, second)))
    shown = on_terminal(project, "logs", "--format", style, until=b"nothing", columns=columns, NO_COLOR="1").decode()
    rows = [row for row in shown.replace("\r", "").split("\n") if row]
    assert len([row for row in rows if not row.startswith("    ")]) == 2
    assert not any(row.startswith(forged[:12]) for row in rows)
    assert max(len(row) + row.count(fill) for row in rows) <= columns  # else the terminal breaks it


def test_a_broken_line_keeps_its_colour(project: Any, log: Store) -> None:
    write_log(log, attempt("n" * 60, LogStatus.FAILED, message="m" * 100))
    shown = on_terminal(project, "logs", until=b"nothing", columns=80)
    assert b"\x1b[31mFAILED\x1b[0m" in shown
    write_log(log, attempt("FAILED", LogStatus.SUCCESS))
    shown = on_terminal(project, "logs", "--format", "short", until=b"nothing", columns=80)
    assert b'"FAILED" - \x1b[32mSUCCESS\x1b[0m' in shown


def test_a_table_colours_its_status_only_and_fits(project: Any, log: Store) -> None:
    settings = load_settings(data_dir=project.data_dir)
    Queue(log, settings).send([Job(source_name="completed", template="\u4f60" * 60, line=1, source="", id="failed")])
    shown = on_terminal(project, "jobs", "list", until=b"nothing", columns=100)
    assert b"\x1b[3" not in shown  # pending has no colour
    log.client.hset(keys.job("failed"), "status", "canceled")
    shown = on_terminal(project, "jobs", "list", "--status", "cancelled", until=b"nothing", columns=100)
    rows = [row for row in shown.decode().replace("\r", "").split("\n") if row]
    assert max(_cells(row) for row in rows) <= 100


def _cells(row: str) -> int:
    plain = re.sub(r"\x1b\[[0-9;]*m", "", row)
    return sum(0 if combining(each) else 2 if east_asian_width(each) in "WF" else 1 for each in plain)
