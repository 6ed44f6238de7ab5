"""Runs of our programs that cost no start of Python: each is a fork of a process that has imported what they import.

Such a run is a process like any other: with its own folder, variables, streams and exit code. It is for tests of what a
program does, not of how it starts, which have Python start it; a start takes half a second, a fork some milliseconds.
"""

from __future__ import annotations

import gc
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import IO, Any, NoReturn

IMPORTED = ("liquid_background_worker", "poscli.program", "poscli.application", "poscli.failures")
LONGEST = 1_000_000  # bytes of a message


def run(
    module: str,
    *arguments: str,
    cwd: Path,
    env: Mapping[str, str],
    stdin: str = "",
    timeout: float = 60,
    log: IO[Any] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Do what `subprocess.run` does with `python -P -m module`; both streams go to the log where one is given."""
    with (
        tempfile.TemporaryFile("w+") as given,
        tempfile.TemporaryFile("w+") as out,
        tempfile.TemporaryFile("w+") as err,
    ):
        given.write(stdin)
        given.seek(0)
        asked = {"module": module, "arguments": arguments, "cwd": str(cwd), "env": dict(env)}
        code = _ended(asked, [given.fileno(), (log or out).fileno(), (log or err).fileno()], timeout)
        out.seek(0)
        err.seek(0)
        return subprocess.CompletedProcess([module, *arguments], code, out.read(), err.read())


def _ended(asked: Mapping[str, Any], files: Sequence[int], timeout: float) -> int:
    """Have a run begin, and return its exit code."""
    forker = _forker()
    socket.send_fds(forker, [json.dumps(asked).encode()], files)
    pid = int(forker.recv(LONGEST))
    forker.settimeout(timeout)
    try:
        code = int(forker.recv(LONGEST))
    except BaseException:  # its time is over, or that of the test
        os.kill(pid, signal.SIGKILL)
        _forker.cache_clear()  # the next answer of this one is of no use
        raise
    forker.settimeout(None)
    return code


@cache
def _forker() -> socket.socket:
    """Return the way to the process that forks. It ends when nobody holds this any more."""
    mine, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    command = [sys.executable, "-P", "-m", "tests.warm"]
    with theirs:
        actions = [(os.POSIX_SPAWN_DUP2, theirs.fileno(), 0)]
        os.posix_spawn(sys.executable, command, os.environ, file_actions=actions, setsid=True)
    return mine


def _serve(asked: socket.socket) -> None:
    """Fork for each run that is asked for; send its pid, then its exit code."""
    while True:
        message, files, _, _ = socket.recv_fds(asked, LONGEST, 3)
        if not message:
            return
        pid = os.fork()
        if pid == 0:
            asked.close()
            _become(files, **json.loads(message))
        for file in files:
            os.close(file)
        asked.send(str(pid).encode())
        asked.send(str(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])).encode())


def _become(files: Sequence[int], module: str, arguments: Sequence[str], cwd: str, env: Mapping[str, str]) -> NoReturn:
    """Be the program, as far as it can see."""
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    time.tzset()
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
    sys.exit(0)


if __name__ == "__main__":
    for name in IMPORTED:
        import_module(name)
    gc.freeze()
    _serve(socket.socket(fileno=0))
