"""Jobs behind crowds of others: none is hidden, and no call holds the store up."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from liquid_background import Engine
from liquid_background.job import Job, Outcome
from liquid_background.jobs.filter import Filter
from liquid_background.jobs.queue import keys
from liquid_background.jobs.queue.finding import scan
from liquid_background.jobs.store import Store
from liquid_background.settings import Settings
from tests.jobs.queue.crowds import copy
from tests.jobs.queue.hands import Hands

LONGEST = 20.0  # milliseconds of the store that one call may take


def job(job_id: str, name: str, **given: Any) -> Job:
    return Job(id=job_id, source_name=name, template="pages/x", line=3, source="x" * 500, **given)


@pytest.fixture
def engine(settings: Settings) -> Engine:
    return Engine(settings=settings)


@contextmanager
def quick_calls(store: Store, most: float = LONGEST) -> Iterator[None]:
    """Fail when calls of scripts take longer on average; single ones may be held up by a busy machine."""
    store.client.config_resetstat()
    yield
    stats: Any = store.client.info("commandstats")["cmdstat_evalsha"]
    assert stats["usec_per_call"] < most * 1_000, stats


def test_failed_jobs_behind_twelve_thousand_others_are_found(store: Store, engine: Engine, settings: Settings) -> None:
    hands = Hands(store, settings)
    engine.jobs.send([job(f"old{number}", "oldbad") for number in range(5)] + [job("crm", "sync")])
    for _ in range(6):
        hands.finish(hands.take(), Outcome(error="POST /crm: 503"))
    copy(store, "crm", keys.failed("default"), 12_000, "c")
    with quick_calls(store):
        page = engine.jobs.list("failed", "oldbad")
    assert [record.id for record in page] == ["old4", "old3", "old2", "old1", "old0"]
    assert (page.cursor, page.looked_at, page.of) == (None, 12_006, 12_006)
    assert engine.jobs.count("failed", "oldbad") == 5
    assert engine.jobs.count("failed") == 12_006
    newest = engine.jobs.list("failed", limit=3)
    assert [record.id for record in newest] == ["c012000", "c011999", "c011998"]
    assert newest.total == 12_006
    assert newest.looked_at < 1_000


def test_waiting_jobs_behind_twelve_thousand_others_exist(store: Store, engine: Engine, settings: Settings) -> None:
    engine.jobs.send([job("rare", "rare")])
    copy(store, "rare", keys.queue("default"), 999, "r")
    engine.jobs.send([job("mail", "mail", parameters={"customer_id": 42})])
    copy(store, "mail", keys.queue("default"), 11_999, "m")
    with quick_calls(store):
        assert len(engine.jobs.list("pending", "rare", 2_000)) == 1_000
        page = engine.jobs.list(source_name="rare", limit=10)
    assert [record.id for record in page][:2] == ["r000999", "r000998"]
    assert page.cursor
    following = engine.jobs.list(source_name="rare", limit=10, after=page.cursor)
    assert [record.id for record in following][:2] == ["r000989", "r000988"]
    assert following.looked_at <= following.of == 13_000
    with quick_calls(store):
        assert engine.jobs.count(values={"customer_id": "42"}) == 12_000


def test_delayed_jobs_are_listed_newest_first_whatever_the_limit(store: Store, engine: Engine) -> None:
    minutes = [5.0, 1.0, 4.0, 2.0, 3.0]
    for number, delay in enumerate(minutes):
        engine.jobs.send([job(f"d{number}", "later", delay=delay)])
    for limit in (1, 2, 5):
        assert [record.id for record in engine.jobs.list(limit=limit)] == ["d4", "d3", "d2", "d1", "d0"][:limit]
    first = engine.jobs.list(limit=2)
    assert [record.id for record in engine.jobs.list(limit=9, after=first.cursor)] == ["d2", "d1", "d0"]


def test_a_scan_of_a_crowd_lets_others_in_between(store: Store, settings: Settings, engine: Engine) -> None:
    engine.jobs.send([job("a", "mail")])
    copy(store, "a", keys.queue("default"), 20_000, "m")
    began, seen = time.monotonic(), 0
    with quick_calls(store):
        for found in scan(store, settings, Filter(source_name="mail")):
            seen += len(found.ids)
            assert len(found.ids) <= 500
    assert seen == 20_001
    assert time.monotonic() - began < 60
