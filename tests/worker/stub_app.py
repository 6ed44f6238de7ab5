"""An application for the worker's tests: each job's parameters say what it does; each run is written to a file."""

from __future__ import annotations

import ctypes
import decimal
import locale
import os
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from liquid_background.job import Job, LogEntry, Outcome

_LEFT: list[object] = []
_CUSTOMER: ContextVar[str] = ContextVar("_CUSTOMER", default="nobody")


def _sleep(given: dict[str, Any]) -> str:
    time.sleep(given["seconds"])
    return "slept"


def _raise(given: dict[str, Any]) -> str:
    raise {"SystemExit": SystemExit, "KeyboardInterrupt": KeyboardInterrupt, "MemoryError": MemoryError}.get(
        given.get("kind", ""), ValueError
    )("no")


def _recurse(given: dict[str, Any]) -> str:
    return _recurse(given)


def _spin(given: dict[str, Any]) -> str:
    while True:
        pass


def _stuck_in_c(given: dict[str, Any]) -> str:
    return str(sum(range(10**12)))


def _swallow(given: dict[str, Any]) -> str:
    kind = BaseException if given.get("all") else Exception
    while True:
        with suppress(kind):
            time.sleep(0.01)


def _swallow_once(given: dict[str, Any]) -> str:
    try:
        time.sleep(60)
    except BaseException:  # noqa: BLE001 - the point of it
        return "swallowed"
    return "slept"


def _exit(given: dict[str, Any]) -> str:
    os._exit(3)


def _kill(given: dict[str, Any]) -> str:
    os.kill(os.getpid(), signal.SIGKILL)
    return "survived"


def _kill_until(given: dict[str, Any]) -> str:
    """Kill this process until the file that counts the runs has enough lines."""
    runs = len(Path(given["file"]).read_text().splitlines())
    if runs <= given["times"] * 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return "survived"


def _segfault(given: dict[str, Any]) -> str:
    ctypes.string_at(0)
    return "survived"


def _allocate(given: dict[str, Any]) -> str:
    block = bytearray(given["megabytes"] * 1024 * 1024)
    block[::4096] = b"x" * len(block[::4096])
    return str(len(block))


def _open_files(given: dict[str, Any]) -> str:
    files = [open(os.devnull) for _ in range(given["count"])]  # noqa: SIM115
    return str(len(files))


def _leave(given: dict[str, Any]) -> str:
    """Leave something behind that the process may have only so much of."""
    if given["what"] == "files":
        _LEFT.extend(os.open(os.devnull, os.O_RDONLY) for _ in range(400))
    elif given["what"] == "threads":
        threading.stack_size(_memory_left() * 9 // 10 // 8 // 4096 * 4096)
        for _ in range(8):
            threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
    time.sleep(0.01)
    return ""


def _memory_left() -> int:
    """Return the bytes that this process may still map; any number where the system does not tell."""
    with suppress(OSError):
        pages = int(Path("/proc/self/statm").read_text().split()[5])
        return resource.getrlimit(resource.RLIMIT_DATA)[0] - pages * resource.getpagesize()
    return 400 * 1024 * 1024


def _need(given: dict[str, Any]) -> str:
    """Take a part of all that a process may have."""
    files = [os.open(os.devnull, os.O_RDONLY) for _ in range(200)]
    for file in files:
        os.close(file)
    return str(len(bytearray(b"x") * (100 * 1024 * 1024)))


def _fork(given: dict[str, Any]) -> str:
    """Fork, and let the fork come back as if it were this process, or raise there."""
    if os.fork() == 0 and given["exits"]:
        raise SystemExit
    return ""


def _big_file(given: dict[str, Any]) -> str:
    with Path(given["path"]).open("wb") as file:
        file.truncate(given["bytes"])
    return "written"


def _limits(given: dict[str, Any]) -> str:
    return str(resource.getrlimit(resource.RLIMIT_NPROC)[0])


def _start_process(given: dict[str, Any]) -> str:
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    Path(given["pid_file"]).write_text(str(process.pid))
    time.sleep(60)
    return "slept"


def _fail_until(given: dict[str, Any]) -> str:
    runs = len(Path(given["file"]).read_text().splitlines())
    if runs <= given["times"]:
        raise ValueError(f"run {runs} fails")
    return "at last"


def _wait_for(given: dict[str, Any]) -> str:
    """Wait for a file of the test's: it says when the job may end."""
    while not Path(given["until"]).exists():
        time.sleep(0.005)
    return "waited"


def _surroundings(given: dict[str, Any]) -> str:
    umask = os.umask(0o077)
    os.umask(umask)
    clock = time.strftime("%H:%M %Z", time.localtime(0))
    modules = (decimal.getcontext().prec, locale.setlocale(locale.LC_ALL), socket.getdefaulttimeout())
    own = (modules, sys.getrecursionlimit(), _CUSTOMER.get())
    return repr((os.getcwd(), umask, clock, time.tzname, sorted(os.environ.items()), own))


def _disturb(given: dict[str, Any]) -> str:
    """Change what is around a job, and end as the test says."""
    what = given["what"]
    if what == "folder":
        os.chdir("/")
    elif what == "context":
        _CUSTOMER.set("Ms Jones")
    elif what == "modules":
        decimal.getcontext().prec = 2
        locale.setlocale(locale.LC_ALL, "C")
        socket.setdefaulttimeout(0.001)
        sys.setrecursionlimit(400)
    elif what == "folder that goes":
        folder = tempfile.mkdtemp()
        os.chdir(folder)
        os.rmdir(folder)
    elif what == "environment":
        os.environ["ADDED"] = "x"
        os.environ["PATH"] = "/nowhere"
        del os.environ["HOME"]
    elif what == "whole environment":
        os.environ.clear()
    elif what == "zone":
        os.environ["TZ"] = "Asia/Kathmandu"
        time.tzset()
    elif what == "zone alone":
        os.environ["TZ"] = "Asia/Kathmandu"
        time.tzset()
        del os.environ["TZ"]
    elif what == "umask":
        os.umask(0)
    return {"raise": _raise, "swallow_once": _swallow_once}.get(given.get("then", ""), lambda given: "")(given)


_DOES: dict[str, Callable[[dict[str, Any]], str]] = {
    "nothing": lambda given: "",
    "sleep": _sleep,
    "raise": _raise,
    "recurse": _recurse,
    "spin": _spin,
    "stuck_in_c": _stuck_in_c,
    "swallow": _swallow,
    "swallow_once": _swallow_once,
    "exit": _exit,
    "kill": _kill,
    "kill_until": _kill_until,
    "segfault": _segfault,
    "allocate": _allocate,
    "open_files": _open_files,
    "leave": _leave,
    "need": _need,
    "fork": _fork,
    "big_file": _big_file,
    "limits": _limits,
    "start_process": _start_process,
    "fail_until": _fail_until,
    "wait_for": _wait_for,
    "surroundings": _surroundings,
    "disturb": _disturb,
}


class StubEngine:
    """Performs what the parameters name, as the engine does: an error becomes an Outcome."""

    def perform(self, job_id: str, payload: dict[str, Any], attempt: int, max_attempts: int) -> Outcome:
        given = payload["parameters"]
        _note(given, f"{job_id} {attempt} {time.time():.4f} {os.getpid()}")
        try:
            result = _DOES[given.get("do", "nothing")](given)
        except Exception as error:  # noqa: BLE001 - as the engine does
            return Outcome(error=f"{type(error).__name__}: {error}", traceback="Traceback (of the stub)")
        _note(given, f"{job_id} {attempt} {time.time():.4f} end", "ended")
        made = tuple(
            Job(
                id=name, source_name="made", template="t", line=1, source="", parameters={"file": given.get("file", "")}
            )
            for name in given.get("makes", ())
        )
        entry = LogEntry(job_id=job_id, source_name=payload["source_name"], message="hello", type="info")
        return Outcome(result=result, jobs=made, entries=(entry,) if given.get("logs") else ())


def _note(given: dict[str, Any], line: str, suffix: str = "") -> None:
    path = given.get("file")
    if path:
        descriptor = os.open(f"{path}{'.' + suffix if suffix else ''}", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(descriptor, f"{line}\n".encode())
        finally:
            os.close(descriptor)


engine = StubEngine()
