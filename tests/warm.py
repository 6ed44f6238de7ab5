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
import time
from collections.abc import Mapping, Sequence
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
    """Fork for each run that is asked for; that one forks it and waits for its end."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody asks how those have ended that wait
    while True:
        message, files, _, _ = socket.recv_fds(asked, LONGEST, 5)
        if not message:
            return
        run = json.loads(message)
        _import(run.pop("ahead"))
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            asked.close()
            _watch(files[0], files[1:], run)
        for file in files:
            os.close(file)


def _import(names: Sequence[str]) -> None:
    new = [name for name in names if name not in sys.modules]
    for name in new:
        with suppress(ImportError):  # the run will say so
            import_module(name)
    if new:
        gc.freeze()


def _watch(answers: int, files: Sequence[int], run: Mapping[str, Any]) -> NoReturn:
    """Fork the run; write its pid, then its exit code."""
    pid = os.fork()
    if pid == 0:
        os.close(answers)
        _become(files, **run)
    for file in files:
        os.close(file)
    with suppress(BrokenPipeError):  # the test has ended
        os.write(answers, str(pid).encode())
        os.write(answers, str(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])).encode())
    os._exit(0)


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
    runpy.run_module(module, run_name="__main__", alter_sys=True)
    sys.exit(0)


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
