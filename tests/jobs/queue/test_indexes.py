"""The indexes of failed jobs say what the records do, whoever has failed, moved or dropped the jobs."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from rq import Queue as RqQueue
from rq.job import Job as RqJob
from rq.registry import FailedJobRegistry
from rq.results import Result
from rq.serializers import JSONSerializer

from liquid_background.job import Ending, Job, JobStatus, Outcome
from liquid_background.jobs.filter import Filter
from liquid_background.jobs.operating import failures
from liquid_background.jobs.operating.failures import Failures
from liquid_background.jobs.queue import Queue, filing, finishing, indexes, keys, moves
from liquid_background.jobs.queue.causes import Cause
from liquid_background.jobs.queue.filing import Looked
from liquid_background.jobs.queue.finishing import Running
from liquid_background.jobs.queue.indexes import catch_up, index_of, reindex
from liquid_background.jobs.queue.opening import Claimed
from liquid_background.jobs.queue.protocol import HOURS, MAX_FAILED_NAMES, MAX_FAILURES, MAX_FAILURES_OF
from liquid_background.jobs.store import Store
from liquid_background.settings import Settings
from tests.jobs.queue.failed import agree, indexed, oracle
from tests.jobs.queue.hands import WORKER, Hands

Make = Callable[..., Job]
FAILED = Filter(status=JobStatus.FAILED)


def _named(name: str) -> Filter:
    return Filter(status=JobStatus.FAILED, source_name=name)


@pytest.fixture
def hands(store: Store, settings: Settings) -> Hands:
    return Hands(store, settings)


def _fail(hands: Hands, *jobs: Job, error: str = "no") -> None:
    Queue(hands.store, hands.settings).send(jobs)
    for _ in jobs:
        hands.finish(hands.take(), Outcome(error=error, raised="ValueError", retry=False))


def _fail_as_others_do(client: Any, job_id: str) -> None:
    """Fail a job by RQ's own means: what a stock worker does, which knows nothing of the indexes."""
    rq_job = RqJob.fetch(job_id, connection=client, serializer=JSONSerializer)
    client.lrem(keys.queue(rq_job.origin), 0, job_id)
    rq_job.ended_at = rq_job.created_at
    rq_job.save()
    rq_job.set_status("failed")
    FailedJobRegistry(rq_job.origin, connection=client, serializer=JSONSerializer).add(rq_job, ttl=100_000)
    trace = "Traceback (most recent call last):\n  File x\nshop.Broken: order 7 of 'ada'\n"
    Result.create_failure(rq_job, 100_000, trace)


def _requeue(client: Any, job_id: str) -> None:
    FailedJobRegistry("default", connection=client, serializer=JSONSerializer).requeue(job_id)


def _look(hands: Hands) -> Looked:
    seen = Looked.of(hands.call(filing.look_through("1:0", "0")))
    assert seen is not None
    return seen


def test_a_job_that_fails_for_good_is_filed_by_its_name_and_its_cause(hands: Hands, queue: Queue, job: Make) -> None:
    queue.send([job(id="a", max_attempts=2, waits=(0.0,)), job(id="b", source_name="pay")])
    hands.finish(hands.take(), Outcome(error="ValueError: no 7", raised="ValueError"))
    assert indexed(hands.store, by="") == {}
    hands.finish(hands.take(), Outcome(error="ValueError: no 7", raised="ValueError"))
    hands.finish(hands.take(), Outcome(error="ValueError: no 8", raised="ValueError"))
    assert agree(hands.store)
    cause = Cause.of("pages/x", 3, "ValueError", "ValueError: no 9")
    assert {name: {*ids} for name, ids in indexed(hands.store, by="failure").items()} == {cause.failure: {b"a", b"b"}}
    assert {name: {*ids} for name, ids in indexed(hands.store, by="name").items()} == {"mail": {b"a"}, "pay": {b"b"}}


def _lose(hands: Hands) -> None:
    hands.store.client.hset(keys.job(hands.take().id), keys.LOSSES, 9)
    hands.expire_leases()
    hands.tick()


def _refuse(hands: Hands) -> None:
    running = hands.hold()
    batch = moves.Batch(running.token, running.queue, (), None, 0.0)
    hands.call(moves.refuse(moves.Refused(running.id.encode(), "no 7"), batch, WORKER, hands.settings))


def _bury(hands: Hands) -> None:
    hands.store.client.hdel(keys.job("a"), "status")
    hands.claim()


ENDS: dict[str, Callable[[Hands], object]] = {
    "failed": lambda hands: hands.finish(hands.take(), Outcome(error="no 7 (pages/x:4)", raised="X", retry=False)),
    "killed": lambda hands: hands.finish(hands.take(), Outcome(error="killed at its limit of 1 s"), Ending.FAILED),
    "crashed": lambda hands: hands.finish(hands.take(), Outcome(error="its process died"), Ending.CRASHED),
    "lost": _lose,
    "refused": _refuse,
    "buried": _bury,
}


@pytest.mark.parametrize("end", ENDS)
def test_every_way_to_fail_files_a_job_and_filing_it_from_its_record_alone_finds_the_same(
    hands: Hands, queue: Queue, job: Make, end: str
) -> None:
    queue.send([job(id="a")])
    ENDS[end](hands)
    assert queue.get("a").status is JobStatus.FAILED
    assert agree(hands.store)
    before = {by: indexed(hands.store, by=by) for by in ("", "name", "failure")}
    assert before[""]
    [failure] = before["failure"]
    client: Any = hands.store.client
    about = client.hgetall(keys.failure_about(failure))
    client.delete(*client.scan_iter("liquid_background:fail*"))
    assert reindex(hands.store) == 1
    assert {by: indexed(hands.store, by=by) for by in before} == before
    assert client.hgetall(keys.failure_about(failure)) == about


def test_a_retry_takes_a_job_out_of_the_indexes_and_its_group_stays_known(
    hands: Hands, queue: Queue, job: Make
) -> None:
    _fail(hands, job(id="a"))
    [failure] = indexed(hands.store, by="failure")
    queue.retry("a")
    assert (indexed(hands.store, by=""), indexed(hands.store, by="name"), indexed(hands.store, by="failure")) == (
        {},
    ) * 3
    assert not hands.store.client.exists(keys.FAILED_OF, keys.FAILED_NAMES)
    assert hands.store.client.hget(keys.failure_about(failure), "count") == b"1"
    assert hands.store.client.hget(keys.job("a"), keys.FAILURE) is None
    hands.finish(hands.take(), Outcome(error="no", raised="ValueError", retry=False))
    assert hands.store.client.hget(keys.failure_about(failure), "count") == b"2"
    assert agree(hands.store)


def test_a_step_that_is_sent_again_counts_a_failure_once(hands: Hands, queue: Queue, job: Make) -> None:
    queue.send([job(id="a")])
    done = finishing.finish(hands.take(), Outcome(error="no", retry=False), hands.settings)
    for _ in range(3):
        hands.call(moves.step(WORKER, hands.settings, done))
    [failure] = indexed(hands.store, by="failure")
    assert hands.store.client.hget(keys.failure_about(failure), "count") == b"1"


def test_expired_jobs_leave_the_indexes(hands: Hands, queue: Queue, job: Make) -> None:
    _fail(hands, *(job(id=name) for name in "abc"))
    client: Any = hands.store.client
    for name in "ab":
        client.zadd(keys.failed("default"), {name: 1})
        client.delete(keys.job(name))
    assert index_of(hands.store, hands.settings, FAILED) == keys.FAILED_IDS
    assert indexed(hands.store, by="").keys() == {""}
    assert {*indexed(hands.store, by="")[""]} == {b"c"}
    client.zadd(keys.failed("default"), {"c": 1})
    hands.call(moves.tick(keys.QUEUES, hands.settings, trim=True))
    assert indexed(hands.store, by="") == {}
    assert not client.exists(keys.FAILED_OF)


def test_a_job_that_rq_requeues_leaves_them_when_it_is_begun_or_looked_at(
    hands: Hands, queue: Queue, job: Make
) -> None:
    _fail(hands, job(id="a"), job(id="b"))
    client: Any = hands.store.client
    _requeue(client, "a")
    _requeue(client, "b")
    hands.start(hands.hold())
    assert {*indexed(hands.store, by="")[""]} == {b"b"}
    assert _look(hands).removed == 1
    assert indexed(hands.store, by="") == {}


def test_what_others_fail_is_filed_by_a_read(hands: Hands, queue: Queue, job: Make) -> None:
    queue.send([job(id="a"), job(id="b", source_name="pay"), job(id="c")])
    for job_id in "ab":
        _fail_as_others_do(hands.store.client, job_id)
    key = index_of(hands.store, hands.settings, _named("pay"))
    assert key == keys.failed_of_name("pay")
    assert {*hands.store.client.zrange(key, 0, -1)} == {b"b"}
    assert agree(hands.store)
    cause = Cause.of("pages/x", 3, "Broken", "shop.Broken: order 7 of 'ada'")
    assert {*indexed(hands.store, by="failure")} == {cause.failure}
    assert hands.store.client.hget(keys.job("a"), keys.RAISED) == b"Broken"


def test_ids_in_a_registry_whose_jobs_have_not_failed_are_taken_out_of_it(
    hands: Hands, queue: Queue, job: Make
) -> None:
    _fail(hands, job(id="a"))
    queue.send([job(id="b")])
    client: Any = hands.store.client
    client.set(keys.job("text"), "planted")
    client.zadd(keys.failed("default"), {"gone": 2e9, "b": 2e9, "text": 2e9, "x" * 5000: 2e9})
    assert index_of(hands.store, hands.settings, FAILED) == keys.FAILED_IDS
    assert client.zrange(keys.failed("default"), 0, -1) == [b"a"]


@pytest.mark.parametrize(
    "ended", ["", "x", "2024-02-30T00:00:00.000000Z", "0001-01-01T00:00:00.000000Z", "9999-12-31T23:59:59.999999Z"]
)
def test_what_a_record_says_of_its_end_is_taken_as_it_is(hands: Hands, job: Make, ended: str) -> None:
    _fail(hands, job(id="a"))
    hands.store.client.hset(keys.job("a"), "ended_at", ended)
    reindex(hands.store)
    assert reindex(hands.store) == 0
    assert index_of(hands.store, hands.settings, FAILED) == keys.FAILED_IDS


def test_a_job_that_strayed_into_another_registry_counts_once(hands: Hands, job: Make) -> None:
    _fail(hands, job(id="a"), job(id="b"))
    client: Any = hands.store.client
    client.zadd(keys.failed("high"), {"a": 2e9})
    client.zrem(keys.failed("default"), "b")
    client.zadd(keys.failed("low"), {"b": 2e9})
    assert index_of(hands.store, hands.settings, FAILED) == keys.FAILED_IDS
    assert {*client.zrange(keys.failed("default"), 0, -1)} == {b"a", b"b"}
    assert client.exists(keys.failed("high"), keys.failed("low")) == 0
    assert agree(hands.store)


def test_jobs_that_rq_stopped_stay_where_it_has_them_and_are_none_that_failed(
    hands: Hands, queue: Queue, job: Make
) -> None:
    _fail(hands, job(id="a"))
    queue.send([job(id="b"), job(id="c")])
    client: Any = hands.store.client
    for job_id in "bc":
        _fail_as_others_do(client, job_id)
        client.hset(keys.job(job_id), "status", "stopped")
    for _ in range(2):
        assert index_of(hands.store, hands.settings, FAILED) == keys.FAILED_IDS
        assert {*indexed(hands.store, by="")[""]} == {b"a"}
        assert client.zcard(keys.failed("default")) == 3
    queue.retry("b")
    assert {*client.zrange(keys.FAILED_APART, 0, -1)} == {b"c"}
    client.delete(keys.job("c"))
    assert index_of(hands.store, hands.settings, FAILED) == keys.FAILED_IDS
    assert not client.exists(keys.FAILED_APART)
    assert agree(hands.store)


def test_a_filter_that_no_index_answers_has_none(hands: Hands, job: Make) -> None:
    _fail(hands, job(id="a"))
    failed = JobStatus.FAILED
    for wanted in (
        Filter(),
        Filter(status=JobStatus.COMPLETED),
        Filter(status=failed, source_name="ma*"),
        Filter(status=failed, source_name="a b"),
        Filter(status=failed, failure="x"),
        Filter(status=failed, source_name="mail", failure="0" * 12),
        Filter(status=failed, error="no"),
        Filter(status=failed, queue="high"),
        Filter(status=failed, template="pages/x"),
    ):
        assert index_of(hands.store, hands.settings, wanted) is None
    assert index_of(hands.store, hands.settings, _named("mail")) == keys.failed_of_name("mail")


def test_more_than_a_read_may_file_is_left_to_the_records(
    hands: Hands, queue: Queue, job: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue.send([job(id=f"j{number}") for number in range(30)])
    for number in range(30):
        _fail_as_others_do(hands.store.client, f"j{number}")
    monkeypatch.setattr(indexes, "_MOST_MISSING", 20)
    assert index_of(hands.store, hands.settings, FAILED) is None
    seen: list[tuple[int, int]] = []
    assert reindex(hands.store, lambda done, total: seen.append((done, total))) == 30
    assert seen[-1] == (30, 30)
    assert agree(hands.store)
    assert index_of(hands.store, hands.settings, FAILED) == keys.FAILED_IDS
    assert reindex(hands.store) == 0


def test_names_beyond_the_most_have_no_index_and_get_one_when_there_is_room(
    hands: Hands, queue: Queue, job: Make
) -> None:
    client: Any = hands.store.client
    client.sadd(keys.FAILED_NAMES, *(f"n{number}" for number in range(MAX_FAILED_NAMES - 1)))
    _fail(hands, job(id="a", source_name="first"), job(id="b", source_name="second"), job(id="c", source_name="first"))
    assert {*client.zrange(keys.FAILED_UNNAMED, 0, -1)} == {b"b"}
    names = {name: index_of(hands.store, hands.settings, _named(name)) for name in ("first", "second")}
    assert names == {"first": keys.failed_of_name("first"), "second": None}
    client.srem(keys.FAILED_NAMES, *(f"n{number}" for number in range(MAX_FAILED_NAMES - 1)))
    _fail(hands, job(id="d", source_name="third"))
    assert index_of(hands.store, hands.settings, _named("third")) is None
    reindex(hands.store)
    assert agree(hands.store)
    assert index_of(hands.store, hands.settings, _named("second")) is not None


def test_an_author_s_flood_of_messages_fills_one_group_more_than_a_template_may_have(hands: Hands, job: Make) -> None:
    many = MAX_FAILURES_OF + 20
    for number in range(many):
        word = "".join(chr(97 + int(digit)) for digit in str(number))
        _fail(hands, job(id=f"j{number}"), error=f"ValueError: {word}")
    _fail(hands, job(id="other", template="pages/y"))
    client: Any = hands.store.client
    groups = indexed(hands.store, by="failure")
    assert len(groups) == MAX_FAILURES_OF + 2
    rest = Cause.of("pages/x", 0, "", "*").failure
    assert len(groups[rest]) == 20
    assert client.hget(keys.failure_about(rest), "rest") == b"1"
    assert agree(hands.store)
    # A group that nobody needs gives way.
    first = client.hget(keys.job("j0"), keys.FAILURE).decode()
    Queue(hands.store, hands.settings).retry("j0")
    hands.finish(hands.take(), Outcome(error="KeyError: new", raised="KeyError", retry=False))
    assert not client.exists(keys.failure_about(first))
    assert Cause.of("pages/x", 3, "KeyError", "KeyError: new").failure in indexed(hands.store, by="failure")


@pytest.mark.parametrize("kind", ["string", "list", "hash", "stream"])
def test_what_is_planted_in_their_place_hinders_nothing_and_is_mended(
    hands: Hands, queue: Queue, job: Make, kind: str
) -> None:
    _fail(hands, job(id="a"))
    client: Any = hands.store.client
    own = [key.decode() for key in client.scan_iter("liquid_background:fail*")]
    assert len(own) > 8
    for key in own:
        if client.type(key) == kind.encode():
            continue
        client.delete(key)
        {
            "string": lambda key=key: client.set(key, "x"),
            "list": lambda key=key: client.rpush(key, "x"),
            "hash": lambda key=key: client.hset(key, "x", "y"),
            "stream": lambda key=key: client.xadd(key, {"x": "y"}),
        }[kind]()
        _fail(hands, job(id=f"b{own.index(key)}"))
        queue.retry("a")
        hands.finish(hands.take(), Outcome(error="no", raised="ValueError", retry=False))
        reindex(hands.store)
        assert agree(hands.store), key


def test_a_full_store_fails_jobs_all_the_same(hands: Hands, queue: Queue, job: Make) -> None:
    queue.send([job(id="a")])
    running = hands.take()
    client: Any = hands.store.client
    try:
        client.config_set("maxmemory", 1)
        assert hands.finish(running, Outcome(error="no", retry=False)) == "done"
    finally:
        client.config_set("maxmemory", 0)
    assert queue.get("a").status is JobStatus.FAILED
    reindex(hands.store)
    assert agree(hands.store)


def test_jobs_of_another_site_are_left_alone(hands: Hands, store: Store, settings: Settings, job: Make) -> None:
    shop = Hands(replace(store, site="shop"), settings.model_copy(update={"site": "shop"}))
    _fail(hands, job(id="a"))
    _fail(shop, job(id="b"))
    assert (agree(hands.store), agree(shop.store)) == (True, True)
    assert {*indexed(shop.store, by="")[""]} == {b"b"}
    assert index_of(shop.store, shop.settings, FAILED) == "liquid_background:shop.failed"


@pytest.mark.parametrize("seed", range(4))
def test_after_anything_the_indexes_say_what_the_records_do(
    store: Store, settings: Settings, job: Make, seed: int
) -> None:
    rng = random.Random(seed)
    hands = Hands(store, settings)
    queue = Queue(store, settings)
    client: Any = store.client
    errors = ["ValueError: no customer {}", "KeyError: '{}'", "GET /orders/{}: 503 (pages/x:4)", "it is over"]
    ids: list[str] = []

    def act() -> None:
        match rng.choice(
            ["send", "fail", "fail", "fail", "others", "retry", "requeue", "drop", "empty", "look", "lost"]
        ):
            case "send":
                new = [f"j{len(ids) + number}" for number in range(rng.randint(1, 5))]
                ids.extend(new)
                names, templates = ["mail", "pay", "a-b"], ["pages/x", "pages/y"]
                queue.send(
                    [job(id=each, source_name=rng.choice(names), template=rng.choice(templates)) for each in new]
                )
            case "fail" if (batch := hands.claim()).jobs:
                [claimed] = batch.jobs
                assert isinstance(claimed, Claimed)
                running = Running.of(claimed, batch.token, batch.queue)
                hands.start(running)
                error = rng.choice(errors).format(rng.randint(0, 9**9))
                hands.finish(running, Outcome(error=error, raised=error.partition(":")[0], retry=False))
            case "others" if waiting := client.lrange(keys.queue("default"), 0, -1):
                _fail_as_others_do(client, rng.choice(waiting).decode())
            case ("retry" | "requeue" | "drop" | "lost") as how if failed := client.zrange(
                keys.failed("default"), 0, -1
            ):
                job_id = rng.choice(failed).decode()
                if how == "retry":
                    queue.retry(job_id)
                elif how == "requeue":
                    _requeue(client, job_id)
                elif how == "drop":
                    RqJob.fetch(job_id, connection=client, serializer=JSONSerializer).delete()
                else:
                    client.hdel(keys.FAILED_OF, job_id)
            case "empty" if rng.random() < 0.1:
                RqQueue("default", connection=client, serializer=JSONSerializer).empty()
            case "look":
                catch_up(store)
            case _:
                pass

    for _ in range(150):
        act()
        if rng.random() < 0.1:
            key = index_of(store, settings, FAILED)
            assert key is not None
            assert dict(client.zrange(key, 0, -1, withscores=True)) == oracle(store, by="").get("", {})
    reindex(store)
    assert agree(store)
    assert client.hlen(keys.FAILED_OF) == client.zcard(keys.FAILED_IDS)


def test_groups_are_bounded_in_all_too(hands: Hands, job: Make) -> None:
    client: Any = hands.store.client
    client.zadd(keys.FAILURE_GROUPS, {f"{number:012x}": 1 + number for number in range(MAX_FAILURES)})
    for number in range(3):
        client.zadd(keys.failed_of_group(f"{number:012x}"), {"x": 1})
    _fail(hands, job(id="a"), job(id="b", template="pages/y"))
    rest = Cause.of("", 0, "", "*").failure
    assert [client.hget(keys.job(each), keys.FAILURE).decode() for each in "ab"] == [rest, rest]
    assert client.zcard(keys.FAILURE_GROUPS) == MAX_FAILURES + 1
    client.delete(keys.failed_of_group(f"{1:012x}"))
    _fail(hands, job(id="c"))
    assert client.hget(keys.job("c"), keys.FAILURE).decode() != rest
    assert client.zscore(keys.FAILURE_GROUPS, f"{1:012x}") is None


def test_floods_of_some_templates_leave_room_for_the_failures_of_others(hands: Hands, job: Make) -> None:
    client: Any = hands.store.client
    client.zadd(keys.FAILURE_GROUPS, {f"{number:012x}": 1 + number for number in range(MAX_FAILURES * 3 // 4)})
    for number in range(MAX_FAILURES_OF):
        word = "".join(chr(97 + int(digit)) for digit in str(number))
        _fail(hands, job(id=f"j{number}"), error=f"ValueError: {word}")
    _fail(hands, job(id="other", template="pages/y"))
    groups = indexed(hands.store, by="failure")
    assert 8 < len(groups) <= MAX_FAILURES_OF // 4 + 2
    assert [*groups[client.hget(keys.job("other"), keys.FAILURE).decode()]] == [b"other"]
    assert agree(hands.store)


def test_workers_forget_a_group_that_has_had_no_failed_job_for_long(hands: Hands, queue: Queue, job: Make) -> None:
    client: Any = hands.store.client
    _fail(hands, job(id="a"), job(id="b", line=4), job(id="c", line=5), job(id="d", line=6))
    groups = {each: client.hget(keys.job(each), keys.FAILURE).decode() for each in "abcd"}
    for each in "abc":
        queue.retry(each)
    days = {"a": 8, "b": 6, "c": 8, "d": 8}
    now = client.time()[0]
    for each, failure in groups.items():
        client.hset(keys.failure_about(failure), "last", (now - days[each] * 86_400) * 1000)
    client.hset(keys.failure_about(groups["c"]), "silenced_at", 1)
    for _ in range(2):
        assert Looked.of(hands.call(filing.look_shared())) is not None
        assert hands.call(filing.look_shared()) == []  # another worker has just looked
        client.hdel(keys.FAILURES_LOOKED, "at")
    known = {each for each, failure in groups.items() if client.exists(keys.failure_about(failure))}
    assert known == {"b", "c", "d"}
    assert {each.decode() for each in client.zrange(keys.FAILURE_GROUPS, 0, -1)} == {groups[each] for each in known}
    assert client.zcard(keys.failures_of("pages/x")) == 3


def test_a_group_counts_by_the_hour_for_as_long_as_is_said(hands: Hands, queue: Queue, job: Make) -> None:
    client: Any = hands.store.client
    _fail(hands, job(id="a"))
    hours = keys.failure_hours(client.hget(keys.job("a"), keys.FAILURE).decode())
    [hour] = map(int, client.hkeys(hours))
    client.delete(hours)
    client.hset(hours, mapping={str(hour - back): 1 for back in range(1, HOURS + 30)})
    _fail(hands, job(id="b"), job(id="c"))
    kept = {int(each): int(count) for each, count in client.hgetall(hours).items()}
    assert kept == {hour: 2} | {hour - back: 1 for back in range(1, HOURS)}
    assert client.ttl(hours) > HOURS * 3600


def test_an_index_of_no_name_keeps_nobody_from_mending_the_others(hands: Hands, job: Make) -> None:
    _fail(hands, job(id="a", source_name="pay"))
    client = hands.store.client
    client.sadd(keys.FAILED_NAMES, "")
    client.zadd(keys.failed_of_name("pay"), {"gone": 1.0})
    assert reindex(hands.store) == 1
    assert agree(hands.store)


def test_what_takes_too_long_to_file_is_left_and_told(hands: Hands, job: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    Queue(hands.store, hands.settings).send([job(id=each) for each in "abcd"])
    for each in "abcd":
        _fail_as_others_do(hands.store.client, each)
    monkeypatch.setattr(indexes, "_MOST_MISSING", 2)
    monkeypatch.setattr(failures, "_LONGEST", 0.0)
    asked = Failures(lambda: hands.store, hands.settings)
    assert asked.list().unfiled == 4
    monkeypatch.undo()
    found = asked.list()
    assert (found.unfiled, [group.failed for group in found]) == (0, [4])
