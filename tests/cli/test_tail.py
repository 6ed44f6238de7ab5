"""`poscli logs --tail`: goes on, resumes, keeps up, and behaves on a terminal and in a pipe."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
import time
from typing import Any

import pytest

from liquid_background import Engine
from liquid_background.jobs.log import KEY
from liquid_background.jobs.store import Store
from poscli.application import hint_waiting

from .conftest import POSCLI, attempt, in_bash, on_terminal, write_log


def test_a_tail_shows_the_newest_ten_and_goes_on(project: Any, log: Store) -> None:
    for number in range(15):
        write_log(log, attempt(f"old{number}"))
    tail = project.start("logs", "--tail", "--format", "short")
    tail.until("old14")
    write_log(log, attempt("new1"), attempt("new2", "FAILED"))
    tail.until("new2")
    shown = [f"[attempt 1/3] - old{number} - SUCCESS" for number in range(5, 15)]
    assert tail.lines() == [*shown, "[attempt 1/3] - new1 - SUCCESS", "[attempt 1/3] - new2 - FAILED"]
    assert tail.stop(signal.SIGINT) == 0
    assert tail.err.read_text() == ""


def test_a_tail_filters(project: Any, log: Store) -> None:
    tail = project.start("logs", "--tail", "--source-name", "a", "--status", "FAILED", "--format", "short")
    write_log(log, attempt("zero"))
    project.wait(lambda: _followers(log), 10)
    write_log(log, attempt("a"), attempt("b", "FAILED"), attempt("a", "FAILED"))
    tail.until("FAILED")
    assert tail.lines() == ["[attempt 1/3] - a - FAILED"]


def _followers(store: Store) -> int:
    clients: Any = store.client.client_list()
    return sum(client["cmd"] == "xread" for client in clients)


def test_a_tail_outlives_its_store_without_losing_or_repeating_a_line(project: Any, log: Store) -> None:
    tail = project.start("logs", "--tail", "--format", "short")
    for number in range(20):
        write_log(log, attempt(f"n{number}"))
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


@pytest.mark.parametrize("watched", [True, False])
def test_a_hint_that_cannot_be_had_ends_no_tail(monkeypatch: pytest.MonkeyPatch, watched: bool) -> None:
    """The store may go away between the lines that a tail begins with and those that it waits for."""
    monkeypatch.setattr(sys.stdout, "isatty", lambda: watched)
    hint_waiting(Engine(redis_url="redis://127.0.0.1:1"))


@pytest.mark.slow
def test_a_tail_goes_on_in_a_new_log_and_over_a_key_that_is_none(project: Any, log: Store) -> None:
    write_log(log, attempt("first"))
    log.client.xadd(KEY, {"source_name": "last"}, id=f"{2**64 - 1}-{2**64 - 1}")
    tail = project.start("logs", "--tail", "--format", "short")
    tail.until("last")
    project.wait(lambda: _followers(log), 10)
    log.client.rename(KEY, "aside")
    write_log(log, attempt("second"))
    tail.until("second")
    log.client.set(KEY, "no log")
    project.wait(lambda: "holds something else" in tail.err.read_text(), 10)
    log.client.delete(KEY)
    write_log(log, attempt("third"))
    tail.until("third")
    assert [line.split(" - ")[1] for line in tail.lines()] == ["first", "last", "second", "third"]
    assert tail.stop(signal.SIGINT) == 0
    assert len(tail.err.read_text().splitlines()) == 1


def _tries(store: Store, name: str) -> bool:
    try:
        write_log(store, attempt(name))
    except Exception:  # noqa: BLE001  whatever a store says that is starting again
        return False
    return True


def test_a_terminal_gets_colour_a_banner_and_hints(project: Any, log: Store) -> None:
    project.page("p", "{% background source_name: 'waits' %}{% endbackground %}")
    project.good("render", "p")
    write_log(log, attempt("good"), attempt("bad", "FAILED"))
    seen = on_terminal(project, "logs", "--tail", until=b"Ctrl-C", keys=b"\x03")
    assert b"- \x1b[32mSUCCESS\x1b[0m (12ms)" in seen
    assert b"- \x1b[31mFAILED\x1b[0m (12ms)" in seen
    assert b"1 job waiting, no worker running. Start one: poscli worker" in seen
    assert b"Following the job log of unix://" in seen


def test_no_color_is_heeded(project: Any, log: Store) -> None:
    write_log(log, attempt("good"))
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
            write_log(log, *[attempt(names[n], attempt=n // 10 + 1) for n in range(start, start + 100)])
            time.sleep(max(0.0, begun + start / rate - time.perf_counter()))
        wrote = time.perf_counter() - begun
        project.wait(lambda: script.read_text().count("\n") >= total, 10)
        behind = time.perf_counter() - begun - wrote
    lines = script.read_text().splitlines()
    assert len(lines) == total
    for name in set(names):
        attempts = [int(line.split("/")[0].removeprefix("[attempt ")) for line in lines if f" {name} " in line]
        assert attempts == list(range(1, total // 10 + 1))
    assert wrote < seconds * 2, "the test itself was too slow"
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


def test_a_tail_ends_when_its_reader_goes(project: Any, log: Store) -> None:
    write_log(log, attempt("only"))
    done = in_bash(project, "logs --tail | head -1")
    assert (done.code, len(done.lines), done.err) == (0, 1, "")
