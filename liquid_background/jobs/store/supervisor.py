"""The supervisor of one embedded store: a small detached process that owns the server's life.

Process tree: supervisor (this file) → server and guardian. What each kind of death does:

1. The server dies: the supervisor ends; the next connect starts both again.
2. The supervisor dies: the guardian reads end-of-file on the lifeline, which only the supervisor can write, and
   ends the server.
3. Both the supervisor and the guardian die: the server serves on, unsupervised.

The store's lock is inherited by the supervisor and the server alike, and the kernel frees it when the last of
them is dead: two servers can never have the same data open, whichever of them was killed.

The file is run by its path and uses the standard library only, so that it starts in about 30 ms, stays small and
needs nothing of the starter's import path.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from types import FrameType, TracebackType

READY = b"ready"
CLOSING_SUFFIX = ".closing"

_SILENCE = 15.0  # seconds that a starting server may neither answer nor load before it counts as stuck
_STOP_TIME = 10.0  # seconds that the server gets to write its data before it is killed
_LOOK_EVERY = 1.0  # seconds between looks at the clients; a shorter idle time shortens it


class Conversation:
    """A connection to a server that asks one inline command at a time; a context manager.

    Raises:
        OSError: from every method, when the server cannot be reached, hangs up or takes over `timeout` seconds.
    """

    def __init__(self, path: Path, timeout: float = 1.0) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(timeout)
        try:
            self._socket.connect(os.fspath(path))
        except OSError:
            self._socket.close()
            raise
        self._stream = self._socket.makefile("rb")

    def __enter__(self) -> Conversation:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def ask(self, command: str) -> bytes:
        """Return the reply: of a bulk string its content, of anything else its line, type mark included."""
        self._socket.sendall(command.encode() + b"\r\n")
        line = self._stream.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionResetError(f"the server hung up on {command}")
        if line.startswith(b"$"):
            return self._stream.read(int(line[1:]) + 2).rstrip()
        return line.rstrip()

    def info(self, section: str = "") -> dict[str, str]:
        """Return the fields of INFO; empty while the server loads its data."""
        lines = self.ask(f"INFO {section}".rstrip()).decode(errors="replace").splitlines()
        return dict(line.split(":", 1) for line in lines if ":" in line and not line.startswith(("#", "-")))

    def close(self) -> None:
        self._stream.close()
        self._socket.close()


@dataclass(frozen=True)
class Order:
    """What to run: paths are absolute, `idle_seconds` is how long the server may go without a client."""

    binary: Path
    data_dir: Path
    socket: Path
    lock: Path
    lock_fd: int
    ready_fd: int
    idle_seconds: float


def main(arguments: list[str]) -> None:
    """Detach and supervise; the calling process ends at once, so nobody is left to reap the supervisor."""
    order = _parse(arguments)
    if os.fork():
        os._exit(0)
    os.umask(0o077)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    _supervise(order)


def _parse(arguments: list[str]) -> Order:
    parser = argparse.ArgumentParser()
    for name in ("binary", "data-dir", "socket", "lock"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--lock-fd", type=int, required=True)
    parser.add_argument("--ready-fd", type=int, required=True)
    parser.add_argument("--idle-seconds", type=float, required=True)
    return Order(**vars(parser.parse_args(arguments)))


def _supervise(order: Order) -> None:
    signals = _Signals()
    _remove_sockets(order)  # left by a killed server; we hold the lock, so nobody listens there
    server = _start_server(order)
    lifeline = _fork_guardian(server.pid, (order.lock_fd, order.ready_fd))
    try:
        if _await_answer(order, server, signals):
            os.write(order.ready_fd, READY)
            os.close(order.ready_fd)
            _watch(order, server, signals)
    finally:
        if _owns_data(order):
            _stop(server)
            _remove_sockets(order)
        else:  # a deleted folder may have a new store by now, and a server that ends in peace removes its socket
            server.kill()
            server.wait()
        with contextlib.suppress(BrokenPipeError):  # a guardian that was killed reads nothing
            os.write(lifeline, b".")


class _Signals:
    """Waits that a signal cuts short; `stop` becomes true when one asked us to end."""

    def __init__(self) -> None:
        self.stop = False
        self._reader, writer = os.pipe()
        os.set_blocking(self._reader, False)
        os.set_blocking(writer, False)
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._ask_to_stop)

    def wait(self, seconds: float) -> None:
        select.select([self._reader], [], [], seconds)
        with contextlib.suppress(BlockingIOError):
            os.read(self._reader, 4096)

    def _ask_to_stop(self, number: int, frame: FrameType | None) -> None:
        self.stop = True


def _start_server(order: Order) -> subprocess.Popen[bytes]:
    options = {
        "port": "0",
        "unixsocket": str(order.socket),
        "unixsocketperm": "600",
        "dir": str(order.data_dir),
        "daemonize": "no",
        "appendonly": "yes",
        "appendfsync": "everysec",
        "aof-load-truncated": "yes",
        "save": "",
        "maxmemory-policy": "noeviction",
        "stream-node-max-bytes": "512",  # SMALL_NODE in health, which tells why
    }
    command = [str(order.binary)]
    for name, value in options.items():
        command += [f"--{name}", value]
    return subprocess.Popen(command, cwd=order.data_dir, stdin=subprocess.DEVNULL, pass_fds=(order.lock_fd,))


def _fork_guardian(server_pid: int, not_mine: tuple[int, ...]) -> int:
    """Return the lifeline's writing end: one byte on it dismisses the guardian, its closing means our death."""
    reader, writer = os.pipe()
    if os.fork():
        os.close(reader)
        return writer
    try:
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        for descriptor in (writer, *not_mine):
            os.close(descriptor)
        if os.read(reader, 1) == b"":
            _end(server_pid)
    finally:
        os._exit(0)


def _end(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + _STOP_TIME
        while time.monotonic() < deadline:
            time.sleep(0.02)
            os.kill(pid, 0)
        os.kill(pid, signal.SIGKILL)


def _await_answer(order: Order, server: subprocess.Popen[bytes], signals: _Signals) -> bool:
    """Wait until the server answers; loading a large file may take as long as it takes."""
    deadline = time.monotonic() + _SILENCE
    while server.poll() is None and not signals.stop and time.monotonic() < deadline:
        with contextlib.suppress(OSError), Conversation(order.socket) as server_says:
            # Any other error is an answer too: a server with a full disk refuses even PING, and says why later.
            if not server_says.ask("PING").startswith(b"-LOADING"):
                return True
            deadline = time.monotonic() + _SILENCE
        signals.wait(0.005)
    return False


def _watch(order: Order, server: subprocess.Popen[bytes], signals: _Signals) -> None:
    """Return when the server died, a signal came, the data folder was removed or nobody needs the server."""
    clients = _Clients(order.socket)
    needed = time.monotonic()
    while server.poll() is None and not signals.stop and _owns_data(order) and order.socket.exists():
        if clients.attached():
            needed = time.monotonic()
        elif time.monotonic() - needed >= order.idle_seconds and _closed(order, clients):
            return
        signals.wait(min(_LOOK_EVERY, order.idle_seconds / 4))


class _Clients:
    """Tells whether anybody but us uses the server, by one connection that stays open."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._conversation: Conversation | None = None
        self._received = ""

    def attached(self) -> bool:
        """Return whether a client is connected, or was between this look and the last one."""
        try:
            if self._conversation is None:
                self._conversation = Conversation(self._path)
            connected = self._conversation.info("clients")["connected_clients"]
            received = self._conversation.info("stats")["total_connections_received"]
        except (OSError, KeyError, ValueError):
            # A server that is too busy to answer is in use; one that died is noticed by the caller.
            if self._conversation is not None:
                self._conversation.close()
                self._conversation = None
            return True
        came, self._received = received != self._received, received
        return came or connected != "1"


def _owns_data(order: Order) -> bool:
    """Return whether the lock is still the folder's: someone who deletes the folder means the store to be gone."""
    try:
        return os.path.samestat(order.lock.lstat(), os.fstat(order.lock_fd))
    except OSError:
        return False


def _closed(order: Order, clients: _Clients) -> bool:
    """Close the door to newcomers and return whether nobody slipped in before; else open it again."""
    closing = order.socket.with_name(order.socket.name + CLOSING_SUFFIX)
    os.rename(order.socket, closing)
    # Twice: a client that connected before the rename may be accepted only after the first reply.
    if not clients.attached() and not clients.attached():
        return True
    os.rename(closing, order.socket)
    return False


def _stop(server: subprocess.Popen[bytes]) -> None:
    server.terminate()
    try:
        server.wait(_STOP_TIME)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def _remove_sockets(order: Order) -> None:
    for path in (order.socket, order.socket.with_name(order.socket.name + CLOSING_SUFFIX)):
        path.unlink(missing_ok=True)


if __name__ == "__main__":
    main(sys.argv[1:])
