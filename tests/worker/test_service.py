"""What a worker tells systemd: on the socket that it names, and nothing where it names none."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from liquid_background_worker.service import Service
from tests.cli.conftest import Project, data_dir, project

__all__ = ["data_dir", "project"]

pytestmark = pytest.mark.usefixtures("store_dir")


class Manager:
    """A service manager's socket, and what was heard on it."""

    def __init__(self, address: str) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(address)
        self.socket.settimeout(30)
        self.name = address.replace("\0", "@")

    def hears(self, word: str) -> list[str]:
        """Wait for a message that begins so; return its lines."""
        while True:
            lines = self.socket.recv(4096).decode().split("\n")
            if lines[0] == word:
                return lines

    def hears_nothing_more(self) -> None:
        self.socket.setblocking(False)
        with pytest.raises(BlockingIOError):
            self.socket.recv(4096)


@pytest.fixture(params=["a path", "an abstract name"])
def manager(request: pytest.FixtureRequest, store_dir: Path) -> Iterator[Manager]:
    address = (
        str(store_dir / "notify") if request.param == "a path" else f"\0lb-test-{os.getpid()}-{time.monotonic_ns()}"
    )
    made = Manager(address)
    yield made
    made.socket.close()


def test_a_worker_tells_that_it_serves_reloads_goes_on_and_stops(project: Project, manager: Manager) -> None:
    project.write("tell.py", TELLING)
    env = {"NOTIFY_SOCKET": manager.name, "WATCHDOG_USEC": "400000", "LIQUID_BACKGROUND_PROCESSES": "2"}
    worker = project.start("worker", "--app", "tell:engine", **env)
    _, status = manager.hears("READY=1")
    assert status.startswith("STATUS=")
    assert status.endswith(" serves high, default, low in 2 processes")
    for _ in range(3):
        manager.hears("WATCHDOG=1")
    worker.process.send_signal(1)
    _, clock, status = manager.hears("RELOADING=1")
    assert abs(int(clock.removeprefix("MONOTONIC_USEC=")) - time.monotonic_ns() // 1000) < 60_000_000
    assert status == "STATUS=replacing the child processes"
    manager.hears("READY=1")
    worker.process.terminate()
    manager.hears("STOPPING=1")
    assert worker.process.wait(20) == 0
    seen = (project.folder / "seen").read_text().splitlines()
    assert len(seen) == 4, "two children, and two that replaced them"
    assert set(seen) == {"[]"}, "children are not the service"


TELLING = """
import os
from liquid_background import Engine

engine = Engine()

@engine.on_child_start
def tell():
    with open("seen", "a") as file:
        print(sorted({"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"} & set(os.environ)), file=file)
"""


def test_a_supervisor_that_stands_still_gives_no_sign_of_life(project: Project, manager: Manager) -> None:
    worker = project.start("worker", NOTIFY_SOCKET=manager.name, WATCHDOG_USEC="200000")
    manager.hears("READY=1")
    manager.hears("WATCHDOG=1")
    worker.process.send_signal(19)
    manager.socket.settimeout(1.0)
    with suppress(TimeoutError):
        for _ in range(20):  # those that were on their way
            manager.hears("WATCHDOG=1")
        pytest.fail("it goes on")
    worker.process.send_signal(18)
    manager.socket.settimeout(30)
    manager.hears("WATCHDOG=1")
    assert worker.stop() == 0


def test_a_worker_that_waits_for_its_store_says_so(project: Project, manager: Manager) -> None:
    worker = project.start("worker", NOTIFY_SOCKET=manager.name, REDIS_URL="redis://127.0.0.1:1/0")
    [status] = [manager.socket.recv(4096).decode()]
    assert status.startswith("STATUS=waiting for the store: the store at redis://127.0.0.1:1/0 cannot be reached")
    worker.process.terminate()
    assert manager.hears("STOPPING=1")[1].startswith("STATUS=told to stop")
    assert worker.process.wait(20) == 0


def test_a_worker_whose_store_goes_away_says_so_until_it_is_back(
    project: Project, manager: Manager, start_server: Any
) -> None:
    server = start_server()
    worker = project.start("worker", NOTIFY_SOCKET=manager.name, REDIS_URL=server.url)
    _, serves = manager.hears("READY=1")
    for _ in range(2):
        server.kill()
        [status] = [manager.socket.recv(4096).decode()]
        assert status.startswith(f"STATUS=waiting for the store: {server.url} is away (")
        server = start_server(port=server.port)
        assert manager.socket.recv(4096).decode() == serves
    server.kill()
    manager.socket.recv(4096)
    worker.process.terminate()
    manager.hears("STOPPING=1")
    assert worker.process.wait(30) == 0
    manager.hears_nothing_more()


@pytest.mark.parametrize("name", ["", "relative/path", "vsock:2:1"])
def test_where_nobody_asks_nothing_is_said(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "socket", None)  # none is made
    environment = {"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "1000"}
    service = Service(environment)
    service.waits("x")
    service.turned(lambda: "serves")
    service.reloads()
    service.stops()
    assert environment == {}


@pytest.mark.parametrize(
    ("given", "is_watched"),
    [
        ({"WATCHDOG_USEC": "1000000"}, True),
        ({"WATCHDOG_USEC": "1000000", "WATCHDOG_PID": str(os.getpid())}, True),
        ({"WATCHDOG_USEC": "1000000", "WATCHDOG_PID": "1"}, False),
        ({"WATCHDOG_USEC": "0"}, False),
        ({"WATCHDOG_USEC": "soon"}, False),
        ({}, False),
    ],
)
def test_signs_of_life_are_for_whom_a_watchdog_waits(manager: Manager, given: dict[str, str], is_watched: bool) -> None:
    service = Service({"NOTIFY_SOCKET": manager.name, **given})
    service.turned()
    service.turned()
    if is_watched:
        manager.hears("WATCHDOG=1")
    manager.hears_nothing_more()


def test_what_a_busy_manager_does_not_take_is_said_later(manager: Manager) -> None:
    service = Service({"NOTIFY_SOCKET": manager.name})
    sent = _fill(manager)
    service.turned(lambda: "serves")
    service.stops()
    for _ in range(sent):
        manager.socket.recv(4096)
    service.turned()
    assert manager.hears("READY=1") == ["READY=1", "STATUS=serves"]
    manager.hears("STOPPING=1")
    manager.hears_nothing_more()


def test_a_status_is_said_once_and_while_it_stops_no_other(manager: Manager) -> None:
    service = Service({"NOTIFY_SOCKET": manager.name})
    for waiting in ("", "", "it waits", "it waits", ""):
        service.turned(lambda: "serves", waiting)
    assert manager.hears("READY=1") == ["READY=1", "STATUS=serves"]
    manager.hears("STATUS=it waits")
    manager.hears("STATUS=serves")
    service.reloads()
    service.turned(str, "it waits")
    manager.hears("RELOADING=1")
    manager.hears("STATUS=it waits")
    service.turned(lambda: "serves", "it waits")
    assert manager.hears("READY=1") == ["READY=1", "STATUS=it waits"]
    service.stops()
    service.turned(str, "it waits for another")
    manager.hears("STOPPING=1")
    manager.hears_nothing_more()


def _fill(manager: Manager) -> int:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
        other.setblocking(False)
        sent = 0
        try:
            while True:
                other.sendto(b"x", manager.name.replace("@", "\0", 1))
                sent += 1
        except BlockingIOError:
            return sent


def test_a_manager_that_has_gone_is_no_error(manager: Manager) -> None:
    service = Service({"NOTIFY_SOCKET": manager.name, "WATCHDOG_USEC": "1"})
    manager.socket.close()
    if not manager.name.startswith("@"):
        Path(manager.name).unlink()
    service.turned(lambda: "serves")
    service.stops()
