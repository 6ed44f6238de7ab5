"""Operations: each job that matches is dealt with once, and none that ended or came to wait later."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from liquid_background import Engine
from liquid_background.errors import FilterError, OperationError
from liquid_background.job import Job, JobStatus, Outcome
from liquid_background.jobs.filter import Filter
from liquid_background.jobs.log import entries
from liquid_background.jobs.operating.carrying import LEASE, Carrier
from liquid_background.jobs.operating.operation import Operation, OperationState
from liquid_background.jobs.operating.operations import Operations
from liquid_background.jobs.queue import Queue, keys, scripts
from liquid_background.jobs.queue.protocol import FARTHEST_DUE, MAX_OPERATIONS
from liquid_background.jobs.store import Store
from liquid_background.settings import Settings
from tests.jobs.queue.hands import Hands

FAILED = Outcome(error="no")
ANY = Filter()


@pytest.fixture
def send(queue: Queue, job: Callable[..., Job]) -> Callable[..., list[str]]:
    def send(*ids: str, **fields: Any) -> list[str]:
        assert queue.send([job(id=each, **fields) for each in ids]) == []
        return [*ids]

    return send


@pytest.fixture
def fail(send: Callable[..., list[str]], hands: Hands) -> Callable[..., list[str]]:
    def fail(*ids: str, **fields: Any) -> list[str]:
        send(*ids, **fields)
        for _ in ids:
            assert hands.finish(hands.take(), FAILED) == "done"
        return [*ids]

    return fail


def carry_out(carrier: Carrier) -> None:
    while carrier.carry_on() == 0.0:
        pass


def _status(queue: Queue, *ids: str) -> list[str]:
    return [str(queue.get(each).status) for each in ids]


def _counts(operation: Operation) -> tuple[int, int, int, int]:
    return operation.matched, operation.done, operation.failed, operation.skipped


def test_a_retry_is_of_the_failed_jobs_that_match(
    fail: Callable[..., list[str]], queue: Queue, operations: Operations, carrier: Carrier
) -> None:
    fail("a1", "a2", source_name="mail")
    fail("b1", source_name="other")
    started = operations.start("retry", Filter(source_name="mail"), by="ada@web-3")
    assert (started.state, started.by, started.kind, started.filter) == (
        OperationState.RUNNING, "ada@web-3", "retry", Filter(source_name="mail"),
    )  # fmt: skip
    carry_out(carrier)
    assert _status(queue, "a1", "a2", "b1") == ["pending", "pending", "failed"]
    ended = operations.get(started.id)
    assert (ended.state, *_counts(ended)) == (OperationState.DONE, 2, 2, 0, 0)
    assert ended.created is not None
    assert ended.ended is not None
    assert started.created == ended.created <= ended.ended
    assert carrier.carry_on() is None


def test_a_dry_run_counts_and_keeps_nothing(
    fail: Callable[..., list[str]], queue: Queue, operations: Operations, store: Store
) -> None:
    fail(*(f"a{number}" for number in range(8)))
    found = operations.start("retry", ANY, dry_run=True)
    assert (found.state, found.matched, len(found.sample)) == (OperationState.DRY_RUN, 8, 5)
    assert operations.list() == []
    assert _status(queue, "a1") == ["failed"]
    assert not store.client.exists(keys.AUDIT)


def test_cancel_is_of_all_that_has_not_ended(
    send: Callable[..., list[str]],
    fail: Callable[..., list[str]],
    queue: Queue,
    hands: Hands,
    operations: Operations,
    carrier: Carrier,
) -> None:
    fail("failed")
    send("runs", "claimed")
    running, _ = hands.take(), hands.hold()
    send("waits")
    send("delayed", delay=60.0)
    operation = operations.start("cancel", ANY)
    carry_out(carrier)
    assert hands.beat(running) == b"cancel"
    assert _status(queue, "failed", "claimed", "waits", "delayed") == ["failed", "cancelled", "cancelled", "cancelled"]
    assert _counts(operations.get(operation.id)) == (4, 4, 0, 0)
    assert [entry.status for entry in entries(queue.store.client) if entry.job_id == "waits"] == ["CANCELLED"]
    assert hands.claim().jobs == ()


def test_the_log_says_where_a_cancelled_job_stands(
    send: Callable[..., list[str]], queue: Queue, operations: Operations, carrier: Carrier
) -> None:
    send("one", max_attempts=3)
    operations.start("cancel", ANY)
    carry_out(carrier)
    [entry] = entries(queue.store.client)
    assert (entry.source_name, entry.template, entry.line) == ("mail", "pages/x", 3)
    assert (entry.attempt, entry.max_attempts, entry.final) == (0, 3, True)


def test_delete_leaves_nothing_of_a_job_and_refuses_those_that_have_not_ended(
    send: Callable[..., list[str]],
    fail: Callable[..., list[str]],
    hands: Hands,
    operations: Operations,
    carrier: Carrier,
    store: Store,
) -> None:
    fail("bad")
    send("good", "runs", "waits")
    hands.finish(hands.take(), Outcome(result="x"))
    hands.take()
    operation = operations.start("delete", ANY)
    carry_out(carrier)
    left = {key.decode() for key in store.client.keys("rq:job:*")}
    assert left == {"rq:job:runs", "rq:job:waits"}
    assert not store.client.keys("rq:results:*")
    assert not store.client.zcard(keys.failed("default")) + store.client.zcard(keys.finished("default"))
    assert _counts(operations.get(operation.id)) == (2, 2, 0, 0)
    with pytest.raises(OperationError, match="cannot delete jobs that are running; cancel them first"):
        operations.start("delete", Filter(status=JobStatus.RUNNING))


def test_what_failed_again_or_later_is_left(
    fail: Callable[..., list[str]], queue: Queue, hands: Hands, operations: Operations, carrier: Carrier, store: Store
) -> None:
    fail("before")
    operation = operations.start("retry", ANY)
    fail("after")
    carry_out(carrier)
    assert _status(queue, "before", "after") == ["pending", "failed"]
    hands.finish(hands.take(), FAILED)
    again = operations.get(operation.id)
    assert _counts(again) == (2, 1, 0, 1)
    # Even where the clock says that it failed before the operation began.
    store.client.hset(keys.job("before"), "ended_at", "2001-01-01T00:00:00.000000Z")
    store.client.hset(keys.operation(operation.id), mapping={"state": "running", "cursor": ""})
    store.client.zadd(keys.OPERATIONS_DUE, {operation.id: 1})
    carry_out(carrier)
    assert _status(queue, "before") == ["failed"]
    assert operations.get(operation.id).done == 1


def test_what_came_to_wait_later_is_not_cancelled(
    send: Callable[..., list[str]],
    fail: Callable[..., list[str]],
    queue: Queue,
    hands: Hands,
    operations: Operations,
    carrier: Carrier,
) -> None:
    send("tried", max_attempts=2, waits=(60.0,))
    running = hands.take()
    fail("retried")
    send("delayed", delay=60.0)
    send("claimed")
    hands.hold()
    operation = operations.start("cancel", Filter(status=JobStatus.PENDING))
    hands.finish(running, FAILED)  # waits for its second attempt since now
    queue.retry("retried")
    send("new")
    hands.expire_leases()  # what was claimed waits as before
    hands.make_due("delayed")  # and so does what is due by now
    hands.tick()
    carry_out(carrier)
    assert _status(queue, "tried", "retried", "new", "claimed", "delayed") == [
        "pending", "pending", "pending", "cancelled", "cancelled",
    ]  # fmt: skip
    assert operations.get(operation.id).done == 2


def test_a_retry_by_rq_s_tools_came_to_wait_then(
    fail: Callable[..., list[str]], queue: Queue, operations: Operations, carrier: Carrier, store: Store
) -> None:
    fail("one")
    operations.start("cancel", ANY)
    store.client.zrem(keys.failed("default"), "one")
    seconds, micros = store.client.time()
    now = datetime.fromtimestamp(seconds + micros / 1e6, UTC).strftime(keys.TIME_FORMAT)
    store.client.hset(keys.job("one"), mapping={"status": "queued", "enqueued_at": now})
    store.client.rpush(keys.queue("default"), "one")
    carry_out(carrier)
    assert _status(queue, "one") == ["pending"]


@pytest.mark.parametrize("where", ["take", "scan", "chunk"])
def test_another_one_goes_on_where_a_carrier_died(
    where: str,
    fail: Callable[..., list[str]],
    queue: Queue,
    operations: Operations,
    settings: Settings,
    store: Store,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ids = fail(*(f"a{number}" for number in range(60)))
    operation = operations.start("retry", ANY)
    run, calls = scripts.run, []

    def dies(store: Store, name: str, *rest: Any) -> Any:
        reply = run(store, name, *rest)
        calls.append(name)
        if name.endswith(where) and calls.count(name) == 2 - (where == "take"):
            raise KeyboardInterrupt
        return reply

    with monkeypatch.context() as patch:
        patch.setattr(scripts, "run", dies)
        with pytest.raises(KeyboardInterrupt):
            carry_out(Carrier(store, settings))
    other = Carrier(store, settings)
    wait = other.carry_on()
    assert wait is not None
    assert LEASE - 2 < wait <= LEASE
    store.client.zadd(keys.OPERATIONS_DUE, {operation.id: 1})  # its lease is over
    carry_out(other)
    assert set(_status(queue, *ids)) == {"pending"}
    assert store.client.llen(keys.queue("default")) == len(ids)
    assert _counts(operations.get(operation.id)) == (60, 60, 0, 0)


def test_who_lost_the_lease_does_nothing_more(
    fail: Callable[..., list[str]], queue: Queue, operations: Operations, carrier: Carrier, store: Store
) -> None:
    [job_id] = fail("one")
    operation = operations.start("retry", ANY)
    carrier_args = ["old", 1000, 1]
    assert scripts.run(store, "operation_take", carrier_args)[0] == b"taken"
    store.client.zadd(keys.OPERATIONS_DUE, {operation.id: 1})
    assert scripts.run(store, "operation_take", ["new", 1000, 1])[0] == b"taken"
    head = [operation.id, "old", 1000, "0:", 1, 1, "", 0, 100]
    assert scripts.run(store, "operation_chunk", [*head, job_id, "", ""]) == [b"fenced"]
    assert _status(queue, job_id) == ["failed"]
    operations.abort(operation.id)
    head[1] = "new"
    assert scripts.run(store, "operation_chunk", [*head, job_id, "", ""]) == [b"fenced"]


def test_an_abort_leaves_what_was_done(
    fail: Callable[..., list[str]], queue: Queue, operations: Operations, carrier: Carrier
) -> None:
    fail("one")
    operation = operations.start("retry", ANY)
    aborted = operations.abort(operation.id, by="ada")
    assert (aborted.state, aborted.ended_by) == (OperationState.ABORTED, "ada")
    carry_out(carrier)
    assert _status(queue, "one") == ["failed"]
    with pytest.raises(OperationError, match="it is aborted"):
        operations.abort(operation.id)
    with pytest.raises(OperationError, match="no operation has the id 'none'"):
        operations.abort("none")


def test_a_rate_lets_so_many_go_at_a_time(
    fail: Callable[..., list[str]], queue: Queue, operations: Operations, carrier: Carrier, store: Store
) -> None:
    ids = fail(*(f"a{number}" for number in range(10)))
    operation = operations.start("retry", ANY, rate="100/m")
    assert carrier.carry_on() == 0.0
    assert operations.get(operation.id).done == 1
    wait = carrier.carry_on()
    assert wait is not None
    assert 0.4 < wait <= 0.6
    store.client.zadd(keys.OPERATIONS_DUE, {operation.id: 1})
    assert carrier.carry_on() == 0.0
    assert operations.get(operation.id).done == 2
    assert sorted(_status(queue, *ids)) == ["failed"] * 8 + ["pending"] * 2


@pytest.mark.parametrize("rate", ["0/s", "10", "10/d", "-1/s", "1.5/s", "10/s ", "٣/s", "9999999/s"])
def test_a_rate_that_is_none_is_refused(rate: str, operations: Operations) -> None:
    with pytest.raises(OperationError, match="is not one such as 10/s"):
        operations.start("retry", ANY, rate=rate)


def test_what_cannot_be_is_refused(operations: Operations) -> None:
    with pytest.raises(OperationError, match="no operation is called 'pause': give one of retry, cancel, delete"):
        operations.start("pause", ANY)
    with pytest.raises(OperationError, match="cannot retry jobs that are completed"):
        operations.start("retry", Filter(status=JobStatus.COMPLETED))
    with pytest.raises(OperationError, match="cannot cancel jobs that are failed"):
        operations.start("cancel", Filter(status=JobStatus.FAILED))
    with pytest.raises(FilterError, match="masked"):
        operations.start("retry", Filter(values={"password": "x"}))
    with pytest.raises(OperationError, match="takes over 16 KB"):
        operations.start("retry", Filter(error="x" * 20_000))
    assert operations.list() == []


def test_a_filter_that_means_nothing_is_done_at_once(operations: Operations, carrier: Carrier) -> None:
    operation = operations.start("delete", Filter(source_name="none"))
    carry_out(carrier)
    assert (operations.get(operation.id).state, _counts(operations.get(operation.id))) == ("done", (0, 0, 0, 0))


def test_signed_jobs_are_signed_anew_and_others_count_as_failed(
    store: Store, settings: Settings, job: Callable[..., Job]
) -> None:
    keyed = settings.model_copy(update={"signing_key": _key("k" * 32)})
    queue, hands = Queue(store, keyed), Hands(store, keyed)
    queue.send([job(id="good"), job(id="forged")])
    for _ in range(2):
        hands.finish(hands.take(), FAILED)
    store.client.hset(keys.job("forged"), "timeout", "17")
    operations = Operations(store, keyed)
    operation = operations.start("retry", ANY)
    carry_out(Carrier(store, keyed))
    ended = operations.get(operation.id)
    assert _counts(ended) == (2, 1, 1, 0)
    assert ended.last_error.startswith("job forged: the signature does not fit")
    assert hands.take().id == "good"
    assert queue.get("forged").status == "failed"


def test_a_signed_job_needs_the_key(store: Store, settings: Settings, job: Callable[..., Job]) -> None:
    keyed = settings.model_copy(update={"signing_key": _key("k" * 32)})
    Queue(store, keyed).send([job(id="one")])
    hands = Hands(store, keyed)
    hands.finish(hands.take(), FAILED)
    operations = Operations(store, settings)
    operation = operations.start("retry", ANY)
    carry_out(Carrier(store, settings))
    assert operations.get(operation.id).last_error == (
        "job one: it is signed, and SIGNING_KEY is not set where this was carried out"
    )


def _key(text: str) -> Any:
    return (SecretStr(text),)


def test_garbage_is_aborted_and_what_is_newer_is_left_to_newer_workers(
    fail: Callable[..., list[str]],
    queue: Queue,
    operations: Operations,
    carrier: Carrier,
    store: Store,
    caplog: pytest.LogCaptureFixture,
) -> None:
    fail("one")
    fields = {"state": "running", "created": "1", "began": "x", "by": "eve"}
    planted = {
        "newer": {**fields, "v": "2", "kind": "new", "filter": "?"},
        "filter": {**fields, "v": "1", "kind": "retry", "filter": "\xff{"},
        "kind": {**fields, "v": "1", "kind": "explode", "filter": ANY.as_json()},
        "nothing": {"v": "1"},
        "began": {"state": "running", "v": "1", "kind": "retry", "filter": ANY.as_json()},
        "place": {**fields, "v": "1", "kind": "retry", "filter": ANY.as_json(), "cursor": "0:nonsense"},
    }
    for name, values in planted.items():
        store.client.hset(keys.operation(name), mapping=values)
        store.client.zadd(keys.OPERATIONS_DUE, {name: 1})
        store.client.zadd(keys.OPERATIONS, {name: 1})
    store.client.set(keys.operation("string"), "x")
    store.client.zadd(keys.OPERATIONS_DUE, {"string": 1, "gone": 1})
    store.client.zadd(keys.OPERATIONS, {"string": 1, "gone": 1})
    carry_out(carrier)
    assert _status(queue, "one") == ["failed"]
    assert carrier.carry_on() is None
    states = {name: store.client.hget(keys.operation(name), "state") for name in planted}
    assert states == {
        "newer": b"running",
        "filter": b"aborted",
        "kind": b"aborted",
        "nothing": None,
        "began": b"done",
        "place": b"aborted",
    }
    assert sum("newer version" in line for line in caplog.messages) == 1
    assert {each.id for each in operations.list()} == {"place", "began"}
    with pytest.raises(OperationError, match="newer version: upgrade this one"):
        operations.get("newer")
    for name in ("nothing", "string", "gone"):
        with pytest.raises(OperationError, match=f"operation {name} cannot be read|no operation has the id '{name}'"):
            operations.get(name)
    assert scripts.run(store, "operation_revive", []) == 1


def test_planted_types_cost_only_themselves(
    fail: Callable[..., list[str]], queue: Queue, operations: Operations, carrier: Carrier, store: Store
) -> None:
    fail("one")
    for key in (keys.OPERATIONS, keys.OPERATIONS_DUE, keys.AUDIT):
        store.client.set(key, "planted")
    assert operations.list() == []
    assert carrier.carry_on() is None
    operations.start("retry", ANY)
    carry_out(carrier)
    assert _status(queue, "one") == ["pending"]


@pytest.mark.parametrize("jump", [-3600, 3600])
def test_a_clock_that_jumped_holds_no_operation_up_for_long(
    jump: int, fail: Callable[..., list[str]], operations: Operations, carrier: Carrier, store: Store
) -> None:
    fail("one")
    operation = operations.start("retry", ANY)
    seconds, _ = store.client.time()
    store.client.zadd(keys.OPERATIONS_DUE, {operation.id: (seconds - jump) * 1000})
    carry_out(carrier)
    assert operations.get(operation.id).done == 1
    assert FARTHEST_DUE <= 60


def test_a_list_that_was_lost_is_made_anew(
    fail: Callable[..., list[str]], queue: Queue, operations: Operations, carrier: Carrier, store: Store
) -> None:
    fail("one")
    operations.start("retry", ANY)
    store.client.delete(keys.OPERATIONS_DUE)
    assert carrier.carry_on() is None
    scripts.run(store, "operation_revive", [])
    carry_out(carrier)
    assert _status(queue, "one") == ["pending"]


def test_the_newest_thousand_are_kept_and_all_that_run(operations: Operations, store: Store) -> None:
    running = operations.start("retry", ANY)
    for number in range(MAX_OPERATIONS + 50):
        name = f"{number:08}"
        store.client.hset(keys.operation(name), mapping={"state": "done"})
        store.client.zadd(keys.OPERATIONS, {name: number})
    for _ in range(3):
        operations.start("retry", ANY)
    assert store.client.zcard(keys.OPERATIONS) <= MAX_OPERATIONS + 1
    assert store.client.zscore(keys.OPERATIONS, running.id)
    assert not store.client.exists(keys.operation("00000000"))
    assert operations.list(2)[0].created is not None


def test_one_that_ended_is_kept_for_thirty_days(operations: Operations, carrier: Carrier, store: Store) -> None:
    operation = operations.start("retry", ANY)
    assert store.client.ttl(keys.operation(operation.id)) == -1
    carry_out(carrier)
    assert timedelta(days=29) < timedelta(seconds=store.client.ttl(keys.operation(operation.id))) <= timedelta(days=30)


def test_an_id_may_be_given_by_its_beginning(operations: Operations, store: Store) -> None:
    for name in ("abc1", "abc2", "abd1"):
        store.client.hset(
            keys.operation(name),
            mapping={"v": 1, "kind": "retry", "filter": ANY.as_json(), "state": "done", "created": 1},
        )
        store.client.zadd(keys.OPERATIONS, {name: 1})
    assert operations.get("abd").id == "abd1"
    with pytest.raises(OperationError, match="several operations begin with 'abc': abc2, abc1"):
        operations.get("abc")
    with pytest.raises(OperationError, match="no operation"):
        operations.get("")


def test_followers_see_each_step_to_the_end(
    fail: Callable[..., list[str]], operations: Operations, carrier: Carrier
) -> None:
    fail("one")
    operation = operations.start("retry", ANY)
    seen = []
    for state in operations.follow(operation.id):
        seen.append((state.state, state.done))
        carry_out(carrier)
    assert seen == [("running", 0), ("done", 1)]


@pytest.mark.anyio
async def test_coroutines_ask_without_holding_up_their_loop(settings: Settings) -> None:
    engine = Engine(settings=settings)
    started = await engine.operations.start_async("retry", ANY, by="ada")
    assert (await engine.operations.get_async(started.id)).id == started.id
    assert [each.id for each in await engine.operations.list_async()] == [started.id]
    assert (await engine.operations.abort_async(started.id)).state == "aborted"
    assert [each.state async for each in engine.operations.follow_async(started.id)] == ["aborted"]
    engine.store.close()


def test_sites_have_operations_of_their_own(store: Store, settings: Settings, job: Callable[..., Job]) -> None:
    shop = Engine(settings=settings.model_copy(update={"site": "shop"}))
    shop.jobs.send([job(id="theirs")])
    Queue(store, settings).send([job(id="ours")])
    operation = shop.operations.start("cancel", ANY)
    assert Operations(store, settings).list() == []
    assert Carrier(store, settings).carry_on() is None
    carry_out(Carrier(shop.store, shop.settings))
    assert shop.operations.get(operation.id).done == 1
    assert Queue(store, settings).get("ours").status == "pending"
    shop.store.close()


def test_who_asked_stands_in_the_audit(operations: Operations, settings: Settings) -> None:
    engine = Engine(settings=settings)
    operation = operations.start("retry", Filter(source_name="mail"), by="ada")
    operations.abort(operation.id, by="bob")
    said = [(entry.by, entry.action, entry.about) for entry in engine.audit.entries()]
    assert said == [
        ("ada", "retry", f'operation {operation.id}: {{"v": 1, "source_name": "mail"}}'),
        ("bob", "abort", f"operation {operation.id} (retry)"),
    ]
    engine.store.close()
