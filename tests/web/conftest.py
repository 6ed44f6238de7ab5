"""A site that is served by `poscli serve`, and requests to it as bytes over a socket."""

from __future__ import annotations

import os
import re
import signal
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests import warm
from tests.app_code import ENQUEUES

APP = """
import asyncio, contextvars, os, signal, subprocess, sys, threading, time
from liquid_background import Engine

engine = Engine(templates="templates")
add = engine.environment.add_filter
add("in_c", lambda value: sum(range(10**12)))
add("sleep", lambda value: time.sleep(float(value)))
add("segv", lambda value: os.kill(os.getpid(), signal.SIGSEGV))
add("leave", lambda value: os._exit(3))
add("sys_exit", lambda value: sys.exit(4))
add("hog", lambda value: len(bytearray(2 * 1024**3)))
add("pid", lambda value: os.getpid())
add("realtime", lambda value: os.kill(os.getpid(), signal.SIGRTMIN + 6))
add("start", lambda value: subprocess.Popen(["sleep", "600"]).pid)


def divide(value):
    return 1 / value


add("divide", divide)


def secret(value):
    raise ValueError(f"no such file: {os.getcwd()}/private/key")


add("secret", secret)
add("unfound", lambda value: open("/srv/secret/key"))


def haunt(value):
    def later():
        time.sleep(0.3)
        engine.render("jobs")

    threading.Thread(target=later).start()


customer = contextvars.ContextVar("customer", default="nobody")


def wander(value):
    customer.set("Ms Jones")
    os.chdir("/")
    os.umask(0)
    os.environ["WANDERED"] = os.environ["TZ"] = "Asia/Tokyo"
    time.tzset()


def around(value):
    mask = os.umask(0)
    os.umask(mask)
    return f"{os.getpid()} {os.getcwd()} {mask} {os.environ.get('WANDERED')} {time.tzname} {customer.get()}"


class Odd(BaseException):
    pass


RAISED = (KeyboardInterrupt, SystemExit, GeneratorExit, asyncio.CancelledError, Odd, RecursionError)


def throw(name):
    raise next(kind for kind in RAISED if kind.__name__ == name)("thrown")


engine.action(throw)
hoard = []


def keep_all(value):
    while True:
        hoard.append(bytes(64))


def grow(value):
    hoard.append(b"x" * (120 * 1024**2))


def leak(value):
    hoard.extend(os.open(os.devnull, os.O_RDONLY) for _ in range(100))


def crowd(value):
    for _ in range(4):
        threading.Thread(target=time.sleep, args=(600,), daemon=True).start()


def fork(value):
    os.fork()


for each in (haunt, wander, around, throw, keep_all, grow, leak, crowd, fork):
    add(each.__name__, each)
"""


@pytest.fixture(scope="session", autouse=True)
def _warm() -> None:
    warm.ahead.update(
        ("liquid_background.web", "poscli.commands.serve", "uvicorn.lifespan.off", "uvicorn.loops.asyncio")
    )


@dataclass
class Reply:
    """A response as it came."""

    raw: bytes

    @property
    def status(self) -> int:
        return int(self.raw.split(b" ", 2)[1]) if self.raw.startswith(b"HTTP/") else 0

    @property
    def headers(self) -> dict[str, str]:
        lines = self.raw.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")[1:]
        return {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}

    @property
    def text(self) -> str:
        return self.raw.partition(b"\r\n\r\n")[2].decode()


@dataclass
class Served:
    """A running server."""

    folder: Path
    process: warm.Started
    err: Path
    wait: Callable[..., Any]
    port: int = 0
    asked: list[socket.socket] = field(default_factory=list)

    def connect(self) -> socket.socket:
        made = socket.create_connection(("127.0.0.1", self.port), timeout=30)
        self.asked.append(made)
        return made

    def send(self, data: bytes) -> Reply:
        """Send bytes and return everything that comes until the server hangs up."""
        with closing(self.connect()) as connection:
            connection.sendall(data)
            return read_reply(connection)

    def get(self, path: str, *headers: str) -> Reply:
        return self.send(request(path, *headers))

    def start(self, path: str) -> socket.socket:
        """Ask for a page without waiting for it."""
        connection = self.connect()
        connection.sendall(request(path))
        return connection

    def log(self) -> list[str]:
        return self.err.read_text().splitlines()[1:]

    def until(self, text: str, timeout: float = 15.0) -> str:
        found = self.wait(lambda: next((line for line in self.log() if text in line), None), timeout)
        return str(found)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(20)


def write_template(folder: Path, name: str, text: str) -> None:
    path = folder / "templates" / f"{name}.liquid"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def request(path: str, *headers: str) -> bytes:
    lines = [f"GET {path} HTTP/1.1", "Host: localhost", "Connection: close", *headers]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def post(body: bytes, content_type: str = "application/json", path: str = "/") -> bytes:
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: {content_type}\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def read_reply(connection: socket.socket) -> Reply:
    data = bytearray()
    try:
        while part := connection.recv(65536):
            data += part
    except ConnectionResetError:
        pass  # what came before counts
    return Reply(bytes(data))


@pytest.fixture(scope="module")
def module_serve(
    tmp_path_factory: pytest.TempPathFactory, wait_until: Callable[..., Any], session_store: Any
) -> Iterator[Callable[..., Served]]:
    """`serve(pages, *options, **settings)` runs a server on a folder of its own."""
    started: list[Served] = []

    def serve(pages: Mapping[str, str], *options: str, script: str = "", **settings: str) -> Served:
        folder = tmp_path_factory.mktemp("site")
        (folder / "app.py").write_text(APP + ENQUEUES)
        err = folder / "err"
        env = {**os.environ, "LIQUID_BACKGROUND_DATA_DIR": str(session_store.socket.parent)}
        env |= {f"LIQUID_BACKGROUND_{name}": value for name, value in settings.items()}
        (folder / "run_site.py").write_text(f"{script}\nfrom poscli.main import main\nmain()\n")
        for name, text in pages.items():
            write_template(folder, name, text)
        words = ("run_site", "serve", "--port", "0", "--app", "app:engine", *options)
        env["PYTHONPATH"] = str(folder)
        with err.open("wb") as stream, open(os.devnull) as nothing:
            process = warm.start(*words, cwd=folder, env=env, streams=(nothing, stream, stream))
        served = Served(folder, process, err, wait_until)
        started.append(served)
        found = wait_until(lambda: re.search(r"Serving \S+:(\d+)", err.read_text()), 20)
        served.port = int(found[1])
        return served

    yield serve
    for served in started:
        for connection in served.asked:
            connection.close()
        served.process.kill()
        served.process.wait()
        assert "Traceback" not in served.err.read_text()


@pytest.fixture
def serve(module_serve: Callable[..., Served]) -> Callable[..., Served]:
    return module_serve
