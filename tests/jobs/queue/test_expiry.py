"""Ids whose records have expired, which stand in their places until a worker ticks: no read goes through them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from liquid_background import Engine
from liquid_background.job import Outcome
from liquid_background.jobs.queue import keys, moves
from liquid_background.jobs.store import Store
from liquid_background.settings import Settings
from tests.jobs.queue.hands import Hands

_GONE = 3_000
_LEFT = 5


@pytest.fixture
def hands(store: Store, settings: Settings) -> Hands:
    return Hands(store, settings)


@pytest.fixture(params=["finished", "failed"])
def engine(request: pytest.FixtureRequest, settings: Settings, hands: Hands, job: Callable[..., Any]) -> Engine:
    """An engine whose store has jobs that have ended, and thousands of ids of those that have expired."""
    engine = Engine(settings=settings)
    engine.jobs.send([job(id=f"j{number}") for number in range(_LEFT)])
    for _ in range(_LEFT):
        hands.finish(hands.take(), Outcome(error="no" if request.param == "failed" else ""))
    hands.settle()
    key = keys.ended(request.param, "default")
    hands.store.client.zadd(key, {f"zz{number}": 1_000_000_000 + number for number in range(_GONE)})
    return engine


def _ended(engine: Engine) -> str:
    return engine.jobs.get("j0").status


@pytest.mark.parametrize("has_status", [True, False])
def test_a_list_ends_where_ids_have_expired(engine: Engine, has_status: bool) -> None:
    page = engine.jobs.list(status=_ended(engine) if has_status else None)
    assert sorted(job.id for job in page) == [f"j{number}" for number in range(_LEFT)]
    assert (page.looked_at, page.of, page.total, page.cursor) == (_LEFT, _LEFT, _LEFT, None)


def test_a_list_goes_on_to_where_ids_have_expired(engine: Engine) -> None:
    first = engine.jobs.list(limit=3)
    rest = engine.jobs.list(limit=3, after=first.cursor)
    assert len({job.id for job in [*first, *rest]}) == _LEFT
    assert rest.looked_at == _LEFT


def test_what_has_expired_is_not_counted(engine: Engine) -> None:
    *_, last = engine.jobs.counting(id_prefix="j")
    assert (last.found, last.looked_at) == (_LEFT, _LEFT)
    assert engine.jobs.count(_ended(engine)) == _LEFT
    [default] = [counts for counts in engine.jobs.counts() if counts.name == "default"]
    assert getattr(default, _ended(engine)) == _LEFT


def test_what_is_kept_for_ever_is_listed(engine: Engine, hands: Hands) -> None:
    state = "failed" if _ended(engine) == "failed" else "finished"
    hands.store.client.zadd(keys.ended(state, "default"), {"j0": "+inf"})  # as RQ has what it keeps so
    assert len(engine.jobs.list()) == _LEFT


def test_cancelled_jobs_whose_records_have_expired_are_dropped_by_ticks(
    settings: Settings, hands: Hands, job: Callable[..., Any]
) -> None:
    jobs, client = Engine(settings=settings).jobs, hands.store.client
    jobs.send([job(id=f"j{number}") for number in range(200)])
    for number in range(200):
        jobs.cancel(f"j{number}")
    client.delete(*[keys.job(f"j{number}") for number in range(200) if number % 4 or number < 60])
    kept = {f"j{number}".encode() for number in range(60, 200, 4)}
    for _ in range(500):
        hands.call(moves.tick(keys.QUEUES, settings, trim=True))
        if set(client.zrange(keys.canceled("default"), 0, -1)) == kept:
            break
    assert set(client.zrange(keys.canceled("default"), 0, -1)) == kept
    assert jobs.count("cancelled") == len(kept)
