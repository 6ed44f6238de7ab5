"""What `poscli worker` logs: who starts and stops, and each job that fails for good."""

from __future__ import annotations

import json
import logging
import os
import pty
import re
import signal
import subprocess
import sys
import termios
from typing import Any

import pytest

from poscli.worker_log import Lines, Style
from tests.cli.conftest import POSCLI, in_bash


def _many(count: int, attempts: int) -> str:
    """Return a page with so many jobs that fail, each after so many attempts."""
    block = (
        f"{{% background source_name: 'pay', max_attempts: {attempts} %}}{{% include 'none' %}}{{% endbackground %}}"
    )
    return f"{{% for i in (1..{count}) %}}{block}{{% endfor %}}"


BAD = "{% background source_name: 'pay', max_attempts: 2 %}{% include 'none' %}{% endbackground %}"
LINE = re.compile(r"\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\] (DEBUG|INFO|WARNING|ERROR): .+|  .*")


@pytest.fixture
def bad(project: Any) -> Any:
    """A project with a job that fails, twice."""
    project.page("bad", BAD)
    project.good("render", "bad")
    return project


def test_a_worker_says_who_starts_what_failed_and_who_stops(bad: Any) -> None:
    bad.write("shop.py", "from liquid_background import Engine\n__version__ = '1.2.3'\nengine = Engine()\n")
    text = bad.good("worker", "--burst", "--app", "shop:engine", "--queues", "high,default").err
    first, failed, *trace, last = text.splitlines()
    assert all(map(LINE.fullmatch, text.splitlines()))
    assert re.search(r"INFO: worker \S+ starts: liquid-background \S+, shop:engine 1\.2\.3, store unix://", first)
    assert "queues high, default, 1 process, limits 300 s and 512 MB a job, lease 3 s" in first
    assert "] ERROR: background job: pay (attempt 2/2) - FAILED (" in failed
    assert "partial 'none' not found (pages/bad:1) [job " in failed
    assert trace[0] == "  Traceback (most recent call last):"
    assert any("TemplateNotFoundError: none" in line for line in trace)
    assert "stops: the burst is over; it ran 2 attempts, 2 of them failed, in " in last


def test_json_is_one_object_a_line_by_an_option_or_a_setting(bad: Any) -> None:
    for options, env in ((["--log-format", "json"], {}), ([], {"LIQUID_BACKGROUND_LOG_FORMAT": "json"})):
        bad.good("render", "bad")
        start, *failed, stop = map(json.loads, bad.good("worker", "--burst", *options, **env).err.splitlines())
        assert (start["event"], stop["event"]) == ("start", "stop")
        assert start["queues"] == ["high", "default", "low"]
        assert start["logger"] == stop["logger"] == "liquid_background.worker"
        for each in failed:
            assert (each["event"], each["level"], each["source_name"]) == ("failure", "error", "pay")
            assert (each["attempt"], each["max_attempts"], each["final"]) == (2, 2, True)
            assert each["traceback"].endswith("template not found")
            assert each["logger"] == "liquid_background.worker.jobs"


def test_attempts_that_others_follow_are_told_of_at_debug(bad: Any) -> None:
    lines = bad.good("worker", "--burst", LIQUID_BACKGROUND_LOG_LEVEL="debug").err.splitlines()
    told = [line.split("] ", 1)[1] for line in lines if "background job: " in line]
    assert [line.split(" - ")[0] for line in told] == [
        "DEBUG: background job: pay (attempt 1/2)",
        "ERROR: background job: pay (attempt 2/2)",
    ]


@pytest.mark.parametrize(
    ("options", "levels"),
    [(["--quiet"], []), (["--log-level", "error"], ["ERROR"]), (["--log-level", "warning"], ["ERROR"])],
)
def test_less_is_said_when_asked_for(bad: Any, options: list[str], levels: list[str]) -> None:
    text = bad.good("worker", "--burst", *options).err
    assert re.findall(r"^\[.*?\] (\w+): ", text, re.MULTILINE) == levels


def test_nothing_that_an_author_writes_forges_a_line(project: Any) -> None:
    name = "x\\n[2026-01-01 00:00:00] INFO: all is well\\r\\u001b[31m\\u2028\\u202e"
    project.write(
        "shop.py",
        "from liquid_background import Engine\n"
        "engine = Engine()\n"
        f'engine.environment.add_filter("boom", lambda _: 1 / 0 if False else exec("raise ValueError({name!r})"))\n',
    )
    project.page("evil", "{% background source_name: 'evil' %}{{ 1 | boom }}{% endbackground %}")
    project.good("render", "evil", "--app", "shop:engine")
    text = project.good("worker", "--burst", "--app", "shop:engine").err
    assert all(map(LINE.fullmatch, text.split("\n")[:-1]))
    assert text.count("] ERROR: ") == 1
    assert not set("\r\x1b\u2028\u202e") & set(text)


@pytest.mark.parametrize("style", ["text", "json"])
def test_on_a_terminal_no_row_of_a_line_begins_where_a_line_does(style: Style, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal, other = pty.openpty()
    termios.tcsetwinsize(other, (25, 80))
    forged = "[2026-01-15 14:32:45] background job: pay (attempt 1/1) - SUCCESS (1ms)"
    record = logging.LogRecord("x", logging.ERROR, "f", 1, f"a{' ' * 48}{forged}", (), None)
    record.exc_text = f"{'y' * 78}{forged}"
    with open(other, "w") as stream:
        monkeypatch.setattr(sys, "stderr", stream)
        Lines(style).emit(record)
        rows = os.read(terminal, 65536).decode().splitlines()
    os.close(terminal)
    if style == "json":
        assert len(rows) == 1  # for programs: none that is escaped can be taken for one
    else:
        assert len(rows) > 3
        assert all(len(row) <= 80 for row in rows)
        assert all(row.startswith("  ") for row in rows[1:])


def test_an_application_that_configures_logging_keeps_it(bad: Any) -> None:
    bad.write(
        "shop.py",
        "import logging\n"
        "from liquid_background import Engine\n"
        "logging.basicConfig(level=logging.INFO, format='MINE %(name)s %(message)s', filename='mine.log')\n"
        "engine = Engine()\n",
    )
    assert bad.good("worker", "--burst", "--app", "shop:engine").err == ""
    lines = (bad.folder / "mine.log").read_text().splitlines()
    assert [line.split()[1] for line in lines if line.startswith("MINE")] == [
        "liquid_background.worker",
        "liquid_background.worker.jobs",
        "liquid_background.worker",
    ]
    assert any("TemplateNotFoundError" in line for line in lines)


@pytest.mark.parametrize("redirection", ["2>&-", "2>/dev/full", "2> >(true)"])
def test_a_stream_that_takes_nothing_ends_no_worker(bad: Any, redirection: str) -> None:
    done = in_bash(bad, f"worker --burst {redirection}")
    assert done.code == 0, done.err
    assert "FAILED" in bad.good("logs", "--format", "short").out


@pytest.mark.slow
def test_a_reader_that_stopped_reading_holds_no_worker_up(project: Any) -> None:
    many = (
        "{% for i in (1..60) %}{% background source_name: 'pay' %}{% include 'none' %}{% endbackground %}{% endfor %}"
    )
    project.page("bad", many)
    project.good("render", "bad")
    reader, writer = os.pipe()
    worker = subprocess.Popen([*POSCLI, "worker", "--burst"], cwd=project.folder, env=project.env, stderr=writer)
    project.started.append(worker)
    os.close(writer)
    assert worker.wait(30) == 0  # more than a pipe holds was to be written
    os.close(reader)
    assert len([line for line in project.good("logs", "-n", "100").lines if "FAILED" in line]) == 60


@pytest.mark.slow
def test_each_of_many_failures_is_one_whole_record(project: Any) -> None:
    project.page("bad", _many(100, 3))
    for _ in range(3):
        project.good("render", "bad")
    text = project.good("worker", "--burst", "--processes", "2").err
    assert all(map(LINE.fullmatch, text.split("\n")[:-1]))
    ids = re.findall(
        r"^\[.*\] ERROR: background job: pay \(attempt 3/3\) - FAILED .* \[job (\w+)\]$", text, re.MULTILINE
    )
    assert len(ids) == len(set(ids)) == 300


def test_status_shows_the_version_of_a_worker_s_application(project: Any) -> None:
    project.write("shop.py", "from liquid_background import Engine\n__version__ = '4.5'\nengine = Engine()\n")
    (project.folder / "templates").mkdir()
    worker = project.start("worker", "--app", "shop:engine")

    def versions() -> list[Any]:
        found = json.loads(project.good("status", "--format", "json").out)["workers"]
        return [each["app_version"] for each in found]

    project.wait(lambda: versions() == ["4.5"])
    assert re.search(r"VERSION.*\n.* 4\.5 *$", project.good("status").out, re.MULTILINE)
    assert worker.stop(signal.SIGTERM) == 0
