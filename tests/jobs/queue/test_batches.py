"""The lease that the jobs of a claim share: who has it, when it ends, and what becomes of each of them then."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from liquid_background.job import Ending, Group, Job, JobStatus, LogStatus, Outcome
from liquid_background.jobs.filter import Filter
from liquid_background.jobs.log import entries
from liquid_background.jobs.queue import Queue, finishing, in_hands, keys, moves
from liquid_background.jobs.queue.finding import scan
from liquid_background.jobs.queue.finishing import Running
from liquid_background.jobs.queue.moves import Batch
from liquid_background.jobs.queue.opening import Claimed
from liquid_background.jobs.store import Store
from liquid_background.settings import Settings
from tests.jobs.queue.hands import Hands
from tests.leases import leased

Make = Callable[..., Job]
NAMES = "abcdef"


@pytest.fixture
def hands(store: Store, settings: Settings) -> Hands:
    return Hands(store, settings.model_copy(update={"lease": 300}))


@pytest.fixture
def queue(hands: Hands) -> Queue:
    return Queue(hands.store, hands.settings)


@pytest.fixture
def client(hands: Hands) -> Any:
    return hands.store.client


def _running(batch: Batch) -> list[Running]:
    return [Running.of(job, batch.token, batch.queue) for job in batch.jobs if isinstance(job, Claimed)]


def _claimed(hands: Hands, queue: Queue, job: Make, **fields: Any) -> list[Running]:
    queue.send([job(id=name, **fields) for name in NAMES])
    return _running(hands.claim(len(NAMES)))


def _waiting(client: Any) -> str:
    return b"".join(client.lrange(keys.queue("default"), 0, -1)).decode()


def _lost(client: Any) -> list[str]:
    return sorted(entry.job_id for entry in entries(client) if entry.status is LogStatus.LOST)


def test_a_claim_is_one_lease_until_its_lease_runs_out(hands: Hands, queue: Queue, job: Make, client: Any) -> None:
    jobs = _claimed(hands, queue, job)
    assert (client.zcard(keys.BATCHES), client.exists(keys.LEASES)) == (1, 0)
    assert leased(client) == {*NAMES}
    hands.tick()
    assert _waiting(client) == ""
    queue.send([job(id="g")])
    hands.expire_leases()
    hands.tick()
    assert _waiting(client) == f"{NAMES}g"  # in front, in their order
    assert not client.exists(keys.BATCHES, keys.BATCH_JOBS)
    assert [hands.start(each) for each in jobs] == [0] * len(NAMES)


def test_each_job_of_a_claim_goes_where_its_record_says(hands: Hands, queue: Queue, job: Make, client: Any) -> None:
    """a has ended, b waits for another attempt, c runs with a lease of its own, d runs without, e was given back."""
    a, b, c, d, e, _ = _claimed(hands, queue, job, max_attempts=2, waits=(0.0,))
    for running in (a, b, c, d):
        assert hands.start(running) == 1
    hands.finish(a, Outcome(result="x"))
    hands.finish(b, Outcome(error="no"))
    hands.beat(c)
    hands.call(moves.give_back(e.token, "default", ["e"]))
    client.zadd(keys.BATCHES, {a.token: client.time()[0] * 1000 - 1000.5})
    hands.tick()
    assert sorted(_waiting(client)) == ["b", "e", "f"]
    assert (_lost(client), queue.get("a").status) == ([], JobStatus.COMPLETED)
    assert leased(client) == {"c", "d"}
    left = client.zscore(keys.LEASES, "d") - client.time()[0] * 1000
    assert 190_000 < left <= 200_000  # two thirds of the setting, which started jobs have longer
    client.zadd(keys.LEASES, {"d": 1.5})
    hands.tick()
    assert (_lost(client), leased(client)) == (["d"], {"c"})
    assert hands.finish(c, Outcome(result="x")) == "done"
    assert leased(client) == set()
    assert [hands.finish(each, Outcome(result="x")) for each in (a, b, d, e)] == ["fenced"] * 4


@pytest.mark.parametrize(("group", "late"), [(None, False), (None, True), (Group("g", 10), False)])
def test_a_start_behind_a_plain_end_leases_as_any_other(
    hands: Hands, queue: Queue, job: Make, group: Group | None, late: bool
) -> None:
    client: Any = hands.store.client
    queue.send([job(id="a"), job(id="b", group=group)])
    batch = hands.claim(2)
    first, second = _running(batch)
    hands.start(first)
    done = finishing.finish(first, Outcome(result="x"), hands.settings)
    until = client.time()[0] * 1000 - 1 if late else batch.until
    reply = hands.call(moves.step("host.1.1", hands.settings, done, second, until=until))
    assert (reply[0], reply[1]) == (b"done", 1)
    ends = client.zscore(keys.LEASES, "b")
    assert (ends is not None) == bool(late or group)
    assert ends is None or ends - client.time()[0] * 1000 > 0.9 * 1000 * hands.settings.lease


def test_who_claims_a_job_again_keeps_it_when_the_earlier_claim_runs_out(
    hands: Hands, queue: Queue, job: Make, client: Any
) -> None:
    first = _claimed(hands, queue, job)
    hands.call(moves.give_back(first[0].token, "default", [*NAMES]))
    again = _running(hands.claim(len(NAMES)))
    client.zadd(keys.BATCHES, {first[0].token: 1.5})
    hands.tick()
    assert leased(client) == {*NAMES}
    assert [hands.start(each) for each in again] == [1] * len(NAMES)


def test_a_lease_that_a_run_before_has_left_takes_no_job_away(
    hands: Hands, queue: Queue, job: Make, client: Any
) -> None:
    [first, *_] = _claimed(hands, queue, job)
    client.zadd(keys.LEASES, {"a": client.time()[0] * 1000 - 1000.5, "b": client.time()[0] * 1000 - 1000.5})
    hands.start(first)
    hands.tick()
    assert not client.exists(keys.LEASES)
    assert (leased(client), _lost(client), _waiting(client)) == ({*NAMES}, [], "")


def test_a_lease_of_its_own_that_runs_out_counts_while_that_of_the_claim_goes_on(
    hands: Hands, queue: Queue, job: Make, client: Any
) -> None:
    queue.send([job(id="a"), job(id="b", group=Group("g", 1)), job(id="c")])
    beaten, grouped, _ = _running(hands.claim(3))
    hands.start(beaten)
    hands.beat(beaten)
    assert sorted(client.zrange(keys.LEASES, 0, -1)) == [b"a", b"b"]
    client.zadd(keys.LEASES, dict.fromkeys("ab", client.time()[0] * 1000 - 1999.5))
    hands.tick()
    assert (_lost(client), leased(client)) == (["a"], {"c"})
    assert sorted(_waiting(client)) == ["a", "b"]
    assert hands.start(grouped) == 0


@pytest.mark.parametrize("how", ["evicted", "ended", "expired", "long ago"])
def test_a_record_that_is_gone_was_lost_unless_its_job_had_ended(
    hands: Hands, queue: Queue, job: Make, client: Any, how: str
) -> None:
    [first, *_] = _claimed(hands, queue, job)
    hands.start(first)
    if how in ("ended", "expired"):
        hands.finish(first, Outcome(result="x"))
    if how == "expired":  # long before the claim's lease, and others have ticked since
        client.zadd(keys.finished("default"), {"a": client.time()[0] - 1})
        hands.call(moves.tick(keys.QUEUES, hands.settings, trim=True))
    client.delete(keys.job("a"))
    ago = 3_600_000 if how == "long ago" else 1000
    client.zadd(keys.BATCHES, {first.token: client.time()[0] * 1000 - ago - 0.5})
    hands.call(moves.tick(keys.QUEUES, hands.settings, trim=True))
    assert _lost(client) == (["a"] if how == "evicted" else [])
    assert _waiting(client) == NAMES[1:]


def test_claims_that_run_out_together_go_back_in_their_order(
    hands: Hands, queue: Queue, job: Make, client: Any
) -> None:
    queue.send([job(id=name) for name in NAMES])
    for number in range(3):
        [first, _] = _running(hands.claim(2))
        client.zadd(keys.BATCHES, {first.token: 1.5 + number})
    hands.tick()
    assert _waiting(client) == NAMES


def test_a_job_of_a_group_has_a_lease_of_its_own_from_its_claim_on(
    hands: Hands, queue: Queue, job: Make, client: Any
) -> None:
    """Versions before look for those who hold slots there."""
    [first, *_] = _claimed(hands, queue, job, group=Group("g", 10))
    assert client.zcard(keys.LEASES) == len(NAMES)
    assert [json.loads(under)["ids"] for under in client.hvals(keys.BATCH_JOBS)] == [{}]  # known if it comes again
    hands.start(first)
    hands.finish(first, Outcome(result="x"))
    assert client.zcard(keys.LEASES) == len(NAMES) - 1


def test_what_is_said_to_be_settled_is_dropped_and_nothing_else(
    hands: Hands, queue: Queue, job: Make, client: Any
) -> None:
    jobs = _claimed(hands, queue, job)
    queue.send([job(id="later")])
    claim = moves.Claim("token", 1, keys.QUEUES, hands.settings, settled=["never", jobs[0].token, "claimed"])
    batch = claim.opened(hands.call(claim.call))
    assert [each.id for each in _running(batch)] == ["later"]
    assert client.zrange(keys.BATCHES, 0, -1) == client.hkeys(keys.BATCH_JOBS) == [b"token"]
    hands.call(moves.settle(["token"]))
    assert not client.exists(keys.BATCHES, keys.BATCH_JOBS)


def test_a_claim_that_is_sent_again_leaves_to_its_lease_what_the_first_one_brought(
    hands: Hands, queue: Queue, job: Make, client: Any
) -> None:
    """As after a connection that was lost before the reply: nobody knows of those jobs."""
    queue.send([job(id=name) for name in NAMES])
    claim = moves.Claim("token", 2, keys.QUEUES, hands.settings)
    assert [each.id for each in claim.opened(hands.call(claim.call)).jobs] == ["a", "b"]
    again = claim.opened(hands.call(claim.call))
    assert (again.jobs, again.due) == ((), 0)
    assert [each.id for each in hands.claim(2).jobs if isinstance(each, Claimed)] == ["c", "d"]
    assert leased(client) == {*"abcd"}
    hands.expire_leases()
    hands.tick()
    assert sorted(_waiting(client)) == [*NAMES]
    assert [each.id for each in claim.opened(hands.call(claim.call)).jobs if isinstance(each, Claimed)]


def test_a_claim_that_arrives_late_once_more_brings_nothing_under_a_lease_that_is_settled_soon(
    hands: Hands, queue: Queue, job: Make, client: Any
) -> None:
    queue.send([job(id="a", group=Group("g", 1)), job(id="b")])
    claim = moves.Claim("token", 1, keys.QUEUES, hands.settings)
    assert [each.id for each in claim.opened(hands.call(claim.call)).jobs] == ["a"]
    assert claim.opened(hands.call(claim.call)).jobs == ()
    assert _waiting(client) == "b"


@pytest.mark.parametrize("state", ["claimed", "given back", "ended"])
def test_what_was_deleted_is_not_taken_for_lost_when_its_claim_runs_out(
    hands: Hands, queue: Queue, job: Make, client: Any, state: str
) -> None:
    [first, *_] = _claimed(hands, queue, job)
    if state == "given back":
        hands.call(moves.give_back(first.token, "default", ["a"]))
    elif state == "ended":
        hands.start(first)
        hands.finish(first, Outcome(result="x"))
    queue.delete("a")
    hands.expire_leases()
    hands.tick()
    assert _lost(client) == []
    assert _waiting(client) == NAMES[1:]
    assert client.zrange(keys.DELETED, 0, -1) == [b"a"]
    assert 0 < client.ttl(keys.DELETED) <= 660
    client.zadd(keys.DELETED, {"a": 1})
    hands.claim()
    queue.delete("c")
    assert client.zrange(keys.DELETED, 0, -1) == [b"c"]


def test_what_is_deleted_while_nobody_has_claimed_anything_leaves_no_note(queue: Queue, job: Make, client: Any) -> None:
    queue.send([job(id="a")])
    queue.delete("a")
    assert not client.exists(keys.DELETED)


def test_a_result_that_is_kept_for_less_than_a_lease_is_no_loss(
    hands: Hands, queue: Queue, job: Make, client: Any
) -> None:
    [first, *_] = _claimed(hands, queue, job)
    hands.start(first)
    hands.finish(first, Outcome(result="x"))
    client.zadd(keys.finished("default"), {"a": client.time()[0] - 1})
    client.delete(keys.job("a"))
    hands.call(moves.tick(keys.QUEUES, hands.settings, trim=True))
    hands.expire_leases()
    hands.tick()
    assert _lost(client) == []


def test_an_id_that_stands_in_the_queue_twice_is_claimed_once(
    hands: Hands, queue: Queue, job: Make, client: Any
) -> None:
    [first, *_] = _claimed(hands, queue, job)
    client.rpush(keys.queue("default"), "a")
    assert hands.claim(10).jobs == ()
    assert hands.start(first) == 1


@pytest.mark.parametrize("act", ["cancel", "delete"])
def test_an_act_on_what_is_claimed_takes_it_from_its_holder(
    hands: Hands, queue: Queue, job: Make, client: Any, act: str
) -> None:
    [first, *_] = _claimed(hands, queue, job)
    client.rpush(keys.queue("default"), "a")  # it was claimed before all that stands there
    getattr(queue, act)("a")
    assert _waiting(client) == "a"
    assert hands.start(first) == 0
    assert leased(client) == {*NAMES[1:]}
    hands.expire_leases()
    hands.tick()
    assert _lost(client) == []
    assert _waiting(client) == f"{NAMES[1:]}a"


def test_a_job_that_runs_under_its_claim_s_lease_is_told_to_end(hands: Hands, queue: Queue, job: Make) -> None:
    [first, *_] = _claimed(hands, queue, job, max_attempts=3)
    hands.start(first)
    assert queue.cancel("a").status is JobStatus.RUNNING
    hands.finish(first, Outcome(error="no"), Ending.FAILED)
    assert queue.get("a").status is JobStatus.CANCELLED


@pytest.mark.parametrize("beaten", [False, True])
def test_lists_and_counts_have_each_job_once(hands: Hands, queue: Queue, job: Make, beaten: bool) -> None:
    jobs = _claimed(hands, queue, job)
    for running in jobs[:3]:
        hands.start(running)
    if beaten:
        hands.beat(jobs[0])
    hands.finish(jobs[2], Outcome(result="x"))
    hands.call(moves.give_back(jobs[5].token, "default", ["f"]))
    ids = {str(status): sorted(record.id for record in queue.list(status)) for status in JobStatus}
    assert ids == {"pending": ["d", "e", "f"], "running": ["a", "b"], "completed": ["c"], "failed": [], "cancelled": []}
    for status, found in ids.items():
        assert queue.count(status=status) == len(found), status
    assert sorted(record.id for record in queue.list()) == [*NAMES]


@pytest.mark.parametrize("batches", [3, 40])
def test_pages_of_what_is_claimed_go_on_where_they_ended(hands: Hands, queue: Queue, job: Make, batches: int) -> None:
    queue.send([job(id=f"j{number:03}") for number in range(5 * batches)])
    for _ in range(batches):
        hands.claim(5)
    found: list[str] = []
    cursor = None
    while not found or cursor:
        page = queue.list(status="pending", limit=7, after=cursor)
        found += [record.id for record in page]
        cursor = page.cursor
    assert sorted(found) == [f"j{number:03}" for number in range(5 * batches)]
    wanted = Filter(status=JobStatus.PENDING)
    seen = [job_id for part in scan(hands.store, hands.settings, wanted, most=20) for job_id in part.ids]
    assert sorted(seen) == sorted(found)


@pytest.mark.parametrize("score", [1.5, 9e15], ids=["before", "behind"])
@pytest.mark.parametrize(
    "under", [None, ["x", "x"], ["x"] * 2000, ["x" * 500_000]], ids=["none", "two", "many", "long"]
)
def test_planted_claims_are_looked_through_a_few_at_a_time(
    hands: Hands, queue: Queue, client: Any, under: list[str] | None, score: float
) -> None:
    queue.send([Job(id=name, source_name="mail", template="pages/x", line=3, source="hi") for name in NAMES])
    hands.claim(len(NAMES))
    text = json.dumps({"ids": under})
    planted = [
        *(f"t{number:04}" for number in range(20 if len(text) > 1000 else 1500)),
        "a:b",
        "t0003:",
        "x" * 2000,
        "",
    ]
    client.zadd(keys.BATCHES, dict.fromkeys(planted, score))
    if under:
        client.hset(keys.BATCH_JOBS, mapping=dict.fromkeys(planted, text))
    assert sorted(record.id for record in queue.list("pending")) == [*NAMES]
    parts = [*scan(hands.store, hands.settings, Filter(status=JobStatus.PENDING))]
    assert sorted(job_id for part in parts for job_id in part.ids) == [*NAMES]
    assert len(parts) > 5 or len(under or ()) == 2000


def test_who_asks_what_is_claimed_reads_nothing_that_no_worker_writes(
    hands: Hands, queue: Queue, job: Make, client: Any
) -> None:
    _claimed(hands, queue, job)
    client.zadd(keys.BATCHES, {f"t{number}": number for number in range(50)})
    client.hset(keys.BATCH_JOBS, mapping={"t1": "x" * 600_000, "t2": "[" * 10_000, "t3": '{"ids": ["a", 1]}', "t4": ""})
    client.config_resetstat()
    assert sorted(job_id.decode() for part in in_hands.claimed(hands.store) for job_id in part) == [*NAMES]
    assert client.info("commandstats")["cmdstat_hget"]["calls"] == 3  # not the longest, and none of nothing


def test_a_tick_and_a_burst_s_look_read_little_of_what_was_planted(
    hands: Hands, queue: Queue, job: Make, client: Any
) -> None:
    planted = [f"t{number}" for number in range(20)]
    client.zadd(keys.BATCHES, dict.fromkeys(planted, 1.5))
    client.hset(keys.BATCH_JOBS, mapping=dict.fromkeys(planted, json.dumps({"ids": ["x" * 500_000]})))
    client.config_resetstat()
    hands.call(moves.remaining(["default"]))
    assert client.info("commandstats")["cmdstat_hget"]["calls"] < 5
    hands.tick()
    assert client.zcard(keys.BATCHES) == 19  # each counts as 500 jobs


def test_a_burst_waits_for_what_others_have_claimed(hands: Hands, queue: Queue, job: Make) -> None:
    jobs = _claimed(hands, queue, job)
    for running in jobs:
        assert hands.call(moves.remaining(["default"])) == 1
        hands.start(running)
        hands.finish(running, Outcome(result="x"))
    assert hands.call(moves.remaining(["default"])) == 0


PLANTED: Sequence[str] = [
    *("", "x", "[", "{}", "null", '"a"', "[" * 100_000, "x" * 600_000, '["a"]'),
    '{"ids": "a"}',
    '{"ids": ["a", 1, null, ["b"], {"c": 1}], "more": "x"}',
    '{"ids": ["a", "a", "never"], "more": -1e300}',
    '{"ids": {"a": "b"}, "more": 1e300}',
    json.dumps({"ids": ["x" * 999] * 600}),  # more bytes than any claim has
    json.dumps({"ids": ["x"] * 2000}),  # more ids
]


@pytest.mark.parametrize("value", PLANTED, ids=lambda value: value[:12])
def test_whatever_stands_for_the_ids_of_a_claim_stops_nobody(
    hands: Hands, queue: Queue, job: Make, client: Any, value: str
) -> None:
    [first, *_] = _claimed(hands, queue, job)
    client.hset(keys.BATCH_JOBS, first.token, value)
    client.zadd(keys.BATCHES, {"planted": 1.5, "inf": float("inf")})
    queue.send([job(id="other")])
    other = _running(hands.claim())
    assert [record.id for record in queue.list(status="pending")]
    hands.call(moves.remaining(["default"]))
    hands.expire_leases()
    hands.tick()
    assert not client.exists(keys.BATCHES, keys.BATCH_JOBS)
    assert "other" in _waiting(client)
    assert set(_lost(client)) <= {"never"}
    assert hands.start(other[0]) == 0


@pytest.mark.parametrize("key", [keys.BATCHES, keys.BATCH_JOBS])
def test_a_key_of_another_type_in_the_place_of_leases_is_set_aside(
    hands: Hands, queue: Queue, job: Make, client: Any, key: str
) -> None:
    client.set(key, "planted")
    jobs = _claimed(hands, queue, job)
    assert client.get(f"{keys.SET_ASIDE}{key}") == b"planted"
    assert leased(client) == {*NAMES}
    assert hands.start(jobs[0]) == 1
    client.delete(key)
    client.set(key, "planted")
    assert [*queue.list()] == []  # they stand nowhere that can be read
    hands.tick()
    assert hands.finish(jobs[0], Outcome(result="x")) == "done"


def test_ids_of_any_bytes_come_back_as_they_were(hands: Hands, queue: Queue, job: Make, client: Any) -> None:
    queue.send([job(id="a")])
    odd = [b'"\\ \n', b"\x00\x01", b"\xff\xfe", "☃".encode(), b"x" * 1000]
    for name in odd:
        client.copy(keys.job("a"), keys.job("").encode() + name)
        client.rpush(keys.queue("default"), name)
    assert len(hands.claim(10).jobs) == len(odd) + 1
    [under] = client.hvals(keys.BATCH_JOBS)
    assert len(json.loads(under.decode("utf-8", "surrogateescape"))["ids"]) == len(odd) + 1
    hands.expire_leases()
    hands.tick()
    assert client.lrange(keys.queue("default"), 0, -1) == [b"a", *odd]


def test_a_stall_gives_a_claim_s_lease_grace_once(hands: Hands, queue: Queue, job: Make, client: Any) -> None:
    [first, *_] = _claimed(hands, queue, job)
    last = hands.call(moves.tick(keys.QUEUES, hands.settings))[3]
    client.zadd(keys.BATCHES, {first.token: 1})
    last = hands.call(moves.tick(keys.QUEUES, hands.settings, last=last - 4000))[3]
    assert client.zscore(keys.BATCHES, first.token) > last + 290_000
    assert leased(client) == {*NAMES}
    hands.expire_leases()
    hands.call(moves.tick(keys.QUEUES, hands.settings, last=last - 8000))
    assert _waiting(client) == NAMES


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("fields", [{}, {"max_attempts": 3}], ids=["once", "again"])
def test_usual_jobs_are_claimed_in_one_flat_reply(
    hands: Hands, queue: Queue, job: Make, count: int, fields: Any
) -> None:
    """What is written for them in straight lines costs half of the rest of the script, so it has to be met."""
    queue.send([job(id=name, **fields) for name in NAMES[:count]])
    claim = moves.Claim("t", 10, keys.QUEUES, hands.settings, settled=["old"])
    reply = hands.call(claim.call)
    width = 6 if fields else 5
    assert (reply[0], reply[2], len(reply)) == (b"default", width, 3 + count * width)
    assert [each.id for each in claim.opened(reply).jobs] == [*NAMES[:count]]
    assert leased(hands.store.client) == {*NAMES[:count]}
    assert _waiting(hands.store.client) == ""


def _plant_a_field(client: Any) -> None:
    client.hset(keys.job("b"), "webhooks", "x")


def _plant_a_long_field(client: Any) -> None:
    client.hset(keys.job("b"), "timeout", "1" * 5000)


def _plant_a_token(client: Any) -> None:
    client.hset(keys.job("b"), "lb_token", "other")


def _put_it_there_twice(client: Any) -> None:
    client.rpush(keys.queue("default"), "b")


def _plant_batches(client: Any) -> None:
    client.set(keys.BATCHES, "x")


def _plant_their_jobs(client: Any) -> None:
    client.set(keys.BATCH_JOBS, "x")


def _plant_a_queue(client: Any) -> None:
    client.set(keys.queue("high"), "x")


@pytest.mark.parametrize(
    "plant",
    [
        _plant_a_field,
        _plant_a_long_field,
        _plant_a_token,
        _put_it_there_twice,
        _plant_batches,
        _plant_their_jobs,
        _plant_a_queue,
    ],
)
def test_what_is_not_usual_among_them_is_met_by_the_rest(
    hands: Hands, queue: Queue, job: Make, client: Any, plant: Callable[[Any], None]
) -> None:
    queue.send([job(id=name) for name in NAMES])
    plant(client)
    claim = moves.Claim("t", 10, keys.QUEUES, hands.settings)
    reply = hands.call(claim.call)
    assert all(isinstance(row, list) for row in reply[2:])
    assert [str(each.id, "ascii") if isinstance(each.id, bytes) else each.id for each in claim.opened(reply).jobs] == [
        *NAMES
    ]
    assert leased(client) == {*NAMES}
    assert _waiting(client) == ""


def test_a_claim_that_finds_nothing_deletes_all_tokens_at_once(
    hands: Hands, queue: Queue, job: Make, client: Any
) -> None:
    queue.send([job(id="late", delay=1)])
    for name in keys.QUEUES:
        client.lpush(keys.wake(name), "1")
    client.zadd(keys.behind("low"), {"x": 1})
    client.lpush(keys.wake("me"), "1")
    client.config_resetstat()
    claim = moves.Claim("t", 10, keys.QUEUES, hands.settings, own_wake=keys.wake("me"), settled=["old"])
    batch = claim.opened(hands.call(claim.call))
    assert client.info("commandstats")["cmdstat_del"]["calls"] == 1
    assert batch.jobs == ()
    assert batch.due == pytest.approx(60, abs=20)
    assert not client.exists(*map(keys.wake, (*keys.QUEUES, "me")), keys.behind("low"))
