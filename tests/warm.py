"""Runs of our programs that cost no start of Python: each is a fork of a process that has imported what they import.

Such a run is a process like any other: with its own folder, variables, streams and exit code. It is for tests of what a
program does, not of how it starts, which have Python start it; a start takes half a second, a fork some milliseconds.
A shell has such a run by `command`, with the shell's own redirections, folder and variables.
"""

from __future__ import annotations

import atexit
import fcntl
import gc
import io
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import tempfile
import termios
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from functools import cache
from importlib import import_module
from pathlib import Path
from select import select
from typing import IO, Any, NoReturn

from liquid_background.jobs.queue import scripts
from liquid_background.pyproject import read_table
from tests import warm_command
from tests.warm_command import ask

IMPORTED = ("liquid_background_worker", "poscli.program", "poscli.application", "poscli.failures")
LONGEST = 1_000_000  # bytes of a message
ahead: set[str] = set()
"""What the forker is to import, too, before it forks the next run: a room adds what nearly all of its runs import."""


class Started:
    """A process that was forked, as `subprocess.Popen` shows one."""

    def __init__(self, answers: socket.socket) -> None:
        self._answers = answers
        self.pid = int(answers.recv(LONGEST))
        self.returncode: int | None = None

    def __del__(self) -> None:
        self._answers.close()  # of one that nobody waited for

    def poll(self) -> int | None:
        with suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        if self.returncode is None:
            if not select([self._answers], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
            self.returncode = int(self._answers.recv(LONGEST))
            self._answers.close()
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            with suppress(ProcessLookupError):  # it ends just now
                os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def run(
    module: str, *arguments: str, cwd: Path, env: Mapping[str, str], stdin: str = "", timeout: float = 60
) -> subprocess.CompletedProcess[str]:
    """Do what `subprocess.run` does with `python -P -m module`."""
    with _file() as given, _file() as out, _file() as err:
        given.write(stdin)
        given.seek(0)
        started = start(module, *arguments, cwd=cwd, env=env, streams=(given, out, err))
        try:
            started.wait(timeout)
        finally:
            started.kill()
        code = started.wait()
        out.seek(0)
        err.seek(0)
        return subprocess.CompletedProcess([module, *arguments], code, out.read(), err.read())


def _file() -> IO[str]:
    return tempfile.TemporaryFile("w+")


def start(module: str, *arguments: str, cwd: Path, env: Mapping[str, str], streams: Sequence[IO[Any]]) -> Started:
    """Do what `subprocess.Popen` does with `python -P -m module`, three streams and a session of its own."""
    folder = os.open(cwd, os.O_RDONLY)
    try:
        files = [folder, *(stream.fileno() for stream in streams)]
        return Started(ask(_forker(), module, arguments, env, streams=range(3), files=files, ahead=sorted(ahead)))
    finally:
        os.close(folder)


def command(module: str) -> list[str]:
    """Return what a shell calls instead of `python -P -m module`; it needs the file descriptors of `inherited`."""
    return [sys.executable, "-I", "-S", warm_command.__file__, *map(str, inherited()), module]


def inherited() -> list[int]:
    """Return what a shell must inherit so that `command` works in it."""
    return [_forker().fileno()]


@cache
def _forker() -> socket.socket:
    """Return the way to the process that forks. It ends when nobody holds this any more."""
    mine, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    command = [sys.executable, "-P", "-m", "tests.warm"]
    with theirs:
        actions = [(os.POSIX_SPAWN_DUP2, theirs.fileno(), 0)]
        os.posix_spawn(sys.executable, command, os.environ, file_actions=actions, setsid=True)
    atexit.register(mine.close)
    return mine


def _serve(asked: socket.socket) -> None:
    """Fork for each run that is asked for, and write its pid, then its exit code."""
    ended, told = os.pipe()  # of children, for `select`
    os.set_blocking(told, False)
    signal.set_wakeup_fd(told, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
    running: dict[int, int] = {}
    while True:
        readable = select([asked, ended], [], [])[0]
        if ended in readable:
            os.read(ended, LONGEST)
            _tell_ends(running)
        if asked in readable:
            message, files, _, _ = socket.recv_fds(asked, LONGEST, 5)
            if not message:
                return
            answers, *others = files
            run = json.loads(message)
            _import(run.pop("ahead"))
            pid = os.fork()
            if pid == 0:
                asked.close()
                _let_go((ended, told, answers, *running.values()))
                _become(others, **run)
            for file in others:
                os.close(file)
            running[pid] = answers
            _tell(answers, pid)


def _tell_ends(running: dict[int, int]) -> None:
    """Tell those who asked for them of the runs that have ended."""
    while running:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return
        answers = running.pop(pid)
        _tell(answers, os.waitstatus_to_exitcode(status))
        os.close(answers)


def _tell(answers: int, number: int) -> None:
    with suppress(ConnectionError):  # the test has ended
        os.write(answers, str(number).encode())


def _let_go(files: Iterable[int]) -> None:
    """Leave what is the forker's to it."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for file in files:
        os.close(file)


def _import(names: Sequence[str]) -> None:
    new = [name for name in names if name not in sys.modules]
    for name in new:
        with suppress(ImportError):  # the run will say so
            import_module(name)
    if new:
        gc.freeze()


def _become(
    files: Sequence[int], module: str, arguments: Sequence[str], env: Mapping[str, str], streams: Sequence[int]
) -> NoReturn:
    """Be the program, as far as it can see."""
    os.setsid()
    folder, *opened = files
    for number, file in zip(streams, opened, strict=True):
        os.dup2(file, number)
    for number in {0, 1, 2}.difference(streams):
        with suppress(OSError):
            os.close(number)
    with suppress(OSError):  # that of the test, or none
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    os.fchdir(folder)
    for file in files:
        os.close(file)
    os.environ.clear()
    os.environ.update(env)
    time.tzset()
    sys.path[:0] = filter(None, env.get("PYTHONPATH", "").split(os.pathsep))
    _open_streams(streams)
    sys.argv = [module, *arguments]
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as end:
        if end.code and not isinstance(end.code, int):
            raise  # a text, which Python prints
        _end(end.code or 0)
    _end(0)


def _end(code: int) -> NoReturn:
    """End as Python does, but leave all that was imported to the system, which takes a tenth of the time for it."""
    threading._shutdown()
    atexit._run_exitfuncs()
    for stream in filter(None, (sys.stdout, sys.stderr)):
        try:
            stream.flush()
        except (OSError, ValueError):
            sys.exit(code)  # Python tells of what nobody could read
    os._exit(code & 0xFF)


def _open_streams(streams: Sequence[int]) -> None:
    """Have Python's streams be what they are when it starts: by line on a terminal, and None where nothing is open."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        was, stream = getattr(sys, name), None
        if number in streams:
            by_line = number == 2 or os.isatty(number)
            file = io.FileIO(number, "w" if number else "r", closefd=False)
            buffer = io.BufferedWriter(file) if number else io.BufferedReader(file)
            stream = io.TextIOWrapper(buffer, was.encoding, was.errors, line_buffering=by_line)
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)


if __name__ == "__main__":
    _import(IMPORTED)
    for name in scripts.names():
        scripts.digest(name)
    read_table(Path.cwd())
    _serve(socket.socket(fileno=0))
