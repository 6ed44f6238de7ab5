"""The store's clock as a process knows it: never ahead, and asked for seldom."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest

from liquid_background.jobs.store import Store
from liquid_background.jobs.store import clock as module
from liquid_background.jobs.store.clock import ServerClock


@pytest.fixture
def monotonic(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [50.0]
    monkeypatch.setattr(module, "monotonic", lambda: now[0])
    return now


def test_a_clock_that_was_never_told_says_nothing() -> None:
    assert ServerClock().now() is None


def test_a_clock_goes_on_from_what_it_was_told(monotonic: list[float]) -> None:
    clock = ServerClock()
    clock.noted(1000.0)
    monotonic[0] += 7.5
    assert clock.now() == 1007.5
    assert clock.now(within=7.5) == 1007.5
    assert clock.now(within=7.4) is None
    clock.noted(2000.0)
    assert clock.now(within=0) == 2000.0


def test_a_store_s_time_is_never_ahead_of_it(store: Store, monotonic: list[float]) -> None:
    fresh = replace(store, clock=ServerClock())
    client: Any = store.client
    before = client.time()
    told = fresh.time(60.0)
    after = client.time()
    assert before[0] + before[1] / 1e6 <= told <= after[0] + after[1] / 1e6
    monotonic[0] += 59
    assert fresh.time(60.0) == told + 59  # not asked again
    monotonic[0] += 2
    assert fresh.time(60.0) == pytest.approx(time.time(), abs=5)
