"""What `run` makes of a signal before its supervisor listens: 0, wherever it is, and none gets lost."""

from __future__ import annotations

import gc
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from liquid_background.errors import SettingsError
from liquid_background.settings import Settings
from liquid_background_worker import run
from liquid_background_worker.beginning import Beginning, Stopped
from liquid_background_worker.signals import Signals
from tests.worker.conftest import HERE, Bench


@pytest.fixture(autouse=True)
def _signals() -> Iterator[None]:
    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)
    before = {number: signal.getsignal(number) for number in numbers}
    yield
    gc.unfreeze()  # what a worker freezes before it forks
    for number, handler in before.items():
        signal.signal(number, handler)


class _Factory:
    """An application that gets a signal while it loads."""

    def __init__(self, *, swallows: bool = False) -> None:
        self._swallows = swallows

    def __call__(self, settings: Settings) -> Any:
        try:
            signal.raise_signal(signal.SIGTERM)
        except BaseException:
            if not self._swallows:
                raise
        return self

    def perform(self, *_: Any) -> Any:
        raise AssertionError("a worker that was stopped performs nothing")


@pytest.mark.parametrize("swallows", [False, True])
def test_a_signal_while_the_application_loads_returns_0(settings: Settings, swallows: bool) -> None:
    given = settings.model_copy(update={"app": None})
    assert run(given, factory=_Factory(swallows=swallows), processes=1) == 0
    os.kill(os.getpid(), signal.SIGTERM)  # one more: it does not end what ends in order
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def test_a_signal_just_before_the_supervisor_listens_is_not_lost(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    listen = Signals.listen

    def late(self: Signals) -> None:
        signal.raise_signal(signal.SIGTERM)
        listen(self)

    monkeypatch.setattr(Signals, "listen", late)
    bench.send()
    given = bench.settings.model_copy(update={"app": "tests.worker.stub_app:engine"})
    assert run(given, processes=1) == 0
    assert bench.runs() == []
    assert bench.queue.counts()[1].queued == 1


def test_the_signals_are_given_back_when_a_worker_cannot_start(settings: Settings) -> None:
    def mine(_signal: int, _frame: object) -> None: ...

    signal.signal(signal.SIGTERM, mine)
    with pytest.raises(SettingsError, match="hihg"):
        run(settings, queues=["hihg"])
    assert signal.getsignal(signal.SIGTERM) is mine
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_only_the_first_signal_raises() -> None:
    beginning = Beginning()
    beginning.listen()
    with pytest.raises(Stopped):
        signal.raise_signal(signal.SIGINT)
    signal.raise_signal(signal.SIGINT)
    signal.raise_signal(signal.SIGTERM)
    with pytest.raises(Stopped):
        beginning.over()
    beginning.hush()


def test_a_worker_of_a_program_of_its_own_stops_while_it_waits_for_a_store(tmp_path: Path, wait_until: Any) -> None:
    options = {"redis_url": "redis://127.0.0.1:1/0", "app": "tests.worker.stub_app:engine"}
    log = tmp_path / "log"
    with log.open("wb") as stream:
        command = [sys.executable, str(HERE / "run_worker.py"), json.dumps(options)]
        worker = subprocess.Popen(command, stdout=stream, stderr=stream, cwd=HERE.parent.parent)
    try:
        wait_until(lambda: "waiting for the store" in log.read_text())
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(5) == 0
        assert "Traceback" not in log.read_text()
    finally:
        worker.kill()
        worker.wait()
