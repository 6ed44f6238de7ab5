"""The moves between states: each atomic, fenced by a token, harmless when sent again, by the server's clock."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from typing import Any

import pytest

from liquid_background.job import Ending, Group, Job, JobStatus, LogEntry, LogStatus, Outcome, Priority
from liquid_background.jobs.log import entries
from liquid_background.jobs.queue import Queue, finishing, keys, moves
from liquid_background.jobs.queue.finishing import Running
from liquid_background.jobs.queue.moves import Batch
from liquid_background.jobs.queue.opening import Claimed
from liquid_background.jobs.queue.protocol import EndValues
from liquid_background.jobs.queue.results import MAX_VALUE
from liquid_background.jobs.store import Store
from liquid_background.settings import Settings
from tests.jobs.queue.hands import WORKER, Hands

Make = Callable[..., Job]


@pytest.fixture
def hands(store: Store, settings: Settings) -> Hands:
    return Hands(store, settings.model_copy(update={"retry_delays": (0.0,)}))


@pytest.fixture
def queue(hands: Hands) -> Queue:
    return Queue(hands.store, hands.settings)


def _log(store: Store) -> list[tuple[LogStatus | None, int, bool]]:
    return [(entry.status, entry.attempt, entry.final) for entry in entries(store.client)]


def _ids(batch: Batch) -> list[str]:
    return [job.id for job in batch.jobs]


def _left_behind(store: Store, job_id: str) -> None:
    """Nothing of a lease or of a running attempt is left."""
    assert store.client.zscore(keys.LEASES, job_id) is None
    assert not store.client.zrange(keys.started("default"), 0, -1)
    assert not store.client.exists(keys.executions(job_id))
    assert not any(store.client.hmget(keys.job(job_id), keys.TOKEN, keys.BEATEN, keys.CANCEL))


def test_a_job_is_claimed_started_and_finished(hands: Hands, queue: Queue, job: Make) -> None:
    queue.send([job(id="a")])
    running = hands.take()
    assert queue.get("a").status is JobStatus.RUNNING
    assert hands.finish(running, Outcome(result="hello", duration=7)) == "done"
    record = queue.get("a")
    assert (record.status, record.result, record.attempts) == (JobStatus.COMPLETED, "hello", 1)
    assert record.started_at is not None
    assert record.completed_at is not None
    assert _log(hands.store) == [(LogStatus.SUCCESS, 1, True)]
    _left_behind(hands.store, "a")


def test_high_comes_before_default_before_low_and_a_batch_holds_one_priority(
    hands: Hands, queue: Queue, job: Make
) -> None:
    for priority in (Priority.LOW, Priority.DEFAULT, Priority.HIGH):
        queue.send([job(id=f"{priority}{number}", priority=priority) for number in range(2)])
    assert [_ids(hands.claim(10)) for _ in range(3)] == [
        ["high0", "high1"],
        ["default0", "default1"],
        ["low0", "low1"],
    ]
    assert hands.claim(10).jobs == ()


def test_a_claim_counts_nothing_and_runs_again_after_its_lease(hands: Hands, queue: Queue, job: Make) -> None:
    queue.send([job(id="a"), job(id="b")])
    hands.claim(2)
    assert queue.get("a").status is JobStatus.PENDING
    assert [record.id for record in queue.list(status="pending")]
    hands.expire_leases()
    hands.tick()
    assert hands.store.client.zcard(keys.LEASES) == 0
    running = hands.take()
    assert (running.id in "ab", queue.get(running.id).attempts) == (True, 1)
    assert _log(hands.store) == []


def test_claims_given_back_stand_in_front_in_their_order(hands: Hands, queue: Queue, job: Make) -> None:
    queue.send([job(id=name) for name in "abcd"])
    batch = hands.claim(3)
    assert hands.call(moves.give_back(batch.token, batch.queue, ["b", "c"])) == 2
    assert hands.call(moves.give_back(batch.token, batch.queue, ["b", "c"])) == 0
    assert hands.store.client.lrange(keys.queue("default"), 0, -1) == [b"b", b"c", b"d"]


def test_a_step_sent_again_changes_nothing_more(hands: Hands, queue: Queue, job: Make) -> None:
    queue.send([job(id="a"), job(id="b")])
    first, second = hands.claim(2).jobs
    assert isinstance(first, Claimed)
    assert isinstance(second, Claimed)
    token = (hands.store.client.hget(keys.job("a"), keys.TOKEN) or b"").decode()
    one, two = (Running.of(each, token, "default") for each in (first, second))
    assert [hands.start(one), hands.start(one)] == [1, 1]
    made = job(id="made")
    outcome = Outcome(result="", jobs=(made,), entries=(LogEntry(message="hi", type="info"),))
    call = moves.step(WORKER, hands.settings, finishing.finish(one, outcome, hands.settings), two)
    assert hands.call(call) == [b"done", 1, 0]
    before = hands.store.client.dbsize(), len(entries(hands.store.client))
    assert hands.call(call) == [b"fenced", 1, 0]
    assert (hands.store.client.dbsize(), len(entries(hands.store.client))) == before
    assert queue.get("b").attempts == 1
    assert queue.get("made").status is JobStatus.PENDING
    assert hands.store.client.lrange(keys.queue("default"), 0, -1) == [b"made"]


def test_a_failure_is_retried_after_its_wait_and_then_final(hands: Hands, queue: Queue, job: Make) -> None:
    queue.send([job(id="a", max_attempts=3, waits=(0.0, 60.0))])
    made = Outcome(error="no", traceback="Traceback: no", jobs=(job(id="made"),))
    hands.finish(hands.take(), made)
    assert queue.get("a").error == "no"
    assert hands.store.client.lrange(keys.queue("default"), 0, -1) == [b"a"]
    hands.finish(hands.take(), made)
    due = hands.store.client.zscore(keys.scheduled("default"), "a") or 0
    assert 59 < due - hands.store.client.time()[0] < 61
    hands.make_due("a")
    hands.tick()
    hands.finish(hands.take(), made)
    assert queue.get("a").status is JobStatus.FAILED
    assert _log(hands.store) == [(LogStatus.FAILED, number, number == 3) for number in (1, 2, 3)]
    assert not hands.store.client.exists(keys.job("made"))
    _left_behind(hands.store, "a")


def test_a_failure_that_may_not_be_retried_is_final(hands: Hands, queue: Queue, job: Make) -> None:
    queue.send([job(id="a", max_attempts=3)])
    hands.finish(hands.take(), Outcome(error="no", retry=False))
    assert _log(hands.store) == [(LogStatus.FAILED, 1, True)]


def test_retry_by_hand_starts_a_new_run_at_attempt_1(hands: Hands, queue: Queue, job: Make) -> None:
    queue.send([job(id="a", max_attempts=2)])
    for _ in range(2):
        hands.finish(hands.take(), Outcome(error="no"))
    assert queue.retry("a").error is None
    hands.finish(hands.take(), Outcome(error="no"))
    hands.finish(hands.take(), Outcome(result="yes"))
    assert [entry[1:] for entry in _log(hands.store)] == [(1, False), (2, True), (1, False), (2, True)]
    assert queue.get("a").error is None


def test_a_new_run_s_record_does_not_expire_under_it(hands: Hands, queue: Queue, job: Make) -> None:
    queue.send([job(id="a")])
    hands.finish(hands.take(), Outcome(error="no"))
    # As `rq requeue` does it.
    hands.store.client.zrem(keys.failed("default"), "a")
    hands.store.client.hset(keys.job("a"), "status", "queued")
    hands.store.client.rpush(keys.queue("default"), "a")
    assert hands.store.client.ttl(keys.job("a")) > 0
    hands.take()
    assert hands.store.client.ttl(keys.job("a")) == -1
    assert queue.get("a").attempts == 1


def test_a_worker_that_lost_its_lease_is_fenced_off(hands: Hands, queue: Queue, job: Make) -> None:
    queue.send([job(id="a")])
    late = hands.take()
    hands.expire_leases()
    hands.tick()
    again = hands.take()
    assert hands.finish(late, Outcome(result="late", jobs=(job(id="made"),))) == "fenced"
    assert hands.finish(again, Outcome(result="again")) == "done"
    assert queue.get("a").result == "again"
    assert _log(hands.store) == [(LogStatus.LOST, 1, False), (LogStatus.SUCCESS, 1, True)]
    assert not hands.store.client.exists(keys.job("made"))


def test_attempts_of_lost_workers_count_but_never_the_last(hands: Hands, queue: Queue, job: Make) -> None:
    queue.send([job(id="a", max_attempts=2)])
    for attempt in (1, 2, 2):
        running = hands.take()
        assert queue.get("a").attempts == attempt
        hands.beat(running)
        assert hands.store.client.exists(keys.executions("a"), keys.worker_executions(WORKER)) == 2
        hands.expire_leases()
        hands.tick()
        _left_behind(hands.store, "a")
        assert not hands.store.client.exists(keys.worker_executions(WORKER))
    assert _log(hands.store) == [(LogStatus.LOST, attempt, False) for attempt in (1, 2, 2)]


def test_a_job_under_which_ten_workers_died_is_given_up(hands: Hands, queue: Queue, job: Make) -> None:
    queue.send([job(id="a")])
    for _ in range(10):
        hands.take()
        hands.expire_leases()
        hands.tick()
    assert queue.get("a").status is JobStatus.FAILED
    assert _log(hands.store)[-1] == (LogStatus.LOST, 1, True)


@pytest.mark.parametrize(("attempts", "runs"), [(1, 1), (2, 2), (5, 3)])
def test_a_job_whose_process_dies_uses_attempts_up_three_at_most(
    hands: Hands, queue: Queue, job: Make, attempts: int, runs: int
) -> None:
    queue.send([job(id="a", max_attempts=attempts)])
    for _ in range(runs):
        hands.finish(hands.take(), Outcome(error="killed by signal 9"), Ending.CRASHED)
    assert queue.get("a").status is JobStatus.FAILED
    assert _log(hands.store) == [(LogStatus.LOST, number, number == runs) for number in range(1, runs + 1)]


def test_a_job_taken_back_at_a_stop_burns_no_attempt(hands: Hands, queue: Queue, job: Make) -> None:
    queue.send([job(id="a")])
    hands.finish(hands.take(), Outcome(error="the worker stops"), Ending.BACK)
    assert hands.finish(hands.take(), Outcome(result="")) == "done"
    assert _log(hands.store) == [(LogStatus.LOST, 1, False), (LogStatus.SUCCESS, 1, True)]


def test_a_running_job_is_cancelled_at_the_next_beat(hands: Hands, queue: Queue, job: Make) -> None:
    queue.send([job(id="a", max_attempts=3)])
    running = hands.take()
    assert hands.beat(running) == b"unknown"
    assert queue.cancel("a").status is JobStatus.RUNNING
    assert hands.beat(running) == b"cancel"
    hands.finish(running, Outcome(error="cancelled"), Ending.CANCELLED)
    assert queue.get("a").status is JobStatus.CANCELLED
    assert _log(hands.store) == [(LogStatus.CANCELLED, 1, True)]
    _left_behind(hands.store, "a")


@pytest.mark.parametrize("end", [Outcome(error="no"), None])
def test_a_cancelled_running_job_is_not_tried_again(hands: Hands, queue: Queue, job: Make, end: Outcome | None) -> None:
    queue.send([job(id="a", max_attempts=3)])
    running = hands.take()
    queue.cancel("a")
    if end is None:
        hands.expire_leases()
        hands.tick()
    else:
        hands.finish(running, end)
    assert _log(hands.store) == [(LogStatus.CANCELLED, 1, True)]


def test_a_claimed_job_that_was_cancelled_does_not_start(hands: Hands, queue: Queue, job: Make) -> None:
    queue.send([job(id="a")])
    batch = hands.claim()
    queue.cancel("a")
    [claimed] = batch.jobs
    assert isinstance(claimed, Claimed)
    assert hands.start(Running.of(claimed, batch.token, batch.queue)) == 0
    assert _log(hands.store) == [(LogStatus.CANCELLED, 0, True)]


def test_a_beat_extends_the_lease_by_the_server_s_clock(hands: Hands, queue: Queue, job: Make) -> None:
    queue.send([job(id="a")])
    running = hands.take()
    hands.expire_leases()
    hands.beat(running)
    seconds, micros = hands.store.client.time()
    left = (hands.store.client.zscore(keys.LEASES, "a") or 0) - seconds * 1000 - micros / 1000
    assert 0 < left <= hands.settings.lease * 1000 + 1
    other = finishing.Running("a", "other", "default", "mail", "pages/x", 3, 1)
    assert hands.beat(other) == b"fenced"


def test_an_id_whose_record_is_gone_is_logged_not_skipped(hands: Hands, queue: Queue, job: Make) -> None:
    queue.send([job(id="gone"), job(id="here"), job(id="later", delay=1.0), job(id="running")])
    hands.store.client.delete(keys.job("gone"), keys.job("later"))
    hands.make_due("later")
    hands.tick()
    assert _ids(hands.claim(10)) == ["here", "running"]
    hands.store.client.delete(keys.job("running"))
    hands.expire_leases()
    hands.tick()
    lost = [entry for entry in entries(hands.store.client) if entry.status is LogStatus.LOST]
    assert sorted((entry.job_id, entry.final) for entry in lost) == [("gone", True), ("later", True), ("running", True)]
    assert {entry.source_name for entry in lost} == {""}  # nobody knows it


def test_due_jobs_are_promoted_in_due_order_and_never_early(hands: Hands, queue: Queue, job: Make) -> None:
    queue.send([job(id=name, delay=1.0) for name in ("a", "b", "c", "later")])
    hands.make_due("c", "a", "b")
    promoted, _, due, _ = hands.tick()
    assert promoted == 3
    assert 59_000 < due <= 60_000
    assert _ids(hands.claim(10)) == ["c", "a", "b"]
    assert hands.claim().due == pytest.approx(60, abs=1)


def test_a_claim_that_finds_nothing_drops_stale_wake_tokens(hands: Hands, queue: Queue, job: Make) -> None:
    queue.send([job(), job()])
    hands.claim(2)
    assert hands.store.client.llen(keys.wake("default")) == 2
    hands.claim(2)
    assert hands.store.client.llen(keys.wake("default")) == 0


def test_a_step_says_that_higher_work_waits(hands: Hands, queue: Queue, job: Make) -> None:
    queue.send([job(id="a", priority=Priority.LOW)])
    batch = hands.claim()
    [claimed] = batch.jobs
    assert isinstance(claimed, Claimed)
    queue.send([job(priority=Priority.HIGH)])
    running = Running.of(claimed, batch.token, batch.queue)
    assert hands.call(moves.step(WORKER, hands.settings, start=running, higher=["high", "default"])) == [b"", 1, 1]


def test_a_step_that_looks_at_higher_queues_ends_its_job_and_says_so(hands: Hands, queue: Queue, job: Make) -> None:
    queue.send([job(id="a"), job(id="b")])
    running = hands.take()
    queue.send([job(id="c", priority=Priority.HIGH)])
    done = finishing.finish(running, Outcome(result=""), hands.settings)
    step = moves.step(WORKER, hands.settings, done, higher=["alerts", "high"])
    assert hands.call(step) == [b"done", 0, 0]  # nothing is started, so nothing is said of what waits
    assert queue.get("a").status is JobStatus.COMPLETED


def test_a_claim_says_which_attempt_its_start_begins(hands: Hands, queue: Queue, job: Make) -> None:
    queue.send([job(id="a", max_attempts=2)])
    for attempt in (1, 2, 1, 2):
        batch = hands.claim()
        [claimed] = batch.jobs
        assert isinstance(claimed, Claimed)
        assert (claimed.attempt, claimed.max_attempts) == (attempt, 2)
        running = Running.of(claimed, batch.token, batch.queue)
        assert hands.start(running) == attempt
        hands.finish(running, Outcome(error="no"))
        if queue.get("a").status is JobStatus.FAILED:
            queue.retry("a")


def test_scripts_are_loaded_again_after_a_flush(hands: Hands, queue: Queue, job: Make) -> None:
    queue.send([job()])
    hands.store.client.script_flush()
    assert len(hands.claim().jobs) == 1


def test_jobs_that_an_attempt_made_and_that_cannot_be_sent_fail_it(hands: Hands, queue: Queue, job: Make) -> None:
    queue.send([job(id="a")])
    hands.finish(hands.take(), Outcome(result="", jobs=(job(id="b:c"),)))
    assert queue.get("a").status is JobStatus.FAILED
    assert "b:c" in (queue.get("a").error or "")


def test_an_id_that_is_not_queued_or_stands_there_twice_is_claimed_once(hands: Hands, queue: Queue, job: Make) -> None:
    queue.send([job(id="twice"), job(id="done"), job(id="running")])
    running = hands.claim(3)
    hands.call(moves.give_back(running.token, running.queue, ["twice", "done"]))
    hands.store.client.hset(keys.job("done"), "status", "canceled")
    hands.store.client.rpush(keys.queue("default"), "twice", "running")
    assert _ids(hands.claim(10)) == ["twice"]
    assert hands.store.client.llen(keys.queue("default")) == 0


def test_a_body_whose_start_was_never_heard_counts_by_its_end(hands: Hands, queue: Queue, job: Make) -> None:
    queue.send([job(id="a", max_attempts=2), job(id="b", max_attempts=2)])
    batch = hands.claim(2)
    [a, b] = [Running.of(each, batch.token, batch.queue) for each in batch.jobs if isinstance(each, Claimed)]
    assert hands.finish(a, Outcome(result="done")) == "done"
    assert hands.finish(b, Outcome(error="no")) == "done"
    assert queue.get("a").status is JobStatus.COMPLETED
    assert queue.get("b").attempts == 1
    assert sorted(_log(hands.store)) == [(LogStatus.FAILED, 1, False), (LogStatus.SUCCESS, 1, True)]


def test_a_body_whose_start_was_never_heard_counts_by_its_first_beat(hands: Hands, queue: Queue, job: Make) -> None:
    queue.send([job(id="a")])
    running = hands.hold()
    hands.beat(running)
    assert queue.get("a").status is JobStatus.RUNNING
    assert hands.start(running) == 1  # it was under way
    assert hands.finish(running, Outcome(result="")) == "done"
    assert _log(hands.store) == [(LogStatus.SUCCESS, 1, True)]


def test_a_first_beat_counts_after_the_attempts_before(hands: Hands, queue: Queue, job: Make) -> None:
    queue.send([job(id="a", max_attempts=3, waits=(0.0,))])
    hands.finish(hands.take(), Outcome(error="no"))
    hands.beat(hands.hold())
    assert queue.get("a").attempts == 2


@pytest.mark.parametrize("priority", Priority)
def test_a_job_is_cancelled_where_it_waits(hands: Hands, queue: Queue, job: Make, priority: Priority) -> None:
    queue.send([job(id="a", priority=priority)])
    queue.cancel("a")
    assert hands.store.client.llen(keys.queue(priority)) == 0
    assert hands.store.client.zscore(keys.canceled(priority), "a") is not None


def test_a_start_whose_process_dies_before_its_body_counts_in_the_end(hands: Hands, queue: Queue, job: Make) -> None:
    queue.send([job(id="a", max_attempts=2)])
    for _ in range(3):
        hands.finish(hands.take(), Outcome(error="killed, before it began"), Ending.UNBEGUN)
    assert queue.get("a").attempts == 1
    assert hands.finish(hands.take(), Outcome(result="")) == "done"
    assert [entry[:2] for entry in _log(hands.store)] == [(LogStatus.LOST, 1)] * 3 + [(LogStatus.SUCCESS, 2)]


def test_deaths_before_a_body_are_counted_anew_after_an_attempt(hands: Hands, queue: Queue, job: Make) -> None:
    queue.send([job(id="a", max_attempts=3)])
    for ending in (Ending.UNBEGUN, Ending.UNBEGUN, None, Ending.UNBEGUN, Ending.UNBEGUN):
        hands.finish(hands.take(), Outcome(error="no"), ending)
    assert queue.get("a").attempts == 1


def test_a_job_that_is_claimed_only_goes_back_when_its_process_died(hands: Hands, queue: Queue, job: Make) -> None:
    queue.send([job(id="a")])
    running = hands.hold()
    assert hands.finish(running, Outcome(error="killed"), Ending.UNBEGUN) == "back"
    assert hands.store.client.lrange(keys.queue("default"), 0, -1) == [b"a"]
    assert queue.get("a").attempts == 0
    assert _log(hands.store) == []


def _ticks(hands: Hands, last: int, **settings: Any) -> int:
    """Tick as a worker does that has ticked before; return what its next tick says of this one."""
    mine = hands.settings.model_copy(update=settings)
    at: int = hands.call(moves.tick(keys.QUEUES, mine, last=last))[3]
    return at


def test_a_worker_that_lived_through_a_gap_gives_leases_grace_once(hands: Hands, queue: Queue, job: Make) -> None:
    queue.send([job(id="a")])
    hands.take()
    last = _ticks(hands, 0)
    hands.store.client.zadd(keys.LEASES, {"a": 1})
    _ticks(hands, last - 4000)
    ends = hands.store.client.zscore(keys.LEASES, "a") or 0
    seconds, micros = hands.store.client.time()
    left = ends - seconds * 1000 - micros / 1000
    assert hands.settings.lease * 900 < left <= hands.settings.lease * 1000 + 1
    assert _log(hands.store) == []
    hands.expire_leases()  # nobody beat meanwhile
    _ticks(hands, last - 8000)
    assert _log(hands.store) == [(LogStatus.LOST, 1, False)]


def test_who_has_just_come_waits_for_those_who_live(hands: Hands, queue: Queue, job: Make) -> None:
    queue.send([job(id="a")])
    hands.take()
    hands.store.client.zadd(keys.LEASES, {"a": 1})
    _ticks(hands, 0)
    left = (hands.store.client.zscore(keys.LEASES, "a") or 0) - hands.store.client.time()[0] * 1000
    assert 0 < left <= 1600
    assert _log(hands.store) == []


@pytest.mark.parametrize("leases", [(30.0, 0.3, 3.0), (0.3, 30.0, 3.0)])
def test_workers_of_other_leases_take_no_grace_away(
    hands: Hands, queue: Queue, job: Make, leases: tuple[float, ...]
) -> None:
    queue.send([job(id="a")])
    hands.take()
    before = _ticks(hands, 0)
    hands.store.client.zadd(keys.LEASES, {"a": 1})
    for lease in leases:
        _ticks(hands, before - 4000, lease=lease)
    assert _log(hands.store) == []


def test_other_applications_jobs_hold_up_no_lower_queue(hands: Hands, queue: Queue, job: Make) -> None:
    client: Any = hands.store.client
    client.sadd(keys.queue_workers("high"), keys.worker("other"))
    client.hset(keys.worker("other"), mapping={"birth": "2026-01-01T00:00:00.000000Z"})
    for number in range(1500):
        client.hset(
            keys.job(f"f{number}"), mapping={"status": "queued", "origin": "high", "data": "x", keys.FOREIGN: 1}
        )
        client.rpush(keys.queue("high"), f"f{number}")
    queue.send([job(id="ours", priority=Priority.HIGH), job(id="lower")])
    claimed = [name for _ in range(3) for name in _ids(hands.claim(10))]
    assert sorted(claimed) == ["lower", "ours"]
    assert client.llen(keys.queue("high")) == 1500


@pytest.mark.parametrize("origin", [None, "nowhere"])
def test_a_record_without_its_queue_is_refused_and_can_be_seen(
    hands: Hands, queue: Queue, job: Make, origin: str | None
) -> None:
    queue.send([job(id="odd"), job(id="good")])
    if origin is None:
        hands.store.client.hdel(keys.job("odd"), "origin")
    else:
        hands.store.client.hset(keys.job("odd"), "origin", origin)
    batch = hands.claim(10)
    [refused] = [each for each in batch.jobs if isinstance(each, moves.Refused)]
    hands.call(moves.refuse(refused, batch, WORKER, hands.settings))
    assert hands.store.client.zscore(keys.failed("default"), "odd") is not None
    assert [entry.status for entry in entries(hands.store.client)] == [LogStatus.REFUSED]


def test_a_running_job_whose_queue_was_changed_goes_back_to_one_that_is_served(
    hands: Hands, queue: Queue, job: Make
) -> None:
    queue.send([job(id="a", max_attempts=2)])
    running = hands.take()
    hands.store.client.hset(keys.job("a"), "origin", "nowhere")
    hands.finish(running, Outcome(error="no"))
    assert hands.store.client.lrange(keys.queue("default"), 0, -1) == [b"a"]


def test_a_job_without_a_status_is_buried_where_it_is_found(hands: Hands, queue: Queue, job: Make) -> None:
    queue.send([job(id="a", priority=Priority.LOW)])
    hands.store.client.hdel(keys.job("a"), "status")
    assert _ids(hands.claim(10)) == []
    assert queue.get("a").status is JobStatus.FAILED
    assert "garbage" in (queue.get("a").error or "")
    assert hands.store.client.zscore(keys.failed("low"), "a") is not None


def test_lines_of_jobs_push_out_no_end(hands: Hands, queue: Queue, job: Make) -> None:
    hands.settings = hands.settings.model_copy(update={"log_limit": 400})
    lines = tuple(LogEntry(source_name="flood", message="x", type="info") for _ in range(1_000))
    for number in range(10):
        queue.send([job(id=f"quiet{number}"), job(id=f"loud{number}", source_name="flood")])
        assert hands.finish(hands.take(), Outcome(error="no", retry=False)) == "done"
        assert hands.finish(hands.take(), Outcome(entries=lines)) == "done"
    seen = entries(hands.store.client, limit=2_000)
    wanted = [(f"{kind}{number}") for number in range(10) for kind in ("quiet", "loud")]
    assert [entry.job_id for entry in seen if entry.status] == wanted


@pytest.mark.parametrize(("size", "kept"), [(MAX_VALUE, MAX_VALUE), (MAX_VALUE + 4, 12)])
def test_no_result_is_written_that_takes_more_than_any_may(
    hands: Hands, queue: Queue, job: Make, size: int, kept: int
) -> None:
    queue.send([job(id="a")])
    done = finishing.finish(hands.take(), Outcome(result=""), hands.settings)
    done.arguments[EndValues._fields.index("value")] = b64encode(b'"' + b"x" * (size // 4 * 3 - 2) + b'"')
    hands.call(moves.step(WORKER, hands.settings, done=done))
    [(_, fields)] = hands.store.client.xrange(keys.results("a"))
    assert len(fields[b"return_value"]) == kept
    assert queue.get("a").status is JobStatus.COMPLETED
    assert queue.get("a").result[-1] == ("x" if kept == size else "…")


# What the first of two attempts of a job `a` leaves: the job, what the log says, the attempts that count, what waits.
LEFT = {
    Ending.SUCCESS: (JobStatus.COMPLETED, LogStatus.SUCCESS, 1, [b"b"]),
    Ending.FAILED: (JobStatus.PENDING, LogStatus.FAILED, 1, [b"b", b"a"]),
    Ending.CRASHED: (JobStatus.PENDING, LogStatus.LOST, 1, [b"a", b"b"]),
    Ending.UNBEGUN: (JobStatus.PENDING, LogStatus.LOST, 0, [b"a", b"b"]),
    Ending.BACK: (JobStatus.PENDING, LogStatus.LOST, 0, [b"a", b"b"]),
    Ending.CANCELLED: (JobStatus.CANCELLED, LogStatus.CANCELLED, 1, [b"b"]),
}


@pytest.mark.parametrize("ending", Ending)
def test_each_ending_lets_go_of_all_and_puts_the_job_in_its_place(
    hands: Hands, queue: Queue, job: Make, ending: Ending
) -> None:
    status, said, attempts, waiting = LEFT[ending]
    queue.send([job(id="a", max_attempts=2, group=Group("g", 1)), job(id="b")])
    running = hands.take()
    hands.beat(running)
    assert hands.store.client.smembers(keys.slots("g")) == {b"a"}
    outcome = Outcome(result="x") if ending is Ending.SUCCESS else Outcome(error="no")
    assert hands.finish(running, outcome, ending) == "done"
    _left_behind(hands.store, "a")
    assert not hands.store.client.exists(keys.slots("g"), keys.worker_executions(WORKER))
    record = queue.get("a")
    assert (record.status, record.attempts) == (status, attempts)
    assert _log(hands.store) == [(said, 1, status.has_ended)]
    assert hands.store.client.lrange(keys.queue("default"), 0, -1) == waiting


@pytest.mark.parametrize("between", [Ending.FAILED, Ending.CRASHED])
def test_an_attempt_that_counts_forgives_the_starts_that_came_to_nothing(
    hands: Hands, queue: Queue, job: Make, between: Ending
) -> None:
    queue.send([job(id="a", max_attempts=5)])
    for ending in (Ending.UNBEGUN, Ending.UNBEGUN, between, Ending.UNBEGUN, Ending.UNBEGUN):
        hands.finish(hands.take(), Outcome(error="no"), ending)
    assert queue.get("a").attempts == 1
    hands.finish(hands.take(), Outcome(error="no"), Ending.UNBEGUN)
    assert queue.get("a").attempts == 2
