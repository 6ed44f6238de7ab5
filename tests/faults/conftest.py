"""The workers of tests/worker, on stores that fail."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from liquid_background.jobs.queue import Queue
from liquid_background.jobs.store import connect
from liquid_background.settings import load_settings
from tests.worker.conftest import Bench, bench

__all__ = ["Bench", "bench"]


@pytest.fixture
def bench_on(tmp_path: Path, wait_until: Any) -> Iterator[Callable[..., Bench]]:
    """`bench_on(url, through=url)`: a bench on the first whose workers connect to the second."""
    made: list[Bench] = []

    def make(url: str, through: str | None = None) -> Bench:
        store = connect(load_settings(redis_url=url))
        settings = load_settings(redis_url=through or url)
        made.append(Bench(store, settings, Queue(store, settings), tmp_path / "runs", wait_until))
        return made[0]

    yield make
    for each in made:
        each.close()
        each.store.close()


def calls(bench: Bench) -> int:
    """Return how many scripts the store has been asked to run."""
    stats: Any = bench.store.client.info("commandstats")
    return int(stats["cmdstat_evalsha"]["calls"])


def wait_for_calls(bench: Bench, more: int = 20) -> None:
    """Return when the workers have asked that many times more: each ticks five times a second."""
    before = calls(bench)
    bench.wait_until(lambda: calls(bench) >= before + more, timeout=30)
