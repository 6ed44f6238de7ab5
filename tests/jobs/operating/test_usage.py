"""What jobs take in the store is estimated by kind, state and source name, of one site, with few samples."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from liquid_background import Engine
from liquid_background.job import Job, LogEntry, Outcome
from liquid_background.jobs.operating.usage import KINDS, usage
from liquid_background.jobs.queue import Queue, keys
from liquid_background.jobs.store import Store, connect
from liquid_background.settings import Settings, load_settings
from tests.jobs.queue.hands import Hands


def _job(name: str, size: int, **fields: Any) -> Job:
    return Job(source_name=name, template="t", line=1, source="x" * size, **fields)


@pytest.fixture
def filled(store: Store, settings: Settings) -> Settings:
    queue, hands = Queue(store, settings), Hands(store, settings)
    queue.send([_job("large", 10_000) for _ in range(5)])
    for _ in range(5):
        hands.finish(hands.take(), Outcome(result="y" * 5_000))
    queue.send([_job("small", 100) for _ in range(600)])
    queue.send([_job("small", 100, delay=60) for _ in range(20)], [LogEntry(message="z" * 500, type="info")])
    hands.take()
    hands.hold()
    return settings


def _truth(client: Any, pattern: str) -> int:
    return sum(client.memory_usage(key, samples=0) for key in client.scan_iter(pattern))


def test_kinds_states_and_names_are_about_what_the_server_says(store: Store, filled: Settings) -> None:
    seen: list[tuple[int, int]] = []
    found = usage(store, lambda looked_at, total: seen.append((looked_at, total)))
    client = store.client
    assert list(found.kinds) == list(KINDS)
    assert found.kinds["records"].number == pytest.approx(625, rel=0.02)
    assert found.kinds["records"].bytes == pytest.approx(_truth(client, "rq:job:*"), rel=0.05)
    assert found.kinds["results"].number == 5
    assert found.kinds["results"].bytes == pytest.approx(_truth(client, "rq:results:*"), rel=0.01)
    assert found.kinds["log"].bytes == _truth(client, "liquid_background:log*")
    assert {state: space.number for state, space in found.states.items()} == {
        "pending": 619, "running": 1, "completed": 5, "failed": 0, "cancelled": 0,
    }  # fmt: skip
    assert list(found.source_names) == ["large", "small"] or list(found.source_names) == ["small", "large"]
    assert found.source_names["large"].number == 5
    assert found.bytes == sum(space.bytes for space in found.kinds.values())
    assert found.is_measured
    assert found.samples < 300
    assert found.looked_at == found.keys == client.dbsize()
    assert seen[-1] == (found.keys, found.keys)


def test_an_engine_tells_it_and_its_twin_does(store: Store, filled: Settings) -> None:
    engine = Engine(settings=filled)
    twin, own = asyncio.run(engine.usage_async()), engine.usage()
    assert {name: space.number for name, space in twin.states.items()} == {
        name: space.number for name, space in own.states.items()
    }


def test_an_empty_store_takes_nothing(store: Store) -> None:
    found = usage(store)
    assert (found.bytes, found.samples, found.keys) == (0, 0, 0)


@pytest.fixture
def limited(store: Store, filled: Settings) -> Iterator[Store]:
    """The store of a user who may not ask what keys take."""
    client: Any = store.client
    client.execute_command("ACL", "SETUSER", "limited", "reset", "on", ">pw", "~*", "&*", "+@all", "-memory")
    try:
        url = store.url.replace("unix://", "unix://limited:pw@")
        with closing(connect(load_settings(redis_url=url))) as found:
            yield found
    finally:
        client.execute_command("ACL", "DELUSER", "limited")


def test_without_the_right_to_ask_it_is_guessed_from_lengths(store: Store, limited: Store) -> None:
    found, measured = usage(limited), usage(store)
    assert not found.is_measured
    assert {state: space.number for state, space in found.states.items()} == {
        state: space.number for state, space in measured.states.items()
    }
    for kind in ("records", "results"):
        assert 1 / 3 < found.kinds[kind].bytes / measured.kinds[kind].bytes < 3


def test_other_sites_and_applications_do_not_count(store: Store, settings: Settings, filled: Settings) -> None:
    alone = usage(store)
    shop = load_settings(data_dir=settings.data_dir, site="shop")
    with closing(connect(shop)) as other:
        Queue(other, shop).send([_job("theirs", 5_000) for _ in range(50)])
        store.client.set("cache:page", "x" * 100_000)
        found = usage(store)
        assert "theirs" not in found.source_names
        assert found.kinds["log"] == alone.kinds["log"]
        assert found.kinds["indexes"] == alone.kinds["indexes"]
        theirs = usage(other)
        assert theirs.source_names.keys() == {"theirs"}
        assert theirs.states["pending"].number == 50
        assert theirs.kinds["log"].bytes == 0


def test_planted_keys_hide_nothing_else(store: Store, filled: Settings) -> None:
    store.client.set(keys.failed("low"), "planted")
    store.client.set(keys.scheduled("high"), "planted")
    assert usage(store).states["completed"].number == 5
