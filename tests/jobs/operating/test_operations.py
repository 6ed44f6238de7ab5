"""Operations: each job that matches is dealt with once, and none that ended or came to wait later."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from pydantic import SecretStr

from liquid_background import Engine
from liquid_background.errors import FilterError, OperationError
from liquid_background.job import Job, JobStatus, Outcome
from liquid_background.jobs.filter import Filter
from liquid_background.jobs.log import entries
from liquid_background.jobs.operating import carrying
from liquid_background.jobs.operating.carrying import Carrier
from liquid_background.jobs.operating.operation import Operation, OperationState
from liquid_background.jobs.operating.operations import Operations
from liquid_background.jobs.queue import Queue, keys, scripts
from liquid_background.jobs.queue.protocol import FARTHEST_DUE, MAX_OPERATIONS
from liquid_background.jobs.store import Store
from liquid_background.settings import Settings
from tests.jobs.operating.desk import FAILED, Desk, carry_out
from tests.jobs.queue.hands import Hands

ANY = Filter()


def _counts(operation: Operation) -> tuple[int, int, int, int]:
    return operation.matched, operation.done, operation.failed, operation.skipped


def test_a_retry_is_of_the_failed_jobs_that_match(desk: Desk) -> None:
    desk.fail("a1", "a2", source_name="mail")
    desk.fail("b1", source_name="other")
    started = desk.operations.start("retry", Filter(source_name="mail"), by="ada@web-3")
    assert (started.state, started.by, started.kind, started.filter) == (
        OperationState.RUNNING, "ada@web-3", "retry", Filter(source_name="mail"),
    )  # fmt: skip
    desk.carry_out()
    assert desk.statuses("a1", "a2", "b1") == ["pending", "pending", "failed"]
    ended = desk.operations.get(started.id)
    assert (ended.state, *_counts(ended)) == (OperationState.DONE, 2, 2, 0, 0)
    assert ended.created is not None
    assert ended.ended is not None
    assert started.created == ended.created <= ended.ended
    assert desk.carrier.carry_on() is None


def test_a_dry_run_counts_and_keeps_nothing(desk: Desk) -> None:
    desk.fail(*(f"a{number}" for number in range(8)))
    found = desk.operations.start("retry", ANY, dry_run=True)
    assert (found.state, found.matched, len(found.sample)) == (OperationState.DRY_RUN, 8, 5)
    assert desk.operations.list() == []
    assert desk.statuses("a1") == ["failed"]
    assert not desk.store.client.exists(keys.AUDIT)


def test_cancel_is_of_all_that_has_not_ended(desk: Desk) -> None:
    desk.fail("failed")
    desk.send("runs", "claimed")
    running, _ = desk.hands.take(), desk.hands.hold()
    desk.send("waits")
    desk.send("delayed", delay=60.0)
    operation = desk.operations.start("cancel", ANY)
    desk.carry_out()
    assert desk.hands.beat(running) == b"cancel"
    assert desk.statuses("failed", "claimed", "waits", "delayed") == ["failed", "cancelled", "cancelled", "cancelled"]
    assert _counts(desk.operations.get(operation.id)) == (4, 4, 0, 0)
    assert [entry.status for entry in entries(desk.queue.store.client) if entry.job_id == "waits"] == ["CANCELLED"]
    assert desk.hands.claim().jobs == ()


def test_the_log_says_where_a_cancelled_job_stands(desk: Desk) -> None:
    desk.send("one", max_attempts=3)
    desk.operations.start("cancel", ANY)
    desk.carry_out()
    [entry] = entries(desk.queue.store.client)
    assert (entry.source_name, entry.template, entry.line) == ("mail", "pages/x", 3)
    assert (entry.attempt, entry.max_attempts, entry.final) == (0, 3, True)


def test_the_log_says_where_a_cancelled_job_stands_without_a_look_at_what_its_author_wrote(desk: Desk) -> None:
    """The store takes up to 7 ms for the 100 KB of one job, and does nothing else meanwhile."""
    name = 'pages/ä","line":7,"x\\'
    desk.send("one", template=name)
    client, key = desk.queue.store.client, keys.job("one")
    data: bytes = client.hget(key, "data")
    client.hset(key, "data", data[: data.index(b',"parameters":')] + b',"parameters":{' + b"[" * 100_000)
    desk.operations.start("cancel", ANY)
    desk.carry_out()
    [entry] = entries(client)
    assert (entry.status, entry.template, entry.line) == ("CANCELLED", name, 3)


def test_delete_leaves_nothing_of_a_job_and_refuses_those_that_have_not_ended(desk: Desk) -> None:
    desk.fail("bad")
    desk.send("good", "runs", "waits")
    desk.hands.finish(desk.hands.take(), Outcome(result="x"))
    desk.hands.take()
    operation = desk.operations.start("delete", ANY)
    desk.carry_out()
    left = {key.decode() for key in desk.store.client.keys("rq:job:*")}
    assert left == {"rq:job:runs", "rq:job:waits"}
    assert not desk.store.client.keys("rq:results:*")
    assert not desk.store.client.zcard(keys.failed("default")) + desk.store.client.zcard(keys.finished("default"))
    assert _counts(desk.operations.get(operation.id)) == (2, 2, 0, 0)
    with pytest.raises(OperationError, match="cannot delete jobs that are running; cancel them first"):
        desk.operations.start("delete", Filter(status=JobStatus.RUNNING))


def test_what_failed_again_or_later_is_left(desk: Desk) -> None:
    desk.fail("before")
    operation = desk.operations.start("retry", ANY)
    desk.fail("after")
    desk.carry_out()
    assert desk.statuses("before", "after") == ["pending", "failed"]
    desk.hands.finish(desk.hands.take(), FAILED)
    again = desk.operations.get(operation.id)
    assert _counts(again) == (2, 1, 0, 1)
    # Even where the clock says that it failed before the operation began.
    desk.store.client.hset(keys.job("before"), "ended_at", "2001-01-01T00:00:00.000000Z")
    desk.store.client.hset(keys.operation(operation.id), mapping={"state": "running", "cursor": ""})
    desk.store.client.zadd(keys.OPERATIONS_DUE, {operation.id: 1})
    desk.carry_out()
    assert desk.statuses("before") == ["failed"]
    assert desk.operations.get(operation.id).done == 1


def test_what_came_to_wait_later_is_not_cancelled(desk: Desk) -> None:
    desk.send("tried", max_attempts=2, waits=(60.0,))
    running = desk.hands.take()
    desk.fail("retried")
    desk.send("delayed", delay=60.0)
    desk.send("claimed")
    desk.hands.hold()
    operation = desk.operations.start("cancel", Filter(status=JobStatus.PENDING))
    desk.hands.finish(running, FAILED)  # waits for its second attempt since now
    desk.queue.retry("retried")
    desk.send("new")
    desk.hands.expire_leases()  # what was claimed waits as before
    desk.hands.make_due("delayed")  # and so does what is due by now
    desk.hands.tick()
    desk.carry_out()
    assert desk.statuses("tried", "retried", "new", "claimed", "delayed") == [
        "pending", "pending", "pending", "cancelled", "cancelled",
    ]  # fmt: skip
    assert desk.operations.get(operation.id).done == 2


def test_a_retry_by_rq_s_tools_came_to_wait_then(desk: Desk) -> None:
    desk.fail("one")
    desk.operations.start("cancel", ANY)
    desk.store.client.zrem(keys.failed("default"), "one")
    seconds, micros = desk.store.client.time()
    now = datetime.fromtimestamp(seconds + micros / 1e6, UTC).strftime(keys.TIME_FORMAT)
    desk.store.client.hset(keys.job("one"), mapping={"status": "queued", "enqueued_at": now})
    desk.store.client.rpush(keys.queue("default"), "one")
    desk.carry_out()
    assert desk.statuses("one") == ["pending"]


@pytest.mark.parametrize("where", ["take", "scan", "chunk"])
def test_another_one_goes_on_where_a_carrier_died(
    desk: Desk, where: str, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = desk.fail(*(f"a{number}" for number in range(60)))
    operation = desk.operations.start("retry", ANY)
    run, calls = scripts.run, []

    def dies(store: Store, name: str, *rest: Any) -> Any:
        reply = run(desk.store, name, *rest)
        calls.append(name)
        if name.endswith(where) and calls.count(name) == 2 - (where == "take"):
            raise KeyboardInterrupt
        return reply

    with monkeypatch.context() as patch:
        patch.setattr(scripts, "run", dies)
        with pytest.raises(KeyboardInterrupt):
            carry_out(Carrier(desk.store, settings))
    other = Carrier(desk.store, settings)
    wait = other.carry_on()
    assert wait is not None
    assert settings.lease - 2 < wait <= settings.lease
    desk.store.client.zadd(keys.OPERATIONS_DUE, {operation.id: 1})  # its lease is over
    carry_out(other)
    assert set(desk.statuses(*ids)) == {"pending"}
    assert desk.store.client.llen(keys.queue("default")) == len(ids)
    assert _counts(desk.operations.get(operation.id)) == (60, 60, 0, 0)


def test_who_lost_the_lease_does_nothing_more(desk: Desk) -> None:
    [job_id] = desk.fail("one")
    operation = desk.operations.start("retry", ANY)
    assert scripts.run(desk.store, "operation_take", ["old", 1000, 1])[0] == b"taken"
    desk.store.client.zadd(keys.OPERATIONS_DUE, {operation.id: 1})
    assert scripts.run(desk.store, "operation_take", ["new", 1000, 1])[0] == b"taken"
    head = [operation.id, "old", 1000, "0:", 1, 1, "", 0, 100]
    assert scripts.run(desk.store, "operation_chunk", [*head, job_id, "", ""]) == [b"fenced"]
    assert desk.statuses(job_id) == ["failed"]
    desk.operations.abort(operation.id)
    head[1] = "new"
    assert scripts.run(desk.store, "operation_chunk", [*head, job_id, "", ""]) == [b"fenced"]


def test_an_abort_leaves_what_was_done(desk: Desk) -> None:
    desk.fail("one")
    operation = desk.operations.start("retry", ANY)
    aborted = desk.operations.abort(operation.id, by="ada")
    assert (aborted.state, aborted.ended_by) == (OperationState.ABORTED, "ada")
    desk.carry_out()
    assert desk.statuses("one") == ["failed"]
    with pytest.raises(OperationError, match="it is aborted"):
        desk.operations.abort(operation.id)
    with pytest.raises(OperationError, match="no operation has the id 'none'"):
        desk.operations.abort("none")


def test_a_rate_lets_so_many_go_at_a_time(desk: Desk) -> None:
    ids = desk.fail(*(f"a{number}" for number in range(10)))
    operation = desk.operations.start("retry", ANY, rate="100/m")
    assert desk.carrier.carry_on() == 0.0
    assert desk.operations.get(operation.id).done == 1
    wait = desk.carrier.carry_on()
    assert wait is not None
    assert 0.4 < wait <= 0.6
    desk.store.client.zadd(keys.OPERATIONS_DUE, {operation.id: 1})
    assert desk.carrier.carry_on() == 0.0
    assert desk.operations.get(operation.id).done == 2
    assert sorted(desk.statuses(*ids)) == ["failed"] * 8 + ["pending"] * 2


def test_a_machine_that_is_slow_holds_no_rate_up(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = count(step=0.2)  # whatever is done takes as long
    monkeypatch.setattr(carrying, "monotonic", lambda: next(clock))
    desk.send(*(f"a{number}" for number in range(60)), delay=60.0)
    operation = desk.operations.start("cancel", ANY, rate="20/s")
    for part in (1, 2, 3):
        assert _carry_on_at_its_rate(desk, operation)
        assert desk.operations.get(operation.id).done == 10 * part  # half a second's worth


def _carry_on_at_its_rate(desk: Desk, operation: Operation) -> bool:
    """Do what is due when the rate lets it go on; whether it does."""
    if desk.operations.get(operation.id).state is not OperationState.RUNNING:
        return False
    desk.store.client.zadd(keys.OPERATIONS_DUE, {operation.id: 1})
    assert desk.carrier.carry_on() is not None
    return True


def test_a_slow_retry_gets_through_jobs_that_fail_again_at_once(desk: Desk) -> None:
    ids = desk.fail(*(f"a{number}" for number in range(12)))
    operation = desk.operations.start("retry", ANY, rate="4/s")
    parts = 0
    while _carry_on_at_its_rate(desk, operation):
        while desk.store.client.llen(keys.queue("default")):
            desk.hands.finish(desk.hands.take(), FAILED)
        parts += 1
        assert parts <= len(ids)
    assert _counts(desk.operations.get(operation.id)) == (12, 12, 0, 0)
    assert desk.operations.get(operation.id).looked_at == 12


def test_what_fails_meanwhile_holds_no_slow_retry_up_and_counts_once(desk: Desk) -> None:
    ids = desk.fail(*(f"a{number}" for number in range(6)))
    operation = desk.operations.start("retry", ANY, rate="4/s")
    later = 0
    while _carry_on_at_its_rate(desk, operation):
        assert later <= len(ids)
        desk.store.client.delete(keys.queue("default"))  # the retried ones, which stand before
        desk.fail(f"b{later}")
        later += 1
    assert _counts(desk.operations.get(operation.id)) == (6, 6, 0, 0)
    assert desk.statuses("b0") == ["failed"]


def test_jobs_of_each_status_count_as_looked_at(desk: Desk) -> None:
    desk.send("runs", *(f"a{number}" for number in range(6)))
    desk.hands.take()
    operation = desk.operations.start("cancel", ANY)  # of those that wait, then of those that run
    desk.carry_out()
    ended = desk.operations.get(operation.id)
    assert (ended.done, ended.looked_at) == (7, ended.of)
    assert ended.looked_at >= 7  # a job that runs has more than one place


def test_a_slow_cancel_passes_each_job_that_comes_meanwhile_once(desk: Desk) -> None:
    desk.send(*(f"a{number}" for number in range(6)))
    operation = desk.operations.start("cancel", ANY, rate="4/s")
    later = 0
    while _carry_on_at_its_rate(desk, operation):
        assert later <= 12
        desk.send(f"b{later}")
        later += 1
    ended = desk.operations.get(operation.id)
    assert (ended.done, ended.failed) == (6, 0)
    assert ended.skipped <= later


def test_what_is_passed_by_counts_once_however_often_it_is_met(desk: Desk) -> None:
    desk.send("meant")
    operation = desk.operations.start("cancel", ANY)
    desk.send("late", "taken")
    desk.send("delayed", delay=60.0)
    desk.carry_out()  # it looks at all that waits twice
    assert _counts(desk.operations.get(operation.id)) == (4, 1, 0, 3)
    assert desk.statuses("meant", "late", "taken", "delayed") == ["cancelled", *["pending"] * 3]
    other = desk.operations.start("cancel", ANY)  # and another one counts for itself
    desk.carry_out()
    assert _counts(desk.operations.get(other.id)) == (3, 3, 0, 0)
    desk.store.client.zadd(keys.failed("default"), {"gone": 9e9})
    assert desk.operations.start("delete", ANY)
    desk.carry_out()
    assert not desk.store.client.exists(keys.job("gone"))  # no record is made of what has none


@pytest.mark.parametrize("rate", ["0/s", "10", "10/d", "-1/s", "1.5/s", "10/s ", "٣/s", "9999999/s"])
def test_a_rate_that_is_none_is_refused(desk: Desk, rate: str) -> None:
    with pytest.raises(OperationError, match="is not one such as 10/s"):
        desk.operations.start("retry", ANY, rate=rate)


def test_what_cannot_be_is_refused(desk: Desk) -> None:
    with pytest.raises(OperationError, match="no operation is called 'pause': give one of retry, cancel, delete"):
        desk.operations.start("pause", ANY)
    with pytest.raises(OperationError, match="cannot retry jobs that are completed"):
        desk.operations.start("retry", Filter(status=JobStatus.COMPLETED))
    with pytest.raises(OperationError, match="cannot cancel jobs that are failed"):
        desk.operations.start("cancel", Filter(status=JobStatus.FAILED))
    with pytest.raises(FilterError, match="masked"):
        desk.operations.start("retry", Filter(values={"password": "x"}))
    with pytest.raises(OperationError, match="takes over 16 KB"):
        desk.operations.start("retry", Filter(error="x" * 20_000))
    assert desk.operations.list() == []


def test_a_filter_that_means_nothing_is_done_at_once(desk: Desk) -> None:
    operation = desk.operations.start("delete", Filter(source_name="none"))
    desk.carry_out()
    assert (desk.operations.get(operation.id).state, _counts(desk.operations.get(operation.id))) == (
        "done",
        (0, 0, 0, 0),
    )


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
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    desk.fail("one")
    fields = {"state": "running", "created": "1", "began": "x", "by": "eve"}
    planted = {
        "newer": {**fields, "v": "3", "kind": "new", "filter": "?"},
        "filter": {**fields, "v": "1", "kind": "retry", "filter": "\xff{"},
        "kind": {**fields, "v": "1", "kind": "explode", "filter": ANY.as_json()},
        "nothing": {"v": "1"},
        "began": {"state": "running", "v": "1", "kind": "retry", "filter": ANY.as_json()},
        "place": {**fields, "v": "1", "kind": "retry", "filter": ANY.as_json(), "cursor": "0:nonsense"},
    }
    for name, values in planted.items():
        desk.store.client.hset(keys.operation(name), mapping=values)
        desk.store.client.zadd(keys.OPERATIONS_DUE, {name: 1})
        desk.store.client.zadd(keys.OPERATIONS, {name: 1})
    desk.store.client.set(keys.operation("string"), "x")
    desk.store.client.zadd(keys.OPERATIONS_DUE, {"string": 1, "gone": 1})
    desk.store.client.zadd(keys.OPERATIONS, {"string": 1, "gone": 1})
    desk.carry_out()
    assert desk.statuses("one") == ["failed"]
    assert desk.carrier.carry_on() is None
    states = {name: desk.store.client.hget(keys.operation(name), "state") for name in planted}
    assert states == {
        "newer": b"running",
        "filter": b"aborted",
        "kind": b"aborted",
        "nothing": None,
        "began": b"done",
        "place": b"aborted",
    }
    assert sum("newer version" in line for line in caplog.messages) == 1
    assert {each.id for each in desk.operations.list()} == {"place", "began"}
    with pytest.raises(OperationError, match="newer version: upgrade this one"):
        desk.operations.get("newer")
    for name in ("nothing", "string", "gone"):
        with pytest.raises(OperationError, match=f"operation {name} cannot be read|no operation has the id '{name}'"):
            desk.operations.get(name)
    assert scripts.run(desk.store, "operation_revive", []) == 1


def test_planted_types_cost_only_themselves(desk: Desk) -> None:
    desk.fail("one")
    for key in (keys.OPERATIONS, keys.OPERATIONS_DUE, keys.AUDIT):
        desk.store.client.set(key, "planted")
    assert desk.operations.list() == []
    assert desk.carrier.carry_on() is None
    desk.operations.start("retry", ANY)
    desk.carry_out()
    assert desk.statuses("one") == ["pending"]


@pytest.mark.parametrize("jump", [-3600, 3600])
def test_a_clock_that_jumped_holds_no_operation_up_for_long(desk: Desk, jump: int) -> None:
    desk.fail("one")
    operation = desk.operations.start("retry", ANY)
    seconds, _ = desk.store.client.time()
    desk.store.client.zadd(keys.OPERATIONS_DUE, {operation.id: (seconds - jump) * 1000})
    desk.carry_out()
    assert desk.operations.get(operation.id).done == 1
    assert FARTHEST_DUE <= 60


def test_a_list_that_was_lost_is_made_anew(desk: Desk) -> None:
    desk.fail("one")
    desk.operations.start("retry", ANY)
    desk.store.client.delete(keys.OPERATIONS_DUE)
    assert desk.carrier.carry_on() is None
    scripts.run(desk.store, "operation_revive", [])
    desk.carry_out()
    assert desk.statuses("one") == ["pending"]


def test_the_newest_thousand_are_kept_and_all_that_run(desk: Desk) -> None:
    running = desk.operations.start("retry", ANY)
    for number in range(MAX_OPERATIONS + 50):
        name = f"{number:08}"
        desk.store.client.hset(keys.operation(name), mapping={"state": "done"})
        desk.store.client.zadd(keys.OPERATIONS, {name: number})
    for _ in range(3):
        desk.operations.start("retry", ANY)
    assert desk.store.client.zcard(keys.OPERATIONS) <= MAX_OPERATIONS + 1
    assert desk.store.client.zscore(keys.OPERATIONS, running.id)
    assert not desk.store.client.exists(keys.operation("00000000"))
    assert desk.operations.list(2)[0].created is not None


def test_one_that_ended_is_kept_for_thirty_days(desk: Desk) -> None:
    operation = desk.operations.start("retry", ANY)
    assert desk.store.client.ttl(keys.operation(operation.id)) == -1
    desk.carry_out()
    assert (
        timedelta(days=29)
        < timedelta(seconds=desk.store.client.ttl(keys.operation(operation.id)))
        <= timedelta(days=30)
    )


def test_an_id_may_be_given_by_its_beginning(desk: Desk) -> None:
    for name in ("abc1", "abc2", "abd1"):
        desk.store.client.hset(
            keys.operation(name),
            mapping={"v": 1, "kind": "retry", "filter": ANY.as_json(), "state": "done", "created": 1},
        )
        desk.store.client.zadd(keys.OPERATIONS, {name: 1})
    assert desk.operations.get("abd").id == "abd1"
    with pytest.raises(OperationError, match="several operations begin with 'abc': abc2, abc1"):
        desk.operations.get("abc")
    with pytest.raises(OperationError, match="no operation"):
        desk.operations.get("")


def test_followers_see_each_step_to_the_end(desk: Desk) -> None:
    desk.fail("one")
    operation = desk.operations.start("retry", ANY)
    seen = []
    for state in desk.operations.follow(operation.id):
        seen.append((state.state, state.done))
        desk.carry_out()
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


def test_who_asked_stands_in_the_audit(desk: Desk, settings: Settings) -> None:
    engine = Engine(settings=settings)
    operation = desk.operations.start("retry", Filter(source_name="mail"), by="ada")
    desk.operations.abort(operation.id, by="bob")
    said = [(entry.by, entry.action, entry.about) for entry in engine.audit.entries()]
    assert said == [
        ("ada", "retry", f'operation {operation.id}: {{"v": 1, "source_name": "mail"}}'),
        ("bob", "abort", f"operation {operation.id} (retry)"),
    ]
    engine.store.close()
