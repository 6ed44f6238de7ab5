"""Who serves the queues, what waits in them and for how long."""

from __future__ import annotations

from typing import Any

from liquid_background.job import Job
from liquid_background.jobs.queue import Queue, keys, moves, scripts
from liquid_background.jobs.queue.bounds import Bounds, bound_verdicts
from liquid_background.jobs.queue.moves import Registration
from liquid_background.jobs.queue.serving import Serving, serving, serving_verdicts
from liquid_background.jobs.store import Store, asked
from liquid_background.settings import Settings


def _seen(store: Store, **given: Any) -> Serving:
    with asked(store) as ask:
        return serving(ask, **given)


def _send(store: Store, settings: Settings, priority: str, **fields: Any) -> str:
    job = Job(source_name="x", template="pages/x", line=1, priority=priority, source="", **fields)
    Queue(store, settings).send([job])
    return job.id


def _register(store: Store, settings: Settings, *queues: str) -> None:
    worker = Registration(name=f"w.{'-'.join(queues)}", pid=1, host="h", address="", queues=queues)
    name, arguments = moves.register(worker, settings)
    scripts.run(store, name, arguments)


def test_nothing_waits_and_nobody_serves(store: Store) -> None:
    seen = _seen(store)
    assert (seen.workers, seen.waiting, seen.later, seen.oldest) == (0, 0, 0, None)
    assert serving_verdicts(seen) == []


def test_jobs_without_any_worker_are_told(store: Store, settings: Settings) -> None:
    _send(store, settings, "high")
    _send(store, settings, "low", delay=10.0)
    seen = _seen(store)
    assert (seen.waiting, seen.later) == (1, 1)
    assert seen.oldest is not None
    assert 0 <= seen.oldest < 60
    assert list(map(str, serving_verdicts(seen))) == [
        "2 jobs waiting, no worker running: start one: poscli worker",
    ]


def test_a_queue_that_no_worker_serves_is_named_with_its_jobs(store: Store, settings: Settings) -> None:
    _send(store, settings, "high")
    due = _send(store, settings, "default", delay=10.0)
    _send(store, settings, "low")
    _register(store, settings, "low")
    assert _seen(store).unserved == {"high": 1}
    store.client.zadd(keys.scheduled("default"), {due: store.time(0) - 100})  # it is due
    seen = _seen(store)
    assert seen.unserved == {"high": 1, "default": 1}
    assert seen.oldest is not None
    assert 99 < seen.oldest < 160, "a delayed job waits since it was due"
    (verdict,) = serving_verdicts(seen)
    assert verdict.found == "2 jobs waiting in high and default, which no running worker serves"
    assert verdict.remedy == "start one that does: poscli worker --queues high,default"
    assert serving_verdicts(_seen(store, soon=["high", "default"])) == []


def test_a_worker_that_died_without_a_word_serves_nothing(store: Store, settings: Settings) -> None:
    _send(store, settings, "high")
    store.client.sadd(keys.RQ_WORKERS, keys.worker("dead"))
    seen = _seen(store)
    assert seen.workers == 0
    assert seen.unserved == {"high": 1}


def test_a_worker_of_another_application_is_none_of_ours(store: Store, settings: Settings) -> None:
    _send(store, settings, "high")
    _register(store, settings, "emails")
    seen = _seen(store)
    assert (seen.workers, seen.unserved) == (0, {"high": 1})


def test_times_that_are_none_are_no_ages(store: Store) -> None:
    for score in ("-inf", -1e300, "1e3"):
        store.client.flushall()
        store.client.zadd(keys.scheduled("high"), {"x": score})
        seen = _seen(store)
        assert seen.oldest is not None
        assert 0 <= seen.oldest < 1e11


def test_garbage_under_our_names_is_no_error(store: Store) -> None:
    store.client.set(keys.queue("high"), "x")
    store.client.rpush(keys.queue("low"), "no-record")
    store.client.set(keys.worker("w"), "x")
    store.client.sadd(keys.RQ_WORKERS, keys.worker("w"))
    store.client.zadd(keys.scheduled("default"), {b"\xff": 1e300})
    seen = _seen(store)
    assert (seen.workers, seen.waiting, seen.later) == (0, 1, 1)
    assert seen.oldest is None


def test_what_is_within_the_bounds_is_no_verdict() -> None:
    seen = Serving(workers=2, is_attended=True, unserved={}, waiting=1, later=0, oldest=299.0)
    assert bound_verdicts(seen, 10, Bounds()) == []
    verdicts = bound_verdicts(seen, 11, Bounds(max_oldest=298, min_workers=3))
    assert [verdict.name for verdict in verdicts] == ["workers", "oldest", "failures"]
