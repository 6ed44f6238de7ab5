"""A project folder, and poscli run in it as people run it: as a process of its own."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import shlex
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

import pytest
from click.testing import CliRunner

import poscli.commands
from liquid_background import LogEntry, LogStatus
from liquid_background.jobs.store import Store, connect
from liquid_background.settings import Settings, load_settings
from poscli.program import program
from tests import warm
from tests.log_entries import append

_BEFORE_MAIN = frozenset(("PYTHONPATH", "PYTHONIOENCODING", "PYTHONUTF8", "LC_ALL", "LANG"))
"""Variables that Python reads as it starts."""
POSCLI = [sys.executable, "-P", "-m", "poscli"]  # -P: as the installed script, which does not import from the folder


@dataclass
class Result:
    """What a run of poscli printed, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()


@dataclass
class Project:
    """A folder with a site; commands run in it, on a store of the test's own."""

    folder: Path
    data_dir: Path
    env: dict[str, str]
    wait: Callable[..., Any]
    started: list[subprocess.Popen[bytes] | warm.Started] = field(default_factory=list)

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def page(self, name: str, text: str) -> Path:
        return self.write(f"templates/pages/{name}.liquid", text)

    def run(self, *arguments: str, stdin: str = "", timeout: float = 60, **env: str) -> Result:
        place: dict[str, Any] = {"cwd": self.folder, "env": {**self.env, **env}, "timeout": timeout}
        if _BEFORE_MAIN & env.keys():
            command = [*POSCLI, *arguments]
            done = subprocess.run(command, **place, input=stdin, capture_output=True, text=True, check=False)
        else:
            done = warm.run("poscli", *arguments, **place, stdin=stdin)
        assert not re.search("^Traceback", done.stderr, re.MULTILINE), done.stderr  # a worker indents those of jobs
        return Result(done.returncode, done.stdout, done.stderr)

    def good(self, *arguments: str, **rest: Any) -> Result:
        result = self.run(*arguments, **rest)
        assert result.code == 0, result.err
        return result

    def quick(self, *arguments: str, code: int = 0, **env: str) -> Result:
        """Run a command inside this process: for what does not depend on being a process of its own.

        An error of ours is raised; what the program makes of it is seen by `run`.
        """
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(self.folder)
            for name, value in {**self.env, **env}.items():
                patch.setenv(name, value)
            done = CliRunner().invoke(program, arguments, prog_name="poscli")
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        assert done.exit_code == code, done.output
        return Result(done.exit_code, done.stdout, done.stderr)

    def start(self, *arguments: str, cold: bool = False, **env: str) -> Running:
        """Start a command that goes on; a cold one is started by Python, for tests of its first moments."""
        out, err = self.folder / f"out{len(self.started)}", self.folder / f"err{len(self.started)}"
        place: dict[str, Any] = {"cwd": self.folder, "env": {**self.env, **env}}
        process: subprocess.Popen[bytes] | warm.Started
        with out.open("w") as stdout, err.open("w") as stderr, open(os.devnull) as nothing:
            if cold or _BEFORE_MAIN & env.keys():
                streams: dict[str, Any] = {"stdin": nothing, "stdout": stdout, "stderr": stderr}
                process = subprocess.Popen([*POSCLI, *arguments], **place, **streams, process_group=0)
            else:
                process = warm.start("poscli", *arguments, **place, streams=(nothing, stdout, stderr))
        self.started.append(process)
        return Running(process, out, err, self.wait)


@dataclass
class Running:
    """A command that goes on; its output is in files, which a test may read while it runs."""

    process: subprocess.Popen[bytes] | warm.Started
    out: Path
    err: Path
    wait: Callable[..., Any]

    def lines(self) -> list[str]:
        return self.out.read_text().splitlines()

    def until(self, text: str, timeout: float = 30.0) -> str:
        def found() -> str | None:
            assert self.process.poll() is None or text in self.out.read_text(), self.err.read_text()
            return next((line for line in self.lines() if text in line), None)

        line: str = self.wait(found, timeout)
        return line

    def stop(self, number: int = signal.SIGINT, timeout: float = 15.0) -> int:
        self.process.send_signal(number)
        return self.process.wait(timeout)


def served(project: Project, **env: str) -> Running:
    """Start a worker, and wait until it is there."""
    worker = project.start("worker", **env)
    project.wait(lambda: json.loads(project.quick("status", "--format", "json").out or "{}").get("workers"))
    return worker


@pytest.fixture(scope="session", autouse=True)
def _warm() -> None:
    """Nearly each run imports its command, and some of them a message's parser, or one of times."""
    commands = {f"poscli.commands.{module.name}" for module in iter_modules(poscli.commands.__path__)}
    warm.ahead.update(commands - {"poscli.commands.demo"}, ("email.feedparser", "_strptime", "liquid_background.lint"))


@pytest.fixture
def data_dir(request: pytest.FixtureRequest) -> Path:
    """Where the project's store is: the session's, empty; a folder of the test's own if that asks for `store_dir`."""
    if "store_dir" in request.fixturenames:
        return Path(request.getfixturevalue("store_dir"))
    settings: Settings = request.getfixturevalue("settings")
    return settings.data_dir


@pytest.fixture
def project(tmp_path: Path, data_dir: Path, wait_until: Callable[..., Any]) -> Iterator[Project]:
    """An empty folder; what a test starts in it is stopped at its end."""
    folder = tmp_path / "project"
    folder.mkdir()
    env = {**os.environ, "LIQUID_BACKGROUND_DATA_DIR": str(data_dir), "LIQUID_BACKGROUND_PROCESSES": "1"}
    env |= {"LIQUID_BACKGROUND_RETRY_DELAYS": "0,0,0,0", "COLUMNS": "100"}
    env.pop("NO_COLOR", None)
    made = Project(folder, data_dir, env, wait_until)
    yield made
    for process in made.started:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def in_bash(project: Project, command: str, *, cold: bool = False) -> Result:
    """Run poscli with what bash makes of the rest of its command line, such as a redirection."""
    program, files = (POSCLI, []) if cold else (warm.command("poscli"), warm.inherited())
    done = subprocess.run(
        ["bash", "-c", f"{shlex.join(program)} {command}"],
        cwd=project.folder,
        env=project.env,
        pass_fds=files,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return Result(done.returncode, done.stdout, done.stderr)


def on_terminal(
    project: Project, *arguments: str, until: bytes, keys: bytes = b"", code: int = 0, columns: int = 0, **env: str
) -> bytes:
    """Run poscli on a terminal of its own until it has printed something; then press keys and wait for its end."""
    terminal, other = pty.openpty()
    fcntl.ioctl(other, termios.TIOCSWINSZ, struct.pack("HHHH", 24 if columns else 0, columns, 0, 0))
    with open(other, "wb", buffering=0) as stream:
        place: dict[str, Any] = {"cwd": project.folder, "env": {**project.env, "TERM": "xterm", **env}}
        process = warm.start("poscli", *arguments, **place, streams=(stream, stream, stream))
    seen, pressed = b"", False
    while True:
        try:
            seen += os.read(terminal, 65536)
        except OSError:  # the other end is gone
            break
        if not pressed and until in seen:
            os.write(terminal, keys)
            pressed = True
    ended = process.wait(30)
    os.close(terminal)
    assert b"Traceback" not in seen, seen
    assert ended == code, seen
    return seen


@pytest.fixture
def log(project: Any) -> Iterator[Store]:
    """The project's store; `write_log` puts entries into its log."""
    store = connect(load_settings(data_dir=project.data_dir))
    yield store
    store.close()


def write_log(store: Store, *entries: LogEntry) -> None:
    append(store.client, entries, limit=1_000_000)


def attempt(name: str, status: str = "SUCCESS", attempt: int = 1, **rest: Any) -> LogEntry:
    values = {"template": "pages/x", "line": 3, "max_attempts": 3, "duration": 12, "job_id": "j1", **rest}
    return LogEntry(source_name=name, status=LogStatus(status), attempt=attempt, **values)
