"""Real servers of ASGI applications, each a process of its own, and requests to them."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests import warm

ROOT = Path(__file__).parents[2]
QUIETLY = ("-q", "-p", "no:cacheprovider", "-W", "ignore::pytest.PytestAssertRewriteWarning")
"""Options of a pytest that is a fork with anyio imported already, which has assertions for pytest to rewrite."""


@dataclass
class Served:
    """A running server; `log` is what it wrote."""

    process: warm.Started
    log: Path
    url: str = ""

    def get(self, path: str, data: bytes | None = None) -> str:
        with urllib.request.urlopen(f"{self.url}{path}", data, timeout=30) as answer:
            return str(answer.read().decode())

    def json(self, path: str) -> Any:
        return json.loads(self.get(path))

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(20)


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except OSError:
        return False  # its processes are not there yet
    return True


@pytest.fixture
def serve(tmp_path: Path, wait_until: Callable[..., Any]) -> Iterator[Callable[..., Served]]:
    """`serve("uvicorn", "app:app", …, cwd=…, PORT="1")` runs a server until the test ends, with such variables."""
    started: list[Served] = []

    def start(*command: str, cwd: Path = ROOT, **variables: str) -> Served:
        log = tmp_path / f"server{len(started)}.log"
        environment = {**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONPATH": os.pathsep.join((str(cwd), str(ROOT)))}
        with log.open("wb") as stream, open(os.devnull) as nothing:
            process = warm.start(*command, cwd=cwd, env={**environment, **variables}, streams=(nothing, stream, stream))
        served = Served(process, log)
        started.append(served)

        def where() -> str | None:
            assert process.poll() is None, log.read_text()
            found = re.search(r"(?:running on|Listening at:) (http://127\.0\.0\.1:[1-9]\d*)", log.read_text())
            return found[1] if found and _listens(int(found[1].rpartition(":")[2])) else None

        served.url = wait_until(where)
        return served

    yield start
    for served in started:
        with suppress(ProcessLookupError):
            os.killpg(served.process.pid, signal.SIGKILL)  # with the processes that it has started
        served.process.wait()
