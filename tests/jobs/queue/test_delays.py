"""Lists of delayed jobs by their index say what the records do, whoever has delayed the jobs or taken them on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from liquid_background import Engine
from liquid_background.job import Job, JobStatus, Outcome, Priority
from liquid_background.jobs.queue import delays, keys, scripts
from liquid_background.jobs.site import own_name, queue_name
from liquid_background.jobs.store import Store
from liquid_background.settings import Settings
from tests.jobs.queue.hands import Hands

_HOUR = 60.0  # minutes


@pytest.fixture(autouse=True)
def any_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the index asked however few jobs there are."""
    monkeypatch.setattr(delays, "FEW", 0)


@pytest.fixture
def engine(settings: Settings) -> Engine:
    return Engine(settings=settings)


@pytest.fixture
def hands(store: Store, settings: Settings) -> Hands:
    return Hands(store, settings)


def job(job_id: str, **given: Any) -> Job:
    return Job(**{"id": job_id, "source_name": "mail", "template": "pages/x", "line": 3, "source": "hi", **given})


def delayed(engine: Engine, *ids: str, **given: Any) -> None:
    """Send jobs one after the other; the last is due first."""
    for number, each in enumerate(ids):
        engine.jobs.send([job(each, delay=_HOUR - number, **given)])


def listed(engine: Engine, limit: int = 50, **given: Any) -> list[str]:
    """Return the ids of a list page by page."""
    ids, cursor = [], None
    while True:
        page = engine.jobs.list(limit=limit, after=cursor, **given)
        ids += [each.id for each in page]
        if not (cursor := page.cursor):
            return ids


def index(store: Store) -> dict[str, float]:
    client: Any = store.client
    found = {}
    for queue in keys.QUEUES:
        found |= dict(client.zrange(own_name(store.site, keys.delayed(queue)), 0, -1, withscores=True))
    return {name.decode(): score for name, score in found.items()}


def commands(store: Store, ask: Callable[[], object]) -> list[str]:
    """Return the commands that something has the store run."""
    client: Any = store.client
    with client.monitor() as monitor:
        ask()
        client.echo("done")
        seen = []
        for command in monitor.listen():
            if "done" in command["command"]:
                return seen
            seen.append(command["command"])
    raise AssertionError


def asked(store: Store, ask: Callable[[], object]) -> set[str]:
    """Return the kinds of sorted sets that a list reads."""
    return {each.split()[1] for each in commands(store, ask) if each.startswith(("ZRANGE", "ZREVRANGE"))}


def test_the_newest_delayed_jobs_come_first_and_no_others_are_read(engine: Engine, store: Store) -> None:
    delayed(engine, *"abcdef")
    delayed(engine, "low", priority=Priority.LOW)
    for limit in (1, 3, 50):
        assert listed(engine, limit, status="pending") == ["low", *"fedcba"]
        assert listed(engine, limit, queue="default") == [*"fedcba"]
    assert keys.scheduled("default") not in asked(store, lambda: engine.jobs.list("pending"))
    assert engine.jobs.list("pending", limit=2, queue="default").looked_at <= 3
    assert engine.jobs.list("pending").total == 7


def test_times_and_names_are_asked_for_as_elsewhere(engine: Engine) -> None:
    delayed(engine, *"abcdef")
    delayed(engine, "other", source_name="report")
    time = engine.jobs.get("c").created_at
    assert time
    assert listed(engine, status="pending", since=time) == ["other", *"fedc"]
    assert listed(engine, status="pending", since=time + timedelta(microseconds=1)) == ["other", *"fed"]
    assert listed(engine, 1, until=time) == [*"ba"]
    assert listed(engine, 1, until=time + timedelta(microseconds=1)) == [*"cba"]
    assert listed(engine, source_name="report") == ["other"]


def test_every_move_keeps_the_index(engine: Engine, hands: Hands, store: Store) -> None:
    delayed(engine, "cancelled", "deleted", "due", "waits")
    engine.jobs.cancel("cancelled")
    engine.jobs.delete("deleted")
    assert {*index(store)} == {"due", "waits"}
    hands.make_due("due")
    hands.tick()
    assert {*index(store)} == {"waits"}
    assert hands.finish(hands.take(), Outcome(result="ok")) == "done"
    engine.jobs.send([job("retried", max_attempts=2, waits=(60.0,))])
    hands.finish(hands.take(), Outcome(error="no"))
    assert listed(engine, status="pending") == ["retried", "waits"]  # it came there with its attempt
    assert {*index(store)} == {"retried", "waits"}
    assert delays.reindex(store) == 0  # at their times, too


def test_a_store_of_the_version_before_is_answered_at_once(engine: Engine, store: Store) -> None:
    delayed(engine, *"abc")
    store.client.delete(keys.delayed("default"))
    assert listed(engine, status="pending") == [*"cba"]
    assert {*index(store)} == {*"abc"}


def test_what_others_have_delayed_or_taken_on_is_answered_rightly(engine: Engine, store: Store) -> None:
    delayed(engine, *"abcd")
    client: Any = store.client
    client.zrem(keys.scheduled("default"), "b")  # as RQ's tools delete a job
    client.delete(keys.job("b"))
    assert listed(engine, status="pending") == [*"dca"]
    client.zadd(keys.scheduled("default"), {"alien": 2e9})
    stamp = client.hget(keys.job("d"), "created_at")
    client.hset(
        keys.job("alien"), mapping={"status": "scheduled", "origin": "default", "created_at": stamp, "data": "x"}
    )
    assert sorted(listed(engine, 1, status="pending")) == ["a", "alien", "c", "d"]
    assert {*index(store)} == {"a", "alien", "c", "d"}


def test_an_entry_whose_job_is_delayed_no_more_is_passed_by(engine: Engine, store: Store) -> None:
    delayed(engine, *"abcd")
    page = engine.jobs.list("pending", limit=1)
    store.client.zrem(keys.scheduled("default"), "c")  # behind the list's back: the page before has asked the index
    assert [each.id for each in engine.jobs.list("pending", after=page.cursor)] == [*"ba"]


def _register(store: Store, name: str, **fields: Any) -> None:
    key = keys.worker(name)
    store.client.hset(key, mapping={"birth": "2026-01-01T00:00:00.000000Z", **fields})
    store.client.sadd(keys.queue_workers(queue_name(store.site, "default")), key)


@pytest.mark.parametrize("mark", [{}, {keys.OURS_MARK: 2}], ids=["RQ's own", "of the version before"])
def test_while_others_work_the_records_are_read(engine: Engine, store: Store, mark: dict[str, int]) -> None:
    delayed(engine, *"abc")
    _register(store, "other", **mark)
    client: Any = store.client
    client.hset(keys.job("a"), "started_at", "2199-01-01T00:00:00.000000Z")  # they have run it, and it waits again
    assert listed(engine, status="pending") == [*"acb"]
    look = delays.look_shared()
    assert scripts.run(store, *look)[2] == 1
    client.delete(keys.worker("other"))
    assert listed(engine, status="pending") == [*"acb"]  # the index is in doubt, and so compared, times and all
    assert delays.reindex(store) == 0
    assert client.hget(keys.DELAYED_LOOKED, "doubt") is None


def _look_through(store: Store) -> int:
    """Look as workers do, until all has been looked at; return how many entries were mended."""
    mended = 0
    for number in range(20):
        store.client.hset(keys.DELAYED_LOOKED, "at", int((store.time(0) - 1) * 1000))
        place, count, _ = scripts.run(store, *delays.look_shared())
        mended += count
        if place == b"" and number > 5:
            return mended
    raise AssertionError


def test_workers_bring_the_index_in_line_and_say_when_it_may_be_trusted(engine: Engine, store: Store) -> None:
    delayed(engine, *"abc")
    client: Any = store.client
    client.zadd(keys.delayed("default"), {"gone": 5.0, "a": 7.0})
    client.zrem(keys.delayed("default"), "b")
    _register(store, "stock")
    _look_through(store)
    assert client.hexists(keys.DELAYED_LOOKED, "doubt")
    assert {*index(store)} == {*"abc"}
    assert scripts.run(store, *delays.look_shared()) == []  # another worker has just looked
    client.delete(keys.worker("stock"))
    for _ in range(2):
        assert _look_through(store) == 0
    assert not client.hexists(keys.DELAYED_LOOKED, "doubt")
    client.hset(keys.DELAYED_LOOKED, "at", 1)  # none has looked for long
    scripts.run(store, *delays.look_shared())
    assert client.hexists(keys.DELAYED_LOOKED, "doubt")


def _work_as_the_version_before(store: Store) -> None:
    """Take one job on, run another that then waits again, tick, and leave: nobody is registered any more."""
    client: Any = store.client
    client.hset(keys.job("a"), "started_at", "2199-01-01T00:00:00.000000Z")
    now = int(store.time(0) * 1000)
    client.hset(keys.DELAYED_LOOKED, "at", now - 20_000)
    client.set(keys.TICKED, f"{now - 3_000} 0")


def test_a_worker_of_the_version_before_that_has_gone_leaves_no_wrong_list(engine: Engine, store: Store) -> None:
    delayed(engine, *"abc")
    _look_through(store)
    assert listed(engine, status="pending") == [*"cba"]
    _work_as_the_version_before(store)
    assert listed(engine, status="pending") == [*"acb"]
    again = commands(store, lambda: engine.jobs.list("pending"))
    assert not [each for each in again if each.startswith("ZSCAN")]  # all is compared once


def test_workers_see_that_those_of_the_version_before_have_been_there(engine: Engine, store: Store) -> None:
    delayed(engine, *"abc")
    _look_through(store)
    _work_as_the_version_before(store)
    scripts.run(store, *delays.look_shared())
    assert store.client.hexists(keys.DELAYED_LOOKED, "doubt")
    assert listed(engine, status="pending") == [*"acb"]


def test_the_first_look_is_in_doubt_since_others_may_have_been_there(engine: Engine, store: Store) -> None:
    delayed(engine, *"abc")
    store.client.hset(keys.job("a"), "started_at", "2199-01-01T00:00:00.000000Z")  # workers that are gone have run it
    scripts.run(store, *delays.look_shared())
    assert listed(engine, status="pending") == [*"acb"]


def test_garbage_in_records_keeps_no_job_from_a_list(engine: Engine, store: Store) -> None:
    delayed(engine, *"abcd")
    client: Any = store.client
    client.hset(keys.job("a"), "created_at", "never")
    client.hset(keys.job("b"), "created_at", "x" * 27)
    client.delete(keys.job("c"))
    client.set(keys.job("c"), "no hash")
    delays.reindex(store)
    assert sorted(listed(engine, 1, status="pending")) == [*"abcd"]
    client.delete(keys.delayed("default"))
    client.set(keys.delayed("default"), "planted")
    assert sorted(listed(engine, status="pending")) == [*"abcd"]


def test_a_store_that_takes_no_writes_is_read_as_before(engine: Engine, store: Store) -> None:
    delayed(engine, *"abc")
    client: Any = store.client
    client.delete(keys.delayed("default"))
    client.config_set("maxmemory", 1)
    try:
        assert listed(engine, status="pending") == [*"cba"]
    finally:
        client.config_set("maxmemory", 0)


def test_a_plain_job_leaves_nothing_there(engine: Engine, hands: Hands, store: Store) -> None:
    engine.jobs.send([job("a")])
    hands.finish(hands.take(), Outcome(result="ok"))
    assert not index(store)
    assert engine.jobs.get("a").status is JobStatus.COMPLETED
