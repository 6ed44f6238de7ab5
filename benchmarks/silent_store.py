"""How long a store that accepts and says nothing holds up those that need it, and those that do not.

    python benchmarks/silent_store.py [--limit 60] [ROW …]

Each row has processes and a store of its own. Shown is the slowest of the row's calls, in seconds, and how they ended.
The setting STORE_TIMEOUT is left at its default.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import Final

from liquid_background import Engine
from liquid_background.jobs.store import embedded

PAGE: Final = "{% background source_name: 'waits' %}{% assign done = true %}{% endbackground %}sent"
READY: Final = 0.3  # seconds after which those that hold others up are at it


@dataclass
class Calls:
    """The calls of one row: the seconds that the slowest took, and how many ended how."""

    slowest: float = 0.0
    ended: Counter[str] = field(default_factory=Counter)

    def call(self, function: Callable[[], object]) -> None:
        started = time.monotonic()
        try:
            function()
            self.note(started, "done")
        except Exception as error:  # noqa: BLE001  each is counted by its name
            self.note(started, _named(error))

    async def call_async(self, function: Callable[[], Awaitable[object]]) -> None:
        started = time.monotonic()
        try:
            await function()
            self.note(started, "done")
        except Exception as error:  # noqa: BLE001
            self.note(started, _named(error))

    def note(self, started: float, how: str) -> None:
        self.slowest = max(self.slowest, time.monotonic() - started)
        self.ended[how] += 1


def _named(error: Exception) -> str:
    return type(error).__name__ + (", perhaps done" if getattr(error, "maybe_done", False) else "")


# Stores.


@contextmanager
def black_hole() -> Iterator[str]:
    """A server that the kernel accepts connections for, and that never says anything."""
    with closing(socket.create_server(("127.0.0.1", 0), backlog=4096)) as hole:
        yield f"redis://127.0.0.1:{hole.getsockname()[1]}/0"


@contextmanager
def dropping() -> Iterator[str]:
    """A port at which packets are dropped: its server's queue of connections is full."""
    with closing(socket.create_server(("127.0.0.1", 0), backlog=0)) as hole, ExitStack() as stack:
        for _ in range(4):
            waiting = stack.enter_context(closing(socket.socket()))
            waiting.setblocking(False)
            with suppress(BlockingIOError):
                waiting.connect(hole.getsockname())
        yield f"redis://127.0.0.1:{hole.getsockname()[1]}/0"


@contextmanager
def server() -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A Valkey server on a port."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="lb-") as folder:
        command = [str(embedded.find_server()), "--port", str(port), "--dir", folder, "--save", ""]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        try:
            while True:
                with suppress(OSError), closing(socket.create_connection(("127.0.0.1", port), 1)):
                    break
                time.sleep(0.01)
            yield f"redis://127.0.0.1:{port}/0", process
        finally:
            process.send_signal(signal.SIGCONT)
            process.kill()
            process.wait()


@contextmanager
def fallen_silent() -> Iterator[Engine]:
    """An engine whose server was up and stopped."""
    with server() as (url, process):
        engine = _engine(url)
        engine.render_string(PAGE)
        process.send_signal(signal.SIGSTOP)
        yield engine


def _engine(url: str) -> Engine:
    return Engine(redis_url=url, templates=Path(tempfile.gettempdir()))


# What is measured.


def in_threads(number: int, function: Callable[[], object], calls: Calls) -> Callable[[], None]:
    """Call a function in so many threads at once; return what waits for all of them."""
    threads = [Thread(target=calls.call, args=(function,), daemon=True) for _ in range(number)]
    for thread in threads:
        thread.start()

    def join() -> None:
        for thread in threads:
            thread.join()

    return join


def threads(engine: Engine, number: int = 20) -> Calls:
    calls = Calls()
    in_threads(number, lambda: engine.render_string(PAGE), calls)()
    return calls


def tasks(engine: Engine, number: int = 60) -> Calls:
    return asyncio.run(_tasks(engine, number))


async def _tasks(engine: Engine, number: int) -> Calls:
    calls = Calls()
    page = engine.environment.from_string(PAGE)
    async with asyncio.TaskGroup() as group:
        for _ in range(number):
            group.create_task(calls.call_async(lambda: engine.render_async(page)))
    return calls


async def _unrelated(engine: Engine) -> Calls:
    """Call `asyncio.to_thread` for something else while tasks wait for the store."""
    unrelated = Calls()
    waiting = asyncio.create_task(_tasks(engine, 60))
    await asyncio.sleep(READY)
    await unrelated.call_async(lambda: asyncio.to_thread(time.sleep, 0))
    waiting.cancel()
    os.write(1, _shown(unrelated))
    os._exit(0)  # the threads wait on


def second_engine(engine: Engine) -> Calls:
    """Render by an engine whose store is well while threads wait for another engine's."""
    well = Calls()
    with server() as (url, _):
        other = _engine(url)
        in_threads(20, lambda: engine.render_string(PAGE), Calls())
        time.sleep(READY)
        in_threads(1, lambda: other.render_string(PAGE), well)()
    return well


def after_it_woke() -> Calls:
    """Render once the store answers again."""
    calls = Calls()
    with server() as (url, process):
        engine = _engine(url)
        engine.render_string(PAGE)
        process.send_signal(signal.SIGSTOP)
        threads(engine)
        process.send_signal(signal.SIGCONT)
        in_threads(1, lambda: engine.render_string(PAGE), calls)()
    return calls


def tls_at_a_plain_port() -> Calls:
    with server() as (url, _):
        return threads(_engine(url.replace("redis://", "rediss://")))


def _at_a_hole(
    measure: Callable[[Engine], Calls], hole: Callable[[], AbstractContextManager[str]] = black_hole
) -> Callable[[], Calls]:
    def measured() -> Calls:
        with hole() as url:
            return measure(_engine(url))

    return measured


def _at_a_stopped(measure: Callable[[Engine], Calls]) -> Callable[[], Calls]:
    def measured() -> Calls:
        with fallen_silent() as engine:
            return measure(engine)

    return measured


ROWS: Final[dict[str, Callable[[], Calls]]] = {
    "20 threads, an unused engine": _at_a_hole(threads),
    "20 threads, packets dropped": _at_a_hole(threads, dropping),
    "60 tasks, an unused engine": _at_a_hole(tasks),
    "500 tasks, an unused engine": _at_a_hole(lambda engine: tasks(engine, 500)),
    "an unrelated asyncio.to_thread": _at_a_hole(lambda engine: asyncio.run(_unrelated(engine))),
    "a second engine whose store is well": _at_a_hole(second_engine),
    "20 threads, TLS at a plain port": tls_at_a_plain_port,
    "20 threads, the store stopped": _at_a_stopped(threads),
    "60 tasks, the store stopped": _at_a_stopped(tasks),
    "500 tasks, the store stopped": _at_a_stopped(lambda engine: tasks(engine, 500)),
    "the next page when it goes on": after_it_woke,
}


def _shown(calls: Calls) -> bytes:
    ends = ", ".join(f"{number} {how}" for how, number in sorted(calls.ended.items()))
    return f"{calls.slowest:6.2f} s   {ends}\n".encode()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="*", metavar="ROW", help="only rows whose names hold one of these")
    parser.add_argument("--limit", type=float, default=60.0, help="seconds after which a row is given up")
    parser.add_argument("--row", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.row:
        os.write(1, _shown(ROWS[given.row]()))
        os._exit(0)
    for name in ROWS:
        if not given.rows or any(part in name for part in given.rows):
            print(f"{name:36}", _measured(name, given.limit), flush=True)


def _measured(name: str, limit: float) -> str:
    command: Sequence[str] = [sys.executable, __file__, "--row", name]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        try:
            return process.communicate(timeout=limit)[0].rstrip() or "failed"
        except subprocess.TimeoutExpired:
            return f"over {limit:g} s"
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


if __name__ == "__main__":
    main()
