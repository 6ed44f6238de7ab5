"""`poscli logs`: what it shows, in which form, how fast, and that no entry can pose as another."""

from __future__ import annotations

import json
import os
import pty
import re
import resource
import signal
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import pytest

from liquid_background import LogEntry, LogStatus
from liquid_background.joblog import append
from liquid_background.settings import load_settings
from liquid_background.store import Store, connect

from .conftest import POSCLI, on_terminal


@pytest.fixture
def log(project: Any) -> Iterator[Store]:
    """The project's store; `_write` puts entries into its log."""
    store = connect(load_settings(data_dir=project.data_dir))
    yield store
    store.close()


def _write(store: Store, *entries: LogEntry) -> None:
    append(store.client, entries, limit=1_000_000)


def _attempt(name: str, status: str = "SUCCESS", attempt: int = 1, **rest: Any) -> LogEntry:
    values = {"template": "pages/x", "line": 3, "max_attempts": 3, "duration": 12, "job_id": "j1", **rest}
    return LogEntry(source_name=name, status=LogStatus(status), attempt=attempt, **values)


def test_the_three_formats(project: Any, log: Store) -> None:
    _write(log, _attempt("pay", "FAILED", message="partial 'x' not found"), _attempt("pay", attempt=2, final=True))
    _write(log, LogEntry(source_name="pay", message="done", type="info", template="pages/x", line=4, job_id="j1"))
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
    _write(log, _attempt("a.b"), _attempt("axb"), _attempt("a.b", "FAILED"), _attempt("[a-z]*"))
    _write(log, LogEntry(source_name="a.b", message="hi", type="report"))
    short = ("logs", "--format", "short")
    assert len(project.quick(*short, "--source-name", "a.b").lines) == 3
    assert len(project.quick(*short, "--source-name", "[a-z]*").lines) == 1
    assert project.quick(*short, "--status", "failed").lines == ["[attempt 1/3] - a.b - FAILED"]
    assert project.quick(*short, "--type", "report").lines == ["[report] - a.b - hi"]
    assert project.quick(*short, "--type", "job", "-n", "2").lines == [
        "[attempt 1/3] - a.b - FAILED",
        "[attempt 1/3] - [a-z]* - SUCCESS",
    ]
    assert project.quick("logs", "-n", "0").lines == []


def test_since_means_the_time_of_the_entry(project: Any, log: Store) -> None:
    fields: Any = {"source_name": "old", "status": "SUCCESS", "type": "job"}
    log.client.xadd("liquid_background:log", fields, id=f"{int((time.time() - 3600) * 1000)}-0")
    _write(log, _attempt("new"))
    assert len(project.quick("logs").lines) == 2
    for recent in ("10m", "59m30s", "0.5h"):
        (line,) = project.quick("logs", "--since", recent).lines
        assert " new " in line
    assert len(project.quick("logs", "--since", "2h").lines) == 2
    assert len(project.quick("logs", "--since", "2020-01-01").lines) == 2


def test_the_greps_of_the_platform_pages_find_what_they_mean(project: Any, log: Store) -> None:
    for milliseconds in (12, 499, 500, 999, 1000, 73_000):
        _write(log, _attempt("send_email", duration=milliseconds))
    _write(log, _attempt("send_email", "FAILED"), _attempt("other", "FAILED"), LogEntry(source_name="x", message="hi"))
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
    _write(log, _attempt("evil", "FAILED", message=text), LogEntry(source_name=text, message=text, type=text))
    for style in ("text", "short", "json"):
        out = project.quick("logs", "--format", style).out
        assert out.count("\n") == len(out.splitlines()) == 2
        assert all(character.isprintable() for character in out if character != "\n")
        assert not re.search(r"^\[2026-01-01", out, re.M)


def test_an_unknown_source_name_gets_the_nearest(project: Any, log: Store) -> None:
    _write(log, _attempt("send_email"))
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
    for start in range(0, 100_000, 5_000):
        names = ("rare" if number % 1000 == 0 else f"job{number % 7}" for number in range(start, start + 5_000))
        _write(log, *[_attempt(name, message="x" * 60, line=i) for i, name in enumerate(names)])
    return log


@pytest.mark.slow
def test_a_full_log_is_searched_quickly_and_in_little_memory(project: Any, full: Store) -> None:
    def run(*arguments: str) -> tuple[float, int, int]:
        before = time.perf_counter()
        process = subprocess.Popen(
            [*POSCLI, *arguments], cwd=project.folder, env=project.env, stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        first = process.stdout.readline()
        took = time.perf_counter() - before
        lines = 1 + len(process.stdout.readlines())
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        process.stdout.close()
        assert first
        return took, lines, usage.ru_maxrss

    base = min(run("logs", "-n", "1")[0] for _ in range(3))
    took, lines, memory = min(run("logs", "--source-name", "rare", "-n", "20") for _ in range(3))
    assert lines == 20
    assert took < base + 0.3, f"{took:.2f} s, against {base:.2f} s for the newest entry"
    assert memory < run("logs", "-n", "1")[2] + 10_000  # kilobytes
    assert run("logs", "--source-name", "rare")[1] == 100
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # the unit above is this platform's


def test_a_tail_shows_the_newest_ten_and_goes_on(project: Any, log: Store) -> None:
    for number in range(15):
        _write(log, _attempt(f"old{number}"))
    tail = project.start("logs", "--tail", "--format", "short")
    tail.until("old14")
    _write(log, _attempt("new1"), _attempt("new2", "FAILED"))
    tail.until("new2")
    shown = [f"[attempt 1/3] - old{number} - SUCCESS" for number in range(5, 15)]
    assert tail.lines() == [*shown, "[attempt 1/3] - new1 - SUCCESS", "[attempt 1/3] - new2 - FAILED"]
    assert tail.stop(signal.SIGINT) == 0
    assert tail.err.read_text() == ""


def test_a_tail_filters(project: Any, log: Store) -> None:
    tail = project.start("logs", "--tail", "--source-name", "a", "--status", "FAILED", "--format", "short")
    _write(log, _attempt("zero"))
    project.wait(lambda: _followers(log), 10)
    _write(log, _attempt("a"), _attempt("b", "FAILED"), _attempt("a", "FAILED"))
    tail.until("FAILED")
    assert tail.lines() == ["[attempt 1/3] - a - FAILED"]


def _followers(store: Store) -> int:
    clients: Any = store.client.client_list()
    return sum(client["cmd"] == "xread" for client in clients)


def test_a_tail_outlives_its_store_without_losing_or_repeating_a_line(project: Any, log: Store) -> None:
    tail = project.start("logs", "--tail", "--format", "short")
    for number in range(20):
        _write(log, _attempt(f"n{number}"))
    tail.until("n19 ")
    for restart in range(2):
        info: Any = log.client.info("server")
        os.kill(info["process_id"], signal.SIGKILL)
        for number in range(20, 40):
            name = f"r{restart}n{number}"
            project.wait(lambda name=name: _tries(log, name), 20)
        tail.until(f"r{restart}n39 ", timeout=20)
    names = [re.split(" - ", line)[1] for line in tail.lines()]
    rest = [f"r{restart}n{number}" for restart in range(2) for number in range(20, 40)]
    assert names[-len(rest) :] == rest
    assert len(set(names)) == len(names)
    assert tail.stop() == 0
    assert tail.err.read_text() == ""


def _tries(store: Store, name: str) -> bool:
    try:
        _write(store, _attempt(name))
    except Exception:  # noqa: BLE001  whatever a store says that is starting again
        return False
    return True


def test_a_terminal_gets_colour_a_banner_and_hints(project: Any, log: Store) -> None:
    project.page("p", "{% background source_name: 'waits' %}{% endbackground %}")
    project.good("render", "p")
    _write(log, _attempt("good"), _attempt("bad", "FAILED"))
    seen = on_terminal(project, "logs", "--tail", until=b"Ctrl-C", keys=b"\x03")
    assert b"- \x1b[32mSUCCESS\x1b[0m (12ms)" in seen
    assert b"- \x1b[31mFAILED\x1b[0m (12ms)" in seen
    assert b"1 job waiting, no worker running. Start one: poscli worker" in seen
    assert b"Following the job log of unix://" in seen


def test_no_color_is_heeded(project: Any, log: Store) -> None:
    _write(log, _attempt("good"))
    assert b"\x1b[3" not in on_terminal(project, "logs", until=b"never", NO_COLOR="1")
    assert b"\x1b[3" in on_terminal(project, "logs", until=b"never")


@pytest.mark.slow
def test_a_tail_in_a_terminal_keeps_up_with_2000_lines_a_second(project: Any, log: Store) -> None:
    """In tmux where it is installed, whose own drawing the tail has to keep up with; else on a bare terminal."""
    seconds, rate = 4, 2_000
    total = seconds * rate
    names = [f"job{number % 10}" for number in range(total)]
    script = project.folder / "typescript"
    command = f"{' '.join(POSCLI)} logs --tail --format short | tee {script}"
    with _shell(project, command):
        project.wait(lambda: _followers(log), 15)
        begun = time.perf_counter()
        for start in range(0, total, 100):
            _write(log, *[_attempt(names[n], attempt=n // 10 + 1) for n in range(start, start + 100)])
            time.sleep(max(0.0, begun + start / rate - time.perf_counter()))
        wrote = time.perf_counter() - begun
        project.wait(lambda: script.read_text().count("\n") >= total, 10)
        behind = time.perf_counter() - begun - wrote
    lines = script.read_text().splitlines()
    assert len(lines) == total
    for name in set(names):
        attempts = [int(line.split("/")[0].removeprefix("[attempt ")) for line in lines if f" {name} " in line]
        assert attempts == list(range(1, total // 10 + 1))
    assert wrote < seconds * 1.5, "the test itself was too slow"
    assert behind < 1.0, f"the tail was {behind:.1f} s behind"


class _shell:  # noqa: N801  a context manager, used as a function
    """Run a shell command in a tmux session of its own, or on a pseudo-terminal where tmux is not installed."""

    def __init__(self, project: Any, command: str) -> None:
        self.project, self.command = project, command
        self.socket = f"lb-{os.getpid()}"
        self.tmux = subprocess.run(["which", "tmux"], capture_output=True, check=False).returncode == 0
        self.pid = 0

    def __enter__(self) -> None:
        if self.tmux:
            start = ["tmux", "-L", self.socket, "-f", "/dev/null", "new-session", "-d", "-x", "100", "-y", "40"]
            subprocess.run([*start, self.command], cwd=self.project.folder, env=self.project.env, check=True)
            return
        self.pid, terminal = pty.fork()
        if self.pid == 0:
            os.chdir(self.project.folder)
            os.execve("/bin/sh", ["sh", "-c", f"{self.command} >/dev/null"], self.project.env)
        self.terminal = terminal

    def __exit__(self, *_: object) -> None:
        if self.tmux:
            subprocess.run(["tmux", "-L", self.socket, "kill-server"], check=True)
            return
        os.killpg(self.pid, signal.SIGTERM)
        os.waitpid(self.pid, 0)
        os.close(self.terminal)


def test_the_whole_log_is_shown_in_order_and_ends(project: Any, log: Store) -> None:
    assert project.quick("logs").lines == []
    _write(log, *[_attempt(f"n{number}") for number in range(1_200)])
    names = [line.split(" - ")[1] for line in project.quick("logs", "--format", "short").lines]
    assert names == [f"n{number}" for number in range(1_200)]
    assert len(project.quick("logs", "--since", "1h").lines) == 1_200
    assert project.quick("logs", "--since", "2999-01-01").lines == []


def test_a_tail_ends_when_its_reader_goes(project: Any, log: Store) -> None:
    _write(log, _attempt("only"))
    command = f"{' '.join(POSCLI)} logs --tail | head -1"
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=project.folder,
        env=project.env,
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
    )
    assert len(done.stdout.splitlines()) == 1
    assert done.stderr == ""
