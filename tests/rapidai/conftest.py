"""Modules of a test's own that a worker can import, and the worker as people start it."""

from __future__ import annotations

import importlib
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from liquid_background.jobs.store import Store
from tests import warm

Load = Callable[[str, str], Any]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Load]:
    """`load(name, text)` writes a module, and imports it here as a worker in that folder would."""
    monkeypatch.syspath_prepend(tmp_path)
    loaded: list[str] = []

    def load(name: str, text: str) -> Any:
        (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")
        loaded.append(name)
        importlib.invalidate_caches()
        return importlib.import_module(name)

    yield load
    for name in loaded:
        sys.modules.pop(name, None)


@pytest.fixture
def start_worker(tmp_path: Path) -> Iterator[Callable[[str], warm.Started]]:
    """`start_worker("module:attr")` runs `poscli worker` in the folder of the test's modules."""
    started: list[warm.Started] = []

    def start(app: str) -> warm.Started:
        words = ("poscli", "worker", "--app", app, "--processes", "2")
        environment = {**os.environ, "LIQUID_BACKGROUND_LEASE": "1"}
        with open(os.devnull, "r+") as nothing:
            process = warm.start(*words, cwd=tmp_path, env=environment, streams=(nothing, nothing, nothing))
        started.append(process)
        return process

    yield start
    for process in started:
        process.send_signal(signal.SIGTERM)
        try:
            assert process.wait(20) == 0
        finally:
            process.kill()
            process.wait()


@pytest.fixture
def url(store: Store) -> str:
    """The URL of the session's store, empty."""
    return store.url
