"""Real workers of an application with hooks, and what these have written."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from liquid_background.job import Job
from tests.worker.conftest import Bench, WorkerProcess, bench

__all__ = ["Bench", "bench"]

APP = "tests.hooks.hooked_app"


@dataclass
class Hooked:
    """A bench, and the lines that hooks wrote: event, PID, more."""

    bench: Bench
    log: Path
    set_environment: Callable[[str, str], None]

    def do(self, **what: str) -> None:
        """Have the hooks of an event do something: raise, hang, end or die."""
        self.set_environment("HOOKS_DO", json.dumps(what))

    def send(self, what: str = "", *, function: str = "work", **fields: Any) -> str:
        kwargs = {"what": what} if function == "work" else {}
        path = f"{APP}:{function}"
        job = Job(
            **{"source_name": function, "template": path, "line": 1, "function": path, **fields},
            parameters={"args": [], "kwargs": kwargs},
        )
        assert self.bench.queue.send([job]) == []
        return job.id

    def start(self, **options: Any) -> WorkerProcess:
        return self.bench.start(app=f"{APP}:engine", **options)

    def burst(self, **options: Any) -> str:
        return self.bench.burst(app=f"{APP}:engine", **options)

    def lines(self, *events: str) -> list[list[str]]:
        text = self.log.read_text() if self.log.exists() else ""
        rows = [line.split(" ", 5) for line in text.splitlines()]
        return [row for row in rows if not events or row[0] in events]

    def events(self) -> list[str]:
        return [row[0] for row in self.lines()]


@pytest.fixture
def hooked(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hooked:
    monkeypatch.setenv("HOOKS_LOG", str(tmp_path / "hooks"))
    return Hooked(bench, tmp_path / "hooks", monkeypatch.setenv)
