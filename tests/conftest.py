"""Stores and waits for the whole suite: real servers only, and none is left when the session ends."""

from __future__ import annotations

import gc
import itertools
import os
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from liquid_background.jobs.store import Store, connect, embedded
from liquid_background.language.compiled import deciding
from liquid_background.settings import Settings, load_settings
from tests.postgres import postgres, postgres_server
from tests.sentinels import start_sentinels

__all__ = ["postgres", "postgres_server", "start_sentinels"]

# The suite starts some hundred Pythons: with PYTHONDONTWRITEBYTECODE, as in containers, each would compile all of ours.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False


if os.environ.get("TEST_COMPILE") == "1":  # make test-compiled
    deciding.patience = 0.0


SLOW = 1.5  # seconds of a processor: three times what the mark `slow` is for, since a machine may be slower than ours


def _spent() -> float:
    """Return the seconds of a processor that this process has used, and those of its children that have ended."""
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    before = _spent()
    try:
        return (yield)
    finally:
        item.user_properties.append(("spent", _spent() - before))


def pytest_collection() -> None:
    """Spare the collector of garbage the thousands of tests, and all that they import: that stays to the end."""
    gc.disable()


def pytest_collection_finish() -> None:
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 10, 10)  # the tests' own garbage is little: looking for it took a twelfth of their time
    gc.enable()


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Name what holds up `make test-quick`. It is no failure: a busy machine makes more of each test."""
    for report in terminalreporter.getreports("passed"):
        spent = dict(report.user_properties).get("spent", 0.0)
        if spent > SLOW and report.when == "call" and "slow" not in report.keywords:
            terminalreporter.write_line(f"not marked slow, and took {spent:.1f} s of a processor: {report.nodeid}")


_numbers = itertools.count()


@pytest.fixture
def tmp_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of the test's own. pytest's looks through all those before it for a number that is free."""
    path = tmp_path_factory.getbasetemp() / f"test{next(_numbers)}"
    path.mkdir(0o700)
    return path


@pytest.fixture(scope="session", autouse=True)
def _no_settings_from_outside() -> Iterator[None]:
    """Hide the developer's own settings: a test that flushes must never reach the server in their REDIS_URL."""
    with pytest.MonkeyPatch.context() as patch:
        for name in os.environ:
            if name.startswith("LIQUID_BACKGROUND_") or name == "REDIS_URL":
                patch.delenv(name)
        yield


def _wait_until(condition: Callable[[], Any], timeout: float = 30.0, every: float = 0.01) -> Any:
    """A look that takes long is taken less often: what is waited for needs the processor, too."""
    deadline = time.monotonic() + timeout
    asked = time.monotonic()
    while not (result := condition()):
        now = time.monotonic()
        assert now < deadline, f"waited {timeout:g} s in vain for {condition}"
        time.sleep(max(every, min(3 * (now - asked), 0.2)))
        asked = time.monotonic()
    return result


@pytest.fixture(scope="session")
def wait_until() -> Callable[..., Any]:
    """`wait_until(condition, timeout=30.0)` returns the first true result, or fails the test."""
    return _wait_until


@contextmanager
def _short_folder() -> Iterator[Path]:
    """Yield a new folder whose path is short enough for a socket, unlike pytest's tmp_path."""
    folder = Path(tempfile.mkdtemp(prefix="lb-", dir="/tmp"))
    try:
        yield folder
    finally:
        embedded.stop(folder)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def store_dir() -> Iterator[Path]:
    """A data folder for an embedded store of the test's own, which is stopped and removed after it."""
    with _short_folder() as folder:
        yield folder


@pytest.fixture(scope="session")
def session_store() -> Iterator[Store]:
    """One embedded store for the session; use `store`, which is empty at the start of each test."""
    with _short_folder() as folder:
        store = connect(load_settings(data_dir=folder))
        assert store.kind == "embedded"
        yield store
        store.close()


@pytest.fixture
def store(session_store: Store) -> Store:
    """The session's embedded store, empty."""
    session_store.client.flushall()
    return session_store


@pytest.fixture(scope="session")
def session_settings(session_store: Store) -> Settings:
    assert session_store.socket is not None
    return load_settings(data_dir=session_store.socket.parent)


@pytest.fixture
def settings(store: Store, session_settings: Settings) -> Settings:
    """Settings that lead to `store`, for tests that connect by themselves or start processes."""
    return session_settings


@dataclass
class Server:
    """A server of a test's own on loopback; `log` is what it wrote."""

    url: str
    port: int
    process: subprocess.Popen[bytes]
    log: Path

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture(scope="session")
def start_session_server() -> Iterator[Callable[..., Server]]:
    with _servers() as start:
        yield start


@pytest.fixture
def start_server() -> Iterator[Callable[..., Server]]:
    """`start_server("--requirepass", "x", port=None)` runs a server as external ones are, by default without AOF."""
    with _servers() as start:
        yield start


@pytest.fixture(scope="session")
def external_session_store(start_session_server: Callable[..., Server]) -> Iterator[Store]:
    store = connect(load_settings(redis_url=start_session_server().url))
    yield store
    store.close()


@pytest.fixture
def external_store(external_session_store: Store) -> Store:
    """A store behind a redis:// URL, empty: for the assertions that must hold on both kinds."""
    external_session_store.client.flushall()
    return external_session_store


@contextmanager
def _servers() -> Iterator[Callable[..., Server]]:
    started: list[Server] = []
    with tempfile.TemporaryDirectory(prefix="lb-", dir="/tmp", ignore_cleanup_errors=True) as folder:

        def start(*options: str, port: int | None = None) -> Server:
            server = _start_server(Path(folder), port or _free_port(), options)
            started.append(server)
            _wait_until(lambda: server.process.poll() is not None or _listens(server.port))
            assert server.process.poll() is None, server.log.read_text()
            return server

        try:
            yield start
        finally:
            for server in started:
                server.kill()


def _start_server(folder: Path, port: int, options: tuple[str, ...]) -> Server:
    log = folder / f"{port}.log"
    command = [str(embedded.find_server()), "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder)]
    with log.open("ab") as stream:
        process = subprocess.Popen([*command, "--save", "", *options], stdout=stream, stderr=stream)
    return Server(f"redis://127.0.0.1:{port}/0", port, process, log)


def _free_port() -> int:
    while True:
        with closing(socket.socket()) as probe:
            probe.bind(("127.0.0.1", 0))
            port: int = probe.getsockname()[1]
        if port < 55_000:  # a cluster's nodes listen 10,000 ports above, too
            return port


def _listens(port: int) -> bool:
    """Whether a server takes connections, and has loaded what it had on its disk."""
    with suppress(OSError), closing(socket.create_connection(("127.0.0.1", port), timeout=1)) as probe:
        probe.sendall(b"PING\r\n")
        return not probe.recv(64).startswith(b"-LOADING")
    return False
