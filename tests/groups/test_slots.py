"""Groups, one move at a time: who gets a slot, who is parked, and how slots come back."""

from __future__ import annotations

from rq.registry import DeferredJobRegistry

from liquid_background.job import JobStatus
from liquid_background.jobs.queue import keys, moves
from liquid_background.jobs.queue.finishing import Running
from tests.groups.conftest import Worker


def _ids(jobs: list[Running]) -> list[str]:
    return [job.id for job in jobs]


def test_no_more_jobs_of_a_group_are_claimed_than_it_allows(worker: Worker) -> None:
    worker.send("a", "b", "c", "d", most=2)
    worker.send("other", group="h")
    assert _ids(worker.start()) == ["a", "b", "other"]
    assert not worker.claim().jobs
    assert worker.slots() == {"a", "b"}


def test_parked_jobs_are_pending_listed_counted_and_seen_by_rq(worker: Worker) -> None:
    worker.send("a", "b", "c")
    worker.start()
    assert worker.queue.get("b").status is JobStatus.PENDING
    assert {job.id for job in worker.queue.list("pending")} == {"b", "c"}
    assert worker.queue.counts()[1].queued == 2
    assert keys.deferred("default") == DeferredJobRegistry.key_template.format("default")


def test_a_finish_gives_the_slot_to_the_oldest_that_is_parked(worker: Worker) -> None:
    worker.send("a", "b", "c")
    [first] = worker.start()
    assert worker.finish(first) == "done"
    assert worker.slots() == {"b"}
    assert _ids(worker.start()) == ["b"]
    assert not worker.claim().jobs


def test_the_slot_of_a_job_that_fails_is_free_while_it_waits_for_its_retry(worker: Worker) -> None:
    worker.send("a", "b", max_attempts=3, waits=(60.0, 60.0))
    [first] = worker.start()
    worker.finish(first, result=None, error="no")
    assert _ids(worker.start()) == ["b"]
    assert worker.queue.get("a").status is JobStatus.PENDING


def test_the_slot_of_a_worker_that_died_is_freed_once(worker: Worker) -> None:
    worker.send("a", "b", "c")
    [dead] = worker.start()
    worker.expire_leases()
    worker.tick()
    assert worker.slots() == {"b"}  # given on when `a` was reaped
    [running] = worker.start()
    assert running.id == "b"
    assert worker.finish(dead) == "fenced"  # the late one frees nothing
    assert worker.slots() == {"b"}
    assert not worker.claim().jobs
    worker.finish(running)
    seen = []
    while started := worker.start():
        seen += _ids(started)
        worker.finish(started[0])
    assert sorted(seen) == ["a", "c"]
    assert worker.slots() == set()
    assert worker.store.client.scard(keys.GROUPS) == 0


def test_an_unstarted_claim_that_expires_or_goes_back_frees_its_slot(worker: Worker) -> None:
    worker.send("a", "b")
    batch = worker.claim()
    worker.call(moves.give_back(batch.token, batch.queue, ["a"]))
    worker.claim()
    worker.expire_leases()
    worker.tick()
    done = []
    while started := worker.start():
        done += _ids(started)
        worker.finish(started[0])
    assert sorted(done) == ["a", "b"]


def test_cancelling_moves_the_group_on(worker: Worker) -> None:
    worker.send("a", "b", "c", "d")
    [first] = worker.start()
    worker.queue.cancel("b")  # parked
    worker.finish(first)
    assert worker.slots() == {"c"}
    worker.queue.cancel("c")  # has a slot, and waits to be claimed
    assert _ids(worker.start()) == ["d"]
    assert worker.store.client.zcard(keys.deferred("default")) == 0


def test_a_burst_waits_for_parked_jobs_only_while_there_are_any(worker: Worker) -> None:
    worker.send("a", "b")
    [first] = worker.start()
    assert worker.call(moves.remaining(keys.QUEUES)) == 1
    worker.queue.cancel("b")
    worker.finish(first)
    assert worker.call(moves.remaining(keys.QUEUES)) == 0


def test_higher_priorities_get_free_slots_first(worker: Worker) -> None:
    worker.send("a")
    worker.send("low", priority="low")
    worker.send("high", priority="high")
    [first] = worker.start()
    assert first.id == "high"
    worker.claim()  # parks the others
    worker.finish(first)
    assert worker.slots() == {"a"}


def test_a_low_job_that_waits_with_a_slot_gives_way_to_a_higher_one(worker: Worker) -> None:
    worker.send("one", "low", priority="low")
    [first] = worker.start()
    worker.finish(first)
    assert worker.slots() == {"low"}  # but other work goes first, for as long as there is any
    worker.send("high", priority="high")
    assert _ids(worker.start()) == ["high"]
    assert not worker.claim().jobs
    assert worker.slots() == {"high"}


def test_a_slot_whose_record_was_deleted_comes_back(worker: Worker) -> None:
    worker.send("a", "b")
    worker.start()
    worker.claim()
    worker.store.client.delete(keys.job("a"))
    worker.tick(trim=True)
    assert _ids(worker.start()) == ["b"]


def test_a_parked_job_whose_record_was_deleted_is_passed_over(worker: Worker) -> None:
    worker.send("a", "b", "c")
    [first] = worker.start()
    worker.store.client.delete(keys.job("b"))
    worker.finish(first)
    assert _ids(worker.start()) == ["c"]


def test_a_claim_parks_a_bounded_number_and_comes_back_at_once(worker: Worker) -> None:
    worker.send(*(f"j{number}" for number in range(500)))
    worker.send("other", group="h")
    worker.start(1)
    batch = worker.claim()
    assert not batch.jobs
    assert batch.due == 0
    claims = 1
    while not (started := worker.start()):
        claims += 1
    assert _ids(started) == ["other"]
    assert claims <= 3
