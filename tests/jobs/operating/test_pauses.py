"""What is paused waits, in its order and counted; what is resumed goes on before others. One move at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import pytest
from redis import Redis
from rq.registry import DeferredJobRegistry
from rq.suspension import resume as resume_rq
from rq.suspension import suspend as suspend_rq

from liquid_background import Engine
from liquid_background.errors import PauseError
from liquid_background.job import Group, Job, JobStatus, LogEntry, Outcome, Priority
from liquid_background.jobs.operating.pauses import Queues
from liquid_background.jobs.queue import Queue, keys, moves
from liquid_background.jobs.queue.finishing import Running
from liquid_background.jobs.queue.moves import Batch
from liquid_background.jobs.queue.opening import Claimed
from liquid_background.jobs.queue.pausing import PauseKind
from liquid_background.jobs.queue.waiting import waiting
from liquid_background.jobs.store import Store, connect
from liquid_background.jobs.store.refusals import acl_keys
from liquid_background.settings import Settings, load_settings
from liquid_background.threads import Threads
from tests.jobs.queue.hands import WORKER, Hands


@pytest.fixture
def hands(store: Store, settings: Settings) -> Hands:
    return Hands(store, settings.model_copy(update={"retry_delays": (0.0,)}))


@pytest.fixture
def queue(hands: Hands) -> Queue:
    return Queue(hands.store, hands.settings)


@pytest.fixture
def queues(queue: Queue) -> Queues:
    return Queues(lambda: queue, Threads())


@pytest.fixture
def send(queue: Queue) -> Callable[..., None]:
    def send(*ids: str, name: str = "mail", **fields: Any) -> None:
        blank = {"template": "pages/x", "line": 3, "source": "hi"}
        queue.send([Job(**blank, id=each, source_name=name, **fields) for each in ids])

    return send


def _ids(batch: Batch) -> list[str]:
    return [job.id for job in batch.jobs]


def _claimed(hands: Hands, most: int = 100) -> list[str]:
    """Claim all there is to claim, and return the ids in their order."""
    ids: list[str] = []
    while True:
        batch = hands.claim(most)
        if not batch.jobs and batch.due != 0:
            return ids
        ids += _ids(batch)


def _running(batch: Batch) -> list[Running]:
    return [Running.of(job, batch.token, batch.queue) for job in batch.jobs if isinstance(job, Claimed)]


def test_a_paused_queue_is_passed_over_and_goes_on_in_its_order(
    hands: Hands, queues: Queues, send: Callable[..., None]
) -> None:
    send("a", "b", "c", priority=Priority.HIGH)
    send("low", priority=Priority.LOW)
    queues.pause(queue="high", by="ada@web", reason="upgrade")
    assert _claimed(hands) == ["low"]
    assert queues.counts()[0].queued == 3
    assert queues.resume(queue="high") is not None
    assert _claimed(hands) == ["a", "b", "c"]


@pytest.mark.parametrize("pause", ["sync_crm", "sync_*"])
def test_a_paused_name_waits_while_others_go_on(
    hands: Hands, queues: Queues, send: Callable[..., None], queue: Queue, pause: str
) -> None:
    for number in range(4):
        send(f"s{number}", name="sync_crm")
        send(f"m{number}", name="sync" if pause.endswith("*") else "sync_crm_2")
    queues.pause(source_name=pause)
    assert _claimed(hands) == ["m0", "m1", "m2", "m3"]
    send("s4", name="sync_crm")
    send("s5", name="sync_crm", priority=Priority.HIGH)
    assert _claimed(hands) == []
    assert queue.get("s0").status is JobStatus.PENDING
    assert {job.id for job in queue.list("pending", "sync_crm")} == {f"s{number}" for number in range(6)}
    assert [count.queued for count in queue.counts()] == [1, 5, 0]
    assert hands.store.client.zcard(DeferredJobRegistry.key_template.format("default")) == 5
    assert queues.held(queues.paused()) == [6]
    send("new", name="mail")
    queues.resume(source_name=pause)
    assert _claimed(hands) == ["s5", "s0", "s1", "s2", "s3", "s4", "new"]
    assert not hands.store.client.exists(keys.HELD, keys.PAUSES)
    assert hands.store.client.zcard(keys.deferred("default")) == 0


def test_a_paused_group_waits_and_holds_no_slot(hands: Hands, queues: Queues, send: Callable[..., None]) -> None:
    crm = Group("crm", 2)
    send("a", "b", "c", group=crm)
    queues.pause(group="crm")
    assert _claimed(hands) == []
    assert not hands.store.client.exists(keys.slots("crm"))
    assert queues.held(queues.paused()) == [3]
    queues.resume(group="crm")
    batch = hands.claim(10)
    assert _ids(batch) == ["a", "b"]
    [first, _] = [job for job in _running(batch) if hands.start(job)]
    hands.finish(first, Outcome(result=""))
    assert _claimed(hands) == ["c"]


def test_a_paused_name_of_a_group_leaves_the_slots_to_the_others(
    hands: Hands, queues: Queues, send: Callable[..., None]
) -> None:
    crm = Group("crm", 1)
    send("first", name="other", group=crm)
    [running] = _running(hands.claim())
    hands.start(running)
    send("a", name="sync", group=crm)
    send("b", name="other", group=crm)
    assert _claimed(hands) == []  # both are parked in their group
    queues.pause(source_name="sync")
    hands.finish(running, Outcome(result=""))
    first = hands.claim(10)
    assert (first.jobs, first.due) == ((), 0)  # the slot went on: there is more to claim
    [running] = _running(hands.claim(10))
    assert running.id == "b"
    assert hands.store.client.smembers(keys.slots("crm")) == {b"b"}
    hands.start(running)
    hands.finish(running, Outcome(result=""))
    queues.resume(source_name="sync")
    assert _claimed(hands) == ["a"]


def test_a_job_with_a_slot_in_a_paused_queue_gives_way(hands: Hands, queues: Queues, send: Callable[..., None]) -> None:
    crm = Group("crm", 1)
    send("one", "two", priority=Priority.HIGH, group=crm)
    [first] = _running(hands.claim())
    hands.start(first)
    assert _claimed(hands) == []
    hands.finish(first, Outcome(result=""))
    assert hands.store.client.smembers(keys.slots("crm")) == {b"two"}
    queues.pause(queue="high")
    send("low", priority=Priority.LOW, group=crm)
    assert _claimed(hands) == ["low"]


def test_jobs_that_were_claimed_before_are_not_started_and_count_no_attempt(
    hands: Hands, queues: Queues, send: Callable[..., None], queue: Queue
) -> None:
    for number in range(32):
        send(f"s{number:02}", name="sync")
        send(f"m{number:02}")
    batch = hands.claim(64)
    claimed = _running(batch)
    assert len(claimed) == 64
    hands.start(claimed[0])
    queues.pause(source_name="sync")
    assert [hands.start(job) for job in claimed[1:5]] == [1, -1, 1, -1]
    assert hands.start(claimed[0]) == 1  # it runs, and goes on
    assert queue.get("s01").status is JobStatus.PENDING
    assert hands.call(moves.give_back(batch.token, batch.queue, [job.id for job in claimed[1:]])) == 61
    send("late", name="sync")
    rest = [f"m{number:02}" for number in range(2, 32)]
    assert _claimed(hands) == rest
    queues.resume(source_name="sync")
    assert _claimed(hands) == [*(f"s{number:02}" for number in range(1, 32)), "late"]
    assert {queue.get(f"s{number:02}").attempts for number in range(1, 32)} == {0}


@pytest.mark.parametrize(
    "target", [{"queue": "default"}, {"source_name": "mail"}, {"source_name": "ma*"}, {"group": "g"}]
)
def test_what_is_given_back_stands_before_what_was_put_by_meanwhile(
    hands: Hands, queues: Queues, send: Callable[..., None], target: dict[str, str]
) -> None:
    group = Group("g", 100)
    send(*"abc", group=group)
    batch = hands.claim(3)
    queues.pause(**target)
    send(*"de", group=group)
    assert _claimed(hands) == []
    hands.call(moves.give_back(batch.token, batch.queue, ["b", "c"]))
    hands.expire_leases()
    hands.tick()  # `a` was lost with its claim
    queues.resume(**target)
    assert _claimed(hands) == list("abcde")


def test_a_job_in_several_pauses_waits_for_all_in_its_order(
    hands: Hands, queues: Queues, send: Callable[..., None]
) -> None:
    queues.pause(source_name="sync_*")
    send("x1", name="sync_a")
    assert _claimed(hands) == []
    queues.pause(source_name="sync_b")
    send("x2", name="sync_b")
    send("x3", name="sync_a")
    assert _claimed(hands) == []
    queues.pause(queue="default")
    queues.resume(source_name="sync_b")
    assert _claimed(hands) == []
    queues.resume(queue="default")
    assert _claimed(hands) == []
    queues.resume(source_name="sync_*")
    assert _claimed(hands) == ["x1", "x2", "x3"]


def test_two_pauses_that_end_together_give_back_in_one_order(
    hands: Hands, queues: Queues, send: Callable[..., None]
) -> None:
    queues.pause(source_name="a")
    queues.pause(source_name="b")
    for number in range(6):
        send(f"j{number}", name="ab"[number % 2])
    assert _claimed(hands) == []
    queues.resume(source_name="b")
    queues.resume(source_name="a")
    assert _claimed(hands, most=2) == [f"j{number}" for number in range(6)]


def test_a_pause_that_comes_while_jobs_go_on_takes_the_rest_of_them(
    hands: Hands, queues: Queues, send: Callable[..., None]
) -> None:
    ids = [f"j{number:03}" for number in range(300)]
    send(*ids)
    queues.pause(source_name="mail")
    assert _claimed(hands) == []
    queues.resume(source_name="mail")
    begun = [*_ids(hands.claim(50)), *_ids(hands.claim(50))]
    queues.pause(source_name="mail")
    assert _claimed(hands) == []
    queues.resume(source_name="mail")
    assert begun + _claimed(hands, most=64) == ids


def test_delayed_jobs_keep_their_time_and_retries_wait(
    hands: Hands, queues: Queues, send: Callable[..., None], queue: Queue
) -> None:
    send("later", delay=1.0)
    send("again", max_attempts=3, waits=(0.0, 0.0))
    running = hands.take()
    queues.pause(source_name="mail")
    hands.finish(running, Outcome(error="no"))
    assert _claimed(hands) == []
    [wait] = waiting(hands.store, [queue.get("later")])
    assert (wait.due_at is not None, wait.pause) == (True, None)
    hands.make_due("later")
    assert hands.tick()[0] == 1
    assert _claimed(hands) == []
    [wait] = waiting(hands.store, [queue.get("later")])
    assert wait.pause is not None
    assert wait.pause.what == "source name mail"
    queues.resume(source_name="mail")
    assert _claimed(hands) == ["again", "later"]
    assert queue.get("again").attempts == 1


def test_a_held_job_is_cancelled_and_started_anew(
    hands: Hands, queues: Queues, send: Callable[..., None], queue: Queue
) -> None:
    send("a", "b", "c")
    queues.pause(source_name="mail")
    assert _claimed(hands) == []
    queue.cancel("b")
    assert queue.get("b").status is JobStatus.CANCELLED
    assert queues.held(queues.paused()) == [2]
    queue.retry("b")
    assert _claimed(hands) == []
    queues.resume(source_name="mail")
    assert _claimed(hands) == ["a", "c", "b"]


def test_rqs_suspend_is_obeyed_at_claim_and_start(
    hands: Hands, queues: Queues, send: Callable[..., None], queue: Queue
) -> None:
    send("a", "b")
    held = hands.hold()
    suspend_rq(hands.store.client)
    assert _claimed(hands) == []
    assert hands.start(held) == -1
    assert hands.call(moves.remaining(keys.QUEUES)) == 1  # it is claimed still
    hands.call(moves.give_back(held.token, held.queue, ["a"]))
    assert hands.call(moves.remaining(keys.QUEUES)) == 0
    [pause] = queues.paused()
    assert (pause.kind, queues.held([pause])) == (PauseKind.ALL, [2])
    [wait] = waiting(hands.store, [queue.get("a")])
    assert wait.pause == pause
    resume_rq(hands.store.client)
    assert _claimed(hands) == ["a", "b"]


@pytest.mark.parametrize("target", [{"queue": "default"}, {"source_name": "mail"}, {"group": "g"}])
def test_a_burst_is_over_when_only_paused_work_is_left(
    hands: Hands, queues: Queues, send: Callable[..., None], target: dict[str, str]
) -> None:
    send("a", "again", group=Group("g", 5), max_attempts=2, waits=(60.0,))
    batch = hands.claim(2)
    [one, two] = _running(batch)
    hands.start(two)
    hands.finish(two, Outcome(error="no"))  # waits for its retry
    hands.call(moves.give_back(batch.token, batch.queue, [one.id]))
    assert hands.call(moves.remaining(keys.QUEUES)) == 1
    queues.pause(**target)
    assert _claimed(hands) == []
    assert hands.call(moves.remaining(keys.QUEUES)) == 0
    queues.resume(**target)
    assert hands.call(moves.remaining(keys.QUEUES)) == 1


def test_a_higher_queue_that_is_paused_calls_nobody_away(
    hands: Hands, queues: Queues, send: Callable[..., None]
) -> None:
    send("high", priority=Priority.HIGH)
    queues.pause(queue="high")
    send("a")
    held = hands.hold()
    call = moves.step(WORKER, hands.settings, start=held, higher=["high"])
    assert hands.call(call) == [b"", 1, 0]
    queues.resume(queue="high")
    assert hands.call(call) == [b"", 1, 1]


def test_pauses_say_since_when_by_whom_and_why_and_stand_as_they_were_made(store: Store, settings: Settings) -> None:
    engine = Engine(settings=settings)
    before = datetime.now(UTC)
    made = engine.queues.pause(source_name="sync_*", by="ada@web-3", reason='the "CRM" is down — é')
    assert (made.kind, made.name, made.by, made.reason) == (
        PauseKind.SOURCE_NAME, "sync_*", "ada@web-3", 'the "CRM" is down — é',
    )  # fmt: skip
    assert made.since is not None
    assert abs((made.since - before).total_seconds()) < 5
    assert engine.queues.pause(source_name="sync_*", by="bob", reason="mine") == made
    assert engine.queues.paused() == (made,)
    assert engine.queues.resume(source_name="sync") is None
    assert engine.queues.resume(source_name="sync_*", by="bob") == made
    assert engine.queues.paused() == ()
    assert [(entry.by, entry.action, entry.about) for entry in engine.audit.entries()] == [
        ("ada@web-3", "pause", 'source name sync_*: the "CRM" is down — é'),
        ("bob", "resume", "source name sync_*"),
    ]


def test_the_twins_do_the_same(store: Store, settings: Settings) -> None:
    queues = Engine(settings=settings).queues

    async def both() -> None:
        pause = await queues.pause_async(group="crm", reason="x")
        assert await queues.paused_async() == (pause,)
        assert await queues.resume_async(group="crm") == pause

    asyncio.run(both())


@pytest.mark.parametrize(
    "target",
    [{}, {"queue": "high", "group": "x"}, {"queue": "urgent"}, {"source_name": "*"}, {"source_name": "a b"},
     {"source_name": "a*b"}, {"group": "a*"}, {"group": "x" * 101}, {"source_name": "é"}],
)  # fmt: skip
def test_what_cannot_be_paused_is_refused(queues: Queues, target: dict[str, str]) -> None:
    with pytest.raises(PauseError):
        queues.pause(**target)
    with pytest.raises(PauseError):
        queues.resume(**target)
    assert queues.paused() == ()


def test_there_are_a_hundred_pauses_at_most(store: Store, queues: Queues) -> None:
    for number in range(keys.MAX_PAUSES):
        store.client.hset(keys.PAUSES, f"name:n{number}", "1700000000000 {}")
    with pytest.raises(PauseError, match="100 pauses are there already"):
        queues.pause(group="crm")
    assert len(queues.paused()) == 100
    queues.resume(source_name="n7")
    queues.pause(group="crm")


def test_pauses_that_are_lost_lose_no_job(hands: Hands, queues: Queues, send: Callable[..., None]) -> None:
    send("a", "b", "c")
    queues.pause(source_name="mail")
    assert _claimed(hands) == []
    hands.store.client.delete(keys.PAUSES)
    assert _claimed(hands) == ["a", "b", "c"]


@pytest.mark.parametrize(
    "lost", [[keys.HELD], [keys.held("mail", "default")], [keys.HELD, keys.held("mail", "default")]]
)
def test_held_jobs_whose_place_is_lost_come_back(
    hands: Hands, queues: Queues, send: Callable[..., None], lost: list[str]
) -> None:
    send("a", "b", "c")
    queues.pause(source_name="mail")
    assert _claimed(hands) == []
    hands.store.client.delete(*lost)
    queues.resume(source_name="mail")
    hands.call(moves.tick(keys.QUEUES, hands.settings, trim=True))
    assert _claimed(hands) == ["a", "b", "c"]


def test_what_other_tools_have_moved_on_is_held_no_more(
    hands: Hands, queues: Queues, send: Callable[..., None]
) -> None:
    client: Redis = hands.store.client
    send("a", "b", "c")
    queues.pause(source_name="mail")
    assert _claimed(hands) == []
    client.delete(keys.job("a"))
    client.hset(keys.job("b"), "status", "finished")
    hands.call(moves.tick(keys.QUEUES, hands.settings, trim=True))
    assert queues.held(queues.paused()) == [1]
    client.hset(keys.job("b"), "status", "deferred")
    client.zadd(keys.held("mail", "default"), {"a": 1, "b": 2})
    client.hset(keys.job("b"), "status", "finished")
    queues.resume(source_name="mail")
    assert _claimed(hands) == ["c"]
    assert not client.exists(keys.HELD)


@pytest.mark.parametrize("key", [keys.PAUSES, keys.HELD, keys.held("mail", "default")])
def test_planted_keys_stop_nothing(hands: Hands, queues: Queues, send: Callable[..., None], key: str) -> None:
    send("a")
    hands.store.client.set(key, "planted")
    assert queues.paused() == ()
    queues.pause(source_name="mail")
    assert _claimed(hands) == []
    queues.resume(source_name="mail")
    assert _claimed(hands) == ["a"]


def test_many_paused_jobs_in_front_hold_up_nobody_for_long(hands: Hands, queues: Queues, queue: Queue) -> None:
    blank = {"template": "pages/x", "line": 3, "source": "hi"}
    queue.send([Job(**blank, source_name="sync") for _ in range(5_000)])
    queue.send([Job(**blank, source_name="mail", id="last")])
    queues.pause(source_name="sync")
    claims = 1
    while not (batch := hands.claim(64)).jobs:
        claims += 1
        assert batch.due == 0
    assert _ids(batch) == ["last"]
    assert claims <= 28
    queues.resume(source_name="sync")
    assert len(_claimed(hands, 64)) == 5_000


def test_another_applications_job_is_not_held(hands: Hands, queues: Queues, queue: Queue) -> None:
    client = hands.store.client
    queues.pause(source_name="shop*")
    client.hset(
        keys.job("theirs"), mapping={"status": "queued", "origin": "default", "data": "x", "description": "shop.f()"}
    )
    client.rpush(keys.queue("default"), "theirs")
    assert len(hands.claim().jobs) == 1


@pytest.mark.parametrize("sees", [False, True])
def test_a_user_of_a_sites_own_works_and_obeys_what_it_may_see(
    store: Store, settings: Settings, job: Callable[..., Job], sees: bool
) -> None:
    client: Any = store.client
    patterns = [f"~{pattern}" for pattern in acl_keys("shop") if sees or pattern != keys.RQ_SUSPENDED]
    rules = ["reset", "on", ">pw", *patterns, "&*", "+@all", "-@dangerous", "-@admin"]
    client.execute_command("ACL", "SETUSER", "shop", *rules)
    try:
        own = load_settings(redis_url=store.url.replace("unix://", "unix://shop:pw@"), site="shop")
        with closing(connect(own)) as theirs:
            hands, queue = Hands(theirs, own), Queue(theirs, own)
            queues = Queues(lambda: queue, Threads())
            queue.send([job(id="a"), job(id="b")])
            suspend_rq(client)
            assert [pause.kind for pause in queues.paused()] == ([PauseKind.ALL] if sees else [])
            assert _claimed(hands) == ([] if sees else ["a", "b"])
            resume_rq(client)
            queues.pause(source_name="mail")
            queue.send([job(id="c")])
            assert _claimed(hands) == []
            queues.resume(source_name="mail")
            assert _claimed(hands) == (["a", "b", "c"] if sees else ["c"])
    finally:
        client.execute_command("ACL", "DELUSER", "shop")


def test_a_log_entry_of_a_pause_is_none(queues: Queues, queue: Queue) -> None:
    """The audit says it; the job log is of jobs."""
    queues.pause(queue="low")
    queue.send([], [LogEntry(message="x", type="info")])
    assert queue.store.client.xlen("liquid_background:log") == 1
