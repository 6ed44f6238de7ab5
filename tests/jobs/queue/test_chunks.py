"""How many ids one call of the store looks at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from liquid_background import Engine
from liquid_background.job import Job, Outcome
from liquid_background.jobs.filter import Filter
from liquid_background.jobs.queue import chunks, scripts
from liquid_background.jobs.queue.chunks import MOST, Pace, look
from liquid_background.jobs.queue.matching import Matching
from liquid_background.jobs.queue.places import places_of
from liquid_background.jobs.store import Store
from liquid_background.settings import Settings
from tests.jobs.queue.hands import Hands

_FEW = 40_000  # bytes that a call may read and search
_TRACE = "".join(map(chr, range(32, 9_000)))  # which cannot be packed


def test_a_call_that_takes_long_is_followed_by_shorter_ones_and_quick_ones_by_longer() -> None:
    pace = Pace()
    assert pace.size < MOST
    for _ in range(10):
        pace.took(0.001)
    assert pace.size == MOST
    sizes = []
    for _ in range(10):
        pace.took(0.02)
        sizes.append(pace.size)
    assert sizes == sorted(sizes, reverse=True)
    assert 0 < sizes[-1] < MOST / 4
    pace.took(0.004)
    assert pace.size == sizes[-1]


def test_a_caller_may_ask_for_less() -> None:
    pace = Pace(7)
    pace.took(0.0)
    assert pace.size == 7


def job(number: int, **values: object) -> Job:
    return Job(id=f"j{number:03}", source_name="mail", template="pages/x", line=3, source="hi", parameters=values)


def _ended(store: Store, settings: Settings, outcome: Outcome) -> None:
    """Have 20 jobs end so."""
    hands = Hands(store, settings)
    Engine(settings=settings).jobs.send([job(number) for number in range(20)])
    for _ in range(20):
        hands.finish(hands.take(), outcome)


def _looked_at(store: Store, settings: Settings, place: str, wanted: Filter) -> list[int]:
    """Return how many ids each look at a place looks at."""
    [found] = [each for each in places_of(wanted, store.site) if each.name == place]
    sizes, position, is_last = [], (), False
    while not is_last:
        chunk = look(store, found, Matching(wanted, settings), position)
        sizes.append(chunk.looked_at)
        position, is_last = chunk.position, chunk.is_last
    assert sum(sizes) == 20
    return sizes


@pytest.mark.parametrize("text", ["no such text", "ü"])
def test_a_call_ends_when_it_has_searched_enough(
    store: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    _ended(store, settings, Outcome(error="e" * 1_000))
    wanted = Filter(status="failed", error=text)  # type: ignore[arg-type]
    whole = _looked_at(store, settings, "failed/default", wanted)
    monkeypatch.setattr(chunks, "_BYTES", 8_000)
    assert max(_looked_at(store, settings, "failed/default", wanted)) < max(whole) / 2


def test_data_counts_once_more_for_each_text_that_is_looked_for(
    store: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    Engine(settings=settings).jobs.send([job(number, big="x" * 3_000, a=1, b=2, c=3) for number in range(20)])
    monkeypatch.setattr(chunks, "_BYTES", _FEW)
    one = _looked_at(store, settings, "queued/default", Filter(values={"a": "1"}))
    many = _looked_at(store, settings, "queued/default", Filter(values={"a": "1", "b": "2", "c": "3", "big": "x"}))
    assert max(many) < max(one)


@pytest.mark.parametrize(
    ("script", "head", "outcome"),
    [
        ("read", [100, 100, _FEW, 1, "status"], Outcome(result="r" * 10_000)),
        ("read", [100, 100, _FEW, 1, "status"], Outcome(error="no", traceback=_TRACE)),
        ("causes", [100, _FEW, 1, "status"], Outcome(error="no", traceback=_TRACE)),
    ],
)
def test_what_is_read_and_not_returned_counts(
    store: Store, settings: Settings, script: str, head: Sequence[Any], outcome: Outcome
) -> None:
    _ended(store, settings, outcome)
    ids = [f"j{number:03}" for number in range(20)]
    assert 0 < len(scripts.run(store, script, [*head, *ids])) < 10


def test_a_list_of_a_store_without_jobs_looks_at_no_place(store: Store, settings: Settings) -> None:
    engine = Engine(settings=settings)
    assert engine.jobs.list() == []
    store.client.config_resetstat()
    page = engine.jobs.list()
    assert (list(page), page.cursor, page.looked_at, page.of, page.total) == ([], None, 0, 0, 0)
    calls: Any = store.client.info("commandstats")["cmdstat_evalsha"]["calls"]
    assert calls == 1  # which asks for the index of delayed jobs
    engine.jobs.send([job(1)])
    assert [record.id for record in engine.jobs.list()] == ["j001"]
