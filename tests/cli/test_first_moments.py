"""A worker that is told to stop before it has begun exits with 0, at once and without a word."""

from __future__ import annotations

import signal
import socket
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests import campaigns

pytestmark = pytest.mark.slow  # most of them start Python: what is a program's own in its first moments is seen so

SLOW = """
import time
from pathlib import Path
Path("loading").touch()
{body}
from liquid_background import Engine
engine = Engine()
"""
ROUNDS = range(16) if campaigns.TIMES > 1 else range(0, 16, 2)
SLEEPS = "time.sleep(30)"
SWALLOWS = "try: time.sleep(30)\nexcept BaseException: pass"


def _catches(pid: int, number: int) -> bool:
    """Return whether a process has a handler for a signal: its first line has run."""
    status = Path(f"/proc/{pid}/status").read_text()
    caught = next(line for line in status.splitlines() if line.startswith("SigCgt:"))
    return bool(int(caught.split()[1], 16) >> (number - 1) & 1)


@campaigns.fuzz
def test_l20_a_stop_in_the_first_moments_exits_with_0(project: Any) -> None:
    project.good("store", "status")
    for round_, number in campaigns.pairs(ROUNDS, [signal.SIGTERM, signal.SIGINT], few=1):
        worker = project.start("worker", "--quiet", cold=True)
        project.wait(lambda pid=worker.process.pid: _catches(pid, signal.SIGTERM), every=0.0005)
        time.sleep(round_ * round_ * 0.003)  # from the first line to a worker that runs, by way of all its imports
        assert (worker.stop(number), worker.err.read_text()) == (0, ""), f"round {round_}, {number}"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("body", [SLEEPS, SWALLOWS], ids=["sleeps", "swallows"])
def test_l20_a_stop_while_the_application_loads_exits_with_0(project: Any, number: int, body: str) -> None:
    project.write("slow.py", SLOW.format(body=body))
    worker = project.start("worker", "--quiet", "--app", "slow:engine", cold=body is SLEEPS)
    project.wait((project.folder / "loading").exists)
    began = time.monotonic()
    assert (worker.stop(number), worker.err.read_text()) == (0, "")
    assert time.monotonic() - began < 10


@pytest.mark.parametrize("option", [("--site", "shop"), ("--site=shop",)])
def test_l20_so_it_does_behind_an_option_of_the_program(project: Any, option: tuple[str, ...]) -> None:
    project.write("slow.py", SLOW.format(body=SLEEPS))
    worker = project.start(*option, "worker", "--quiet", "--app", "slow:engine", cold=len(option) == 1)
    project.wait((project.folder / "loading").exists)
    assert (worker.stop(signal.SIGTERM), worker.err.read_text()) == (0, "")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_l20_a_stop_while_no_store_listens_exits_with_0(project: Any, number: int) -> None:
    worker = project.start("worker", "--quiet", LIQUID_BACKGROUND_REDIS_URL="redis://127.0.0.1:1/0")
    project.wait(lambda: "waiting for the store" in worker.err.read_text())
    began = time.monotonic()
    assert worker.stop(number) == 0
    assert time.monotonic() - began < 10  # and not the minute that it waits for a store
    assert ["waiting for the store" in line for line in worker.err.read_text().splitlines()] == [True]


def test_l20_a_stop_while_a_store_says_nothing_exits_with_0(project: Any) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        url = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        worker = project.start("worker", "--quiet", LIQUID_BACKGROUND_REDIS_URL=url)
        silent.settimeout(20)
        connection, _ = silent.accept()
        with closing(connection):
            began = time.monotonic()
            assert (worker.stop(signal.SIGTERM), worker.err.read_text()) == (0, "")
            assert time.monotonic() - began < 10


def test_ctrl_c_stays_an_interruption_for_the_other_commands(project: Any) -> None:
    project.write("slow.py", SLOW.format(body=SLEEPS))
    project.page("worker", "Hi")
    other = project.start("render", "worker", "--app", "slow:engine")
    project.wait((project.folder / "loading").exists)
    assert not _catches(other.process.pid, signal.SIGTERM)
    assert other.stop(signal.SIGINT) == 130
