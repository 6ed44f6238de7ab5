"""A cancel in a long queue leaves the id behind: nothing runs twice or is lost, and the counts are right."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Any

import pytest

from liquid_background.job import Group, Job, Outcome
from liquid_background.jobs.log import entries
from liquid_background.jobs.queue import Queue, keys, moves
from liquid_background.jobs.queue.overview import overview
from liquid_background.jobs.queue.serving import serving
from liquid_background.jobs.queue.waiting import groups
from liquid_background.jobs.store import Store, asked
from liquid_background.settings import Settings
from tests.campaigns import fuzz, seeds
from tests.jobs.queue.hands import Hands

LONG = 1_100  # more than a cancel searches
BEHIND = keys.behind("default")
FILL = """
for number = 0, ARGV[1] - 1 do
    redis.call("HSET", KEYS[2] .. number, "status", "queued", "origin", "default",
        "created_at", "2026-01-01T00:00:00.000000Z")
    redis.call("RPUSH", KEYS[1], "m" .. number)
end
"""


@pytest.fixture
def hands(store: Store, settings: Settings) -> Hands:
    return Hands(store, settings)


@pytest.fixture
def long(queue: Queue, job: Callable[..., Job]) -> list[str]:
    jobs = [job(id=f"j{number:04}") for number in range(LONG)]
    queue.send(jobs)
    return [each.id for each in jobs]


def _waiting(queue: Queue) -> tuple[int, int]:
    """Return how many jobs wait, as the counts and as a probe say."""
    with asked(queue.store) as ask:
        return queue.counts()[1].queued, serving(ask).waiting


def _drain(hands: Hands) -> list[str]:
    """Run all that waits; return the ids."""
    ran = []
    while jobs := hands.claim(64).jobs:
        for job in jobs:
            assert not isinstance(job, moves.Refused), job
            ran.append(job.id)
        hands.store.client.delete(keys.LEASES)
        for job in jobs:
            hands.store.client.hset(keys.job(job.id), "status", "finished")  # type: ignore[arg-type]
    return ran


def test_a_cancel_searches_no_long_queue_and_the_counts_are_right(
    queue: Queue, long: list[str], hands: Hands, store: Store
) -> None:
    for job_id in long[100:300]:
        queue.cancel(job_id)
    assert store.client.llen(keys.queue("default")) == LONG
    assert _waiting(queue) == (LONG - 200, LONG - 200)
    assert queue.count(status="pending") == queue.count(status="pending", queue="default") == LONG - 200
    assert queue.list("pending", limit=1).total == LONG - 200
    assert _drain(hands) == [*long[:100], *long[300:]]
    assert _waiting(queue) == (0, 0)
    assert not store.client.exists(BEHIND)
    said = [entry for entry in entries(store.client, limit=1000) if entry.status != "CANCELLED"]
    assert said == []


def test_one_in_a_short_queue_is_taken_out(queue: Queue, job: Callable[..., Job], store: Store) -> None:
    queue.send([job(id="a"), job(id="b")])
    queue.cancel("a")
    assert store.client.lrange(keys.queue("default"), 0, -1) == [b"b"]
    assert not store.client.exists(BEHIND)


def test_one_that_is_retried_runs_once_and_is_not_lost(
    queue: Queue, long: list[str], hands: Hands, store: Store
) -> None:
    for job_id in (long[500], long[600], long[700]):
        queue.cancel(job_id)
        queue.retry(job_id)
    queue.cancel(long[600])
    queue.cancel(long[700])
    queue.retry(long[700])
    assert _waiting(queue) == (LONG - 1, LONG - 1)
    ran = _drain(hands)
    assert sorted(ran) == [each for each in long if each != long[600]]
    assert _waiting(queue) == (0, 0)
    assert not store.client.exists(BEHIND)


def test_a_retried_one_whose_old_id_was_taken_away_by_other_tools_is_not_lost(
    queue: Queue, long: list[str], hands: Hands, store: Store
) -> None:
    queue.cancel(long[500])
    store.client.lrem(keys.queue("default"), 1, long[500])
    queue.retry(long[500])
    queue.cancel(long[501])  # which drops what stays behind at the front
    assert long[500] in _drain(hands)
    assert not store.client.exists(BEHIND)


def test_one_that_is_deleted_is_no_lost_job(queue: Queue, long: list[str], hands: Hands, store: Store) -> None:
    queue.cancel(long[500])
    store.client.delete(keys.job(long[500]))
    assert len(_drain(hands)) == LONG - 1
    assert [entry.status for entry in entries(store.client)] == ["CANCELLED"]


def test_a_claimed_one_leaves_nothing_behind(queue: Queue, long: list[str], hands: Hands, store: Store) -> None:
    held = hands.hold()
    queue.cancel(held.id)
    assert held.id == long[0]
    assert not store.client.exists(BEHIND)
    assert _waiting(queue) == (LONG - 1, LONG - 1)


def test_the_oldest_that_waits_is_no_cancelled_one(queue: Queue, long: list[str], store: Store) -> None:
    store.client.hset(keys.job(long[0]), "enqueued_at", "2001-01-01T00:00:00.000000Z")
    queue.cancel(long[1])
    queue.cancel(long[0])
    assert store.client.lindex(keys.queue("default"), 0) == long[2].encode()
    assert _waiting(queue) == (LONG - 2, LONG - 2)
    oldest = overview(store, queue.counts()).oldest["default"]
    assert oldest is not None
    assert oldest.year > 2001


def test_jobs_that_wait_for_their_group_are_left_behind_likewise(
    queue: Queue, job: Callable[..., Job], hands: Hands, store: Store
) -> None:
    ids = [f"g{number:04}" for number in range(LONG + 1)]
    queue.send([job(id=each, group=Group("crm", 1)) for each in ids])
    running = hands.take()
    for _ in range(20):
        hands.claim(1)
    parked = keys.parked("crm", "default")
    assert store.client.llen(parked) == LONG
    for job_id in ids[2:1002]:
        queue.cancel(job_id)
    assert store.client.llen(parked) == LONG
    assert queue.counts()[1].queued == LONG - 1000
    assert [(each.holding, each.waiting) for each in groups(store)] == [(1, LONG - 1000)]
    hands.finish(running, Outcome(result="x"))
    after = hands.take()
    assert after.id == ids[1]
    hands.finish(after, Outcome(result="x"))
    for _ in range(5):
        hands.call(moves.tick(keys.QUEUES, hands.settings, trim=True))
    assert hands.hold().id == ids[1002]
    assert [each.waiting for each in groups(store)] == [LONG - 1002]
    assert not store.client.exists(keys.behind("crm:default"))


@pytest.mark.parametrize("mark", [{}, {keys.OURS_MARK: "1"}, {keys.OURS_MARK: "x"}])
def test_where_other_workers_serve_a_queue_ids_are_taken_out(
    queue: Queue, long: list[str], store: Store, mark: dict[str, str]
) -> None:
    client: Any = store.client
    client.hset(keys.worker("theirs"), mapping={"birth": "2026-01-01T00:00:00.000000Z", "queues": "default", **mark})
    client.sadd(keys.queue_workers("default"), keys.worker("theirs"))
    queue.cancel(long[500])
    assert client.llen(keys.queue("default")) == LONG - 1


def test_a_queue_that_other_tools_emptied_is_counted_anew(
    queue: Queue, long: list[str], store: Store, job: Callable[..., Job]
) -> None:
    for job_id in long[500:600]:
        queue.cancel(job_id)
    store.client.delete(keys.queue("default"))
    queue.send([job(id="new")])
    assert _waiting(queue) == (1, 1)


def test_ids_that_others_took_away_are_counted_out_bit_by_bit(
    queue: Queue, long: list[str], hands: Hands, store: Store
) -> None:
    for job_id in long[500:520]:
        queue.cancel(job_id)
    for job_id in long[500:518]:  # as a worker of the version before does, and RQ's own tools
        store.client.lrem(keys.queue("default"), 1, job_id)
    for _ in range(3):
        hands.call(moves.tick(keys.QUEUES, hands.settings, trim=True))
    assert _waiting(queue) == (LONG - 20, LONG - 20)
    assert store.client.zcard(BEHIND) == 2


def test_planted_hashes_cost_only_themselves(queue: Queue, long: list[str], hands: Hands, store: Store) -> None:
    store.client.set(BEHIND, "planted")
    assert _waiting(queue) == (LONG, LONG)
    queue.cancel(long[500])
    assert _waiting(queue) == (LONG - 1, LONG - 1)
    store.client.zadd(BEHIND, {f"x{number}": number for number in range(2 * LONG)})
    assert _waiting(queue) == (0, 0)
    assert len(_drain(hands)) == LONG - 1
    assert not store.client.exists(BEHIND)


def test_two_hundred_thousand_are_cancelled_in_seconds(queue: Queue, job: Callable[..., Job], store: Store) -> None:
    many = 50_000
    store.client.eval(FILL, 2, keys.queue("default"), keys.job("m"), many)  # type: ignore[no-untyped-call]
    began = time.monotonic()
    for number in range(many - 200, many):
        queue.cancel(f"m{number}")
    assert time.monotonic() - began < 3
    assert queue.counts()[1].queued == many - 200


@fuzz
@pytest.mark.parametrize("seed", seeds(3))
def test_whatever_comes_in_between_each_job_runs_as_often_as_it_should(
    seed: int, queue: Queue, long: list[str], hands: Hands, store: Store
) -> None:
    draw = random.Random(seed)
    mine, state, ran = draw.sample(long, 60), {}, dict.fromkeys(long, 0)
    for _ in range(300):
        job_id = draw.choice(mine)
        match draw.choice(["cancel", "cancel", "retry", "retry", "run", "back"]):
            case "cancel" if state.get(job_id, "waits") == "waits":
                queue.cancel(job_id)
                state[job_id] = "cancelled"
            case "retry" if state.get(job_id) == "cancelled":
                queue.retry(job_id)
                state[job_id] = "waits"
            case "run":
                running = hands.take()
                hands.finish(running, Outcome(result="x"))
                ran[running.id] += 1
                state[running.id] = "done"
            case "back":
                batch = hands.claim(3)
                hands.call(moves.give_back(batch.token, batch.queue, [job.id for job in batch.jobs]))
            case _:
                pass
        waits = sum(state.get(each, "waits") == "waits" for each in long)
        assert queue.counts()[1].queued == waits
    for job_id in _drain(hands):
        ran[job_id] += 1
        assert state.get(job_id, "waits") == "waits"
    assert ran == {each: int(state.get(each, "waits") != "cancelled") for each in long}
    assert not store.client.exists(BEHIND)
