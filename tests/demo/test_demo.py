"""`poscli demo` as a whole: its lines, its end, and that nothing is left running."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from liquid_background.jobs.store import embedded
from tests import warm

DEMO = [sys.executable, "-m", "poscli", "demo"]
NAMES = [
    "send_welcome_email",
    "send_reminder",
    "sync_to_crm",
    "compute_statement",
    "monthly_report",
    "process_item",
    "webhook_handler",
    "process_payment",
    "send_confirmation_email",
    "reserve_stock",
    "tell_warehouse",
    "send_newsletter",
]


def _left(folder: Path) -> list[str]:
    """Return the processes whose working folder or command names the demo's folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            if str(folder) in command or str(folder) in os.readlink(process / "cwd"):
                found.append(command)
        except OSError:
            continue
    return found


def _run(folder: Path, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    return warm.run("poscli", "demo", *arguments, cwd=folder, env={**os.environ, **env}, timeout=100)


def test_it_plays_to_the_end_and_leaves_nothing_running(store_dir: Path) -> None:
    # Settings of the user's own must not reach it: neither a store that is away nor a pyproject of somebody else.
    (store_dir / "pyproject.toml").write_text('[tool.liquid_background]\ntemplates = "none"\napp = "no:where"\n')
    done = _run(store_dir, REDIS_URL="redis://127.0.0.1:1/0", LIQUID_BACKGROUND_JOB_TIMEOUT="1")
    assert (done.returncode, done.stderr) == (0, "")
    for name in NAMES:
        assert re.search(
            rf"^\[\d{{4}}-[\d: -]+\] background job: {name} \(attempt \d/\d\) - SUCCESS", done.stdout, re.M
        )
    crm = re.findall(r"sync_to_crm \(attempt (\d)/3\) - (\w+)", done.stdout)
    assert crm == [("1", "FAILED"), ("2", "FAILED"), ("3", "SUCCESS")]
    outbox = store_dir / ".liquid-background-demo/outbox"
    assert len(list(outbox.glob("*.eml"))) == 7
    assert "your account has the number 7." in (outbox / "ada@example.com--Welcome-to-the-shop.eml").read_text()
    assert "mail to linus@example.com: Order 1001 | 2 x Kettle 1 x Cup Total: 56.80" in done.stdout
    assert not embedded.status(store_dir / ".liquid-background-demo/.liquid-background").running
    assert _left(store_dir) == []


@pytest.mark.parametrize("text", ["rendered pages/", "- SUCCESS"])
def test_ctrl_c_on_a_terminal_leaves_nothing_running(store_dir: Path, text: str) -> None:
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(store_dir)
        os.execv(sys.executable, DEMO)
    seen, asked = b"", False
    while True:
        try:
            seen += os.read(terminal, 4096)
        except OSError:  # the other end is gone
            break
        if not asked and text.encode() in re.sub(rb"\x1b\[[0-9;]*m", b"", seen):
            os.write(terminal, b"\x03")
            asked = True
    _, status = os.waitpid(pid, 0)
    os.close(terminal)
    assert asked, seen
    assert os.waitstatus_to_exitcode(status) == 130
    assert b"Traceback" not in seen
    assert _left(store_dir) == []


def test_sigterm_leaves_nothing_running(store_dir: Path, wait_until: Callable[..., Any]) -> None:
    with (store_dir / "out").open("w") as out:
        demo = subprocess.Popen(DEMO, cwd=store_dir, stdout=out)
    wait_until(lambda: "rendered pages/" in (store_dir / "out").read_text())
    demo.send_signal(signal.SIGTERM)
    assert demo.wait(20) == 130
    assert _left(store_dir) == []


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process that its parent was killed")
def test_a_killed_demo_leaves_no_worker_and_the_next_one_plays(store_dir: Path, wait_until: Callable[..., Any]) -> None:
    with (store_dir / "out").open("w") as out:
        demo = subprocess.Popen(DEMO, cwd=store_dir, stdout=out)
    wait_until(lambda: "- SUCCESS" in (store_dir / "out").read_text())
    demo.kill()
    demo.wait()
    wait_until(lambda: not [command for command in _left(store_dir) if "poscli" in command])
    assert _run(store_dir).returncode == 0
    assert _left(store_dir) == []


def test_a_worker_that_dies_ends_it_with_the_reason(store_dir: Path, wait_until: Callable[..., Any]) -> None:
    with (store_dir / "out").open("w") as out, (store_dir / "err").open("w") as err:
        demo = subprocess.Popen(DEMO, cwd=store_dir, stdout=out, stderr=err)

    def worker() -> int | None:
        for process in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if f"poscli.attached\0{demo.pid}\0worker".encode() in (process / "cmdline").read_bytes():
                    return int(process.name)
        return None

    os.kill(wait_until(worker), signal.SIGKILL)
    assert demo.wait(30) == 1
    (line,) = (store_dir / "err").read_text().splitlines()
    assert line.startswith("poscli: the worker ended with exit code -9")
    wait_until(lambda: _left(store_dir) == [])


@pytest.mark.slow
def test_it_refuses_a_folder_with_other_files_and_one_in_use(store_dir: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("keep me")
    refused = _run(store_dir, "--folder", str(tmp_path))
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.startswith(f"poscli: {tmp_path} holds other files")
    assert (tmp_path / "mine").read_text() == "keep me"

    first = subprocess.Popen(DEMO, cwd=store_dir, stdout=subprocess.PIPE, text=True)
    assert first.stdout is not None
    first.stdout.readline()
    second = _run(store_dir)
    assert second.returncode == 1
    assert "a demo runs in .liquid-background-demo already" in second.stderr
    first.communicate(timeout=60)
    assert first.returncode == 0
