"""What a start and each end of an attempt change in the store: these keys and fields, and nothing else."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable
from dataclasses import replace
from time import time
from typing import Any, NamedTuple

import pytest
from rq.job import Job as RqJob
from rq.serializers import JSONSerializer

from liquid_background.job import Ending, Group, Job, JobStatus, LogEntry, LogStatus, Outcome
from liquid_background.jobs.log import KEY, entries
from liquid_background.jobs.log.entry import FIELDS
from liquid_background.jobs.queue import Queue, assembly, finishing, keys, moves
from liquid_background.jobs.queue.causes import Cause
from liquid_background.jobs.queue.finishing import Running
from liquid_background.jobs.queue.opening import Claimed
from liquid_background.jobs.queue.records import MAX_RESULT_READ
from liquid_background.jobs.queue.results import exc_string
from liquid_background.jobs.queue.signing import spent
from liquid_background.jobs.store import Store
from liquid_background.settings import Settings, load_settings
from tests.jobs.queue.changes import NOW, Changes
from tests.jobs.queue.hands import WORKER, Hands

Make = Callable[..., Job]
LEASE, RESULT_TTL, FAILURE_TTL, WAIT = 300, 700, 800, 60  # seconds, far enough from each other
MINE = keys.job("a")
RESULT = b64encode(json.dumps("x").encode()).decode()
TRACE = exc_string("Traceback: no").decode()


@pytest.fixture
def hands(store: Store, settings: Settings) -> Hands:
    asked = {"lease": LEASE, "result_ttl": RESULT_TTL, "failure_ttl": FAILURE_TTL}
    key = load_settings(signing_key="a-key-for-these-tests").signing_key
    return Hands(store, settings.model_copy(update={**asked, "signing_key": key}))


@pytest.fixture
def queue(hands: Hands) -> Queue:
    return Queue(hands.store, hands.settings)


# What each end changes, whoever asks for it; a value of None is taken away. `spent` stands for the signature's rest.
LET_GO = {keys.TOKEN: None}  # the lease is the claim's
WOKEN = {keys.wake("default"): ["1"]}
CLOSED = {"ended_at": NOW, keys.FINAL: "1", keys.SIGNATURE: "spent"}
AGAIN = {**LET_GO, **WOKEN, keys.queue("default"): ["a"]}  # it waits since when it did
QUEUED = {**AGAIN, "status": "queued", "enqueued_at": NOW, keys.WAITS: NOW, keys.ERROR: "no"}
FAILED = {
    **LET_GO,
    **CLOSED,
    "status": "failed",
    keys.ERROR: "no",
    "expires": FAILURE_TTL,
    f"{keys.failed('default')} a": FAILURE_TTL,
    keys.results("a"): [{"type": "2", "worker_name": WORKER, "exc_string": TRACE, "execution_id": "token"}],
    f"{keys.results('a')} expires": FAILURE_TTL,
}


def filed(raised: str) -> dict[str, Any]:
    """What a job's failure adds to the indexes of failed ones; the hour is the test's."""
    cause = Cause.of("pages/x", 3, raised, "no")
    group, about, hours = cause.failure, keys.failure_about(cause.failure), keys.failure_hours(cause.failure)
    known = {
        "template": "pages/x",
        "line": "3",
        "raised": raised,
        "message": "no",
        "count": "1",
        "first": NOW,
        "last": NOW,
    }
    known |= {"name": "mail", "sample": "a", "error": "no"}
    return {
        keys.FAILURE: group,
        keys.RAISED: raised,
        **{f"{key} a": 0 for key in (keys.FAILED_IDS, keys.failed_of_group(group), keys.failed_of_name("mail"))},
        f"{keys.FAILED_OF} a": f"{group} mail",
        keys.FAILED_NAMES: {"mail"},
        **{f"{key} {group}": 0 for key in (keys.FAILURE_GROUPS, keys.failures_of("pages/x"))},
        **{f"{about} {name}": value for name, value in known.items()},
        f"{hours} hour": "1",
        f"{hours} expires": 49 * 3600,
    }


FAILED_SO = {**FAILED, **filed("FAILED")}
LOST_SO = {**FAILED, **filed("LOST")}
SUCCEEDED = {
    **CLOSED,
    "status": "finished",
    keys.TOKEN: "",
    "expires": RESULT_TTL,
    f"{keys.finished('default')} a": RESULT_TTL,
    keys.results("a"): [{"type": "1", "worker_name": WORKER, "return_value": RESULT, "execution_id": "token"}],
    f"{keys.results('a')} expires": RESULT_TTL,
}
CANCELLED = {
    **LET_GO,
    **CLOSED,
    "status": "canceled",
    "expires": FAILURE_TTL,
    f"{keys.canceled('default')} a": 0,
}
LATER = {
    **LET_GO,
    **WOKEN,
    "status": "scheduled",
    keys.WAITS: NOW,
    keys.ERROR: "no",
    "retries_left": "2",
    f"{keys.scheduled('default')} a": WAIT,
    f"{keys.delayed('default')} a": 0,
}
BACK = {**QUEUED, "retries_left": "0", keys.ATTEMPT: "0"}


class End(NamedTuple):
    """An ending, those before it, the attempts that the job has, and what the ending changes."""

    ending: Ending
    before: list[Ending]
    attempts: int
    changes: dict[str, Any]


ENDS = [
    End(Ending.SUCCESS, [], 1, SUCCEEDED),
    End(Ending.SUCCESS, [Ending.FAILED], 2, {**SUCCEEDED, keys.ERROR: None}),
    End(Ending.SUCCESS, [Ending.BACK], 1, {**SUCCEEDED, keys.ERROR: None}),
    End(Ending.SUCCESS, [Ending.UNBEGUN], 1, {**SUCCEEDED, keys.ERROR: None}),
    End(Ending.FAILED, [], 1, FAILED_SO),
    End(Ending.FAILED, [], 4, LATER),
    End(Ending.FAILED, [Ending.FAILED], 4, {**QUEUED, "retries_left": "1"}),
    End(Ending.FAILED, [Ending.UNBEGUN], 4, {**LATER, keys.UNBEGUN: None}),
    End(Ending.CRASHED, [], 1, LOST_SO),
    End(Ending.CRASHED, [], 4, {**QUEUED, "retries_left": "2", keys.CRASHES: "1"}),
    End(Ending.CRASHED, [Ending.UNBEGUN], 4, {**QUEUED, "retries_left": "2", keys.CRASHES: "1", keys.UNBEGUN: None}),
    End(Ending.CRASHED, [Ending.CRASHED] * 2, 4, LOST_SO),
    End(Ending.UNBEGUN, [], 1, {**BACK, keys.UNBEGUN: "1"}),
    End(Ending.UNBEGUN, [Ending.UNBEGUN], 4, {**QUEUED, keys.ATTEMPT: "0", keys.UNBEGUN: "2"}),
    End(Ending.UNBEGUN, [Ending.UNBEGUN] * 2, 1, LOST_SO),
    End(Ending.BACK, [], 1, BACK),
    End(Ending.BACK, [Ending.FAILED], 4, {**QUEUED, keys.ATTEMPT: "1"}),
    End(Ending.CANCELLED, [], 4, CANCELLED),
]


def test_every_ending_has_its_row() -> None:
    assert {end.ending for end in ENDS} == {*Ending}


def _outcome(ending: Ending, error: str = "no") -> Outcome:
    return Outcome(result="x") if ending is Ending.SUCCESS else Outcome(error=error, traceback=f"Traceback: {error}")


def _after(hands: Hands, queue: Queue, job: Job, endings: list[Ending]) -> None:
    """Send a job and have it end so; it waits then for its next attempt, and nobody is woken."""
    queue.send([job])
    for ending in endings:
        hands.finish(hands.take(), _outcome(ending, "before"), ending)
        hands.make_due("a")
        hands.tick()
    hands.store.client.delete(keys.wake("default"))


def _expected(changes: dict[str, Any], store: Store, token: str) -> dict[str, Any]:
    """Return the changes with this attempt's token, and what is left of the job's signature."""
    named: dict[str, Any] = {**changes}
    if results := changes.get(keys.results("a")):
        named[keys.results("a")] = [{**fields, "execution_id": token} for fields in results]
    if keys.SIGNATURE in changes:
        named[keys.SIGNATURE] = spent(store.client.hget(MINE, keys.SIGNATURE) or b"").decode()
    return {name.replace(" hour", f" {store.client.time()[0] // 3600}"): value for name, value in named.items()}


@pytest.mark.parametrize("life", ["plain", "beaten", "grouped"])
@pytest.mark.parametrize("end", ENDS, ids=lambda end: "-".join([*end.before, end.ending, str(end.attempts)]))
def test_an_end_changes_what_it_says_and_nothing_else(
    hands: Hands, queue: Queue, job: Make, end: End, life: str
) -> None:
    group = Group("g", 1) if life == "grouped" else None
    waits = (float(WAIT), 0.0, 0.0)
    _after(hands, queue, job(id="a", max_attempts=end.attempts, waits=waits, group=group), end.before)
    running = hands.take()
    expected = _expected(end.changes, hands.store, running.token)
    if group:
        expected |= {keys.slots("g"): None, f"{keys.LEASES} a": None}
    since = Changes(hands.store, MINE)
    if life == "beaten":
        hands.beat(running)
        expected |= {"last_heartbeat": NOW}  # the rest that a beat writes is gone again
    assert hands.finish(running, _outcome(end.ending), end.ending) == "done"
    assert since.seen() == expected


def test_a_success_that_was_to_be_cancelled_leaves_no_cancel(hands: Hands, queue: Queue, job: Make) -> None:
    _after(hands, queue, job(id="a"), [])
    running = hands.take()
    queue.cancel("a")
    expected = {**_expected(SUCCEEDED, hands.store, running.token), keys.CANCEL: None}
    since = Changes(hands.store, MINE)
    assert hands.finish(running, _outcome(Ending.SUCCESS)) == "done"
    assert since.seen() == expected


@pytest.mark.parametrize(
    ("ending", "changes"),
    [
        (Ending.BACK, {**AGAIN}),
        (Ending.UNBEGUN, {**AGAIN}),
        (Ending.SUCCESS, {**SUCCEEDED, "started_at": NOW, "worker_name": WORKER, keys.ATTEMPT: "1"}),
        (Ending.FAILED, {**FAILED_SO, "started_at": NOW, "worker_name": WORKER, keys.ATTEMPT: "1"}),
        (Ending.CRASHED, {**LOST_SO, "started_at": NOW, "worker_name": WORKER, keys.ATTEMPT: "1"}),
        (Ending.CANCELLED, {**CANCELLED, "started_at": NOW, "worker_name": WORKER, keys.ATTEMPT: "1"}),
    ],
)
def test_an_end_without_a_start_counts_if_its_body_began(
    hands: Hands, queue: Queue, job: Make, ending: Ending, changes: dict[str, Any]
) -> None:
    _after(hands, queue, job(id="a"), [])
    held = hands.hold()
    expected = _expected(changes, hands.store, held.token)
    since = Changes(hands.store, MINE)
    hands.finish(held, _outcome(ending), ending)
    assert since.seen() == expected


@pytest.mark.parametrize("planted", [keys.finished("default"), keys.results("a"), KEY])
def test_a_success_is_written_whatever_is_planted_in_its_way(
    hands: Hands, queue: Queue, job: Make, planted: str
) -> None:
    _after(hands, queue, job(id="a"), [])
    running = hands.take()
    expected = _expected(SUCCEEDED, hands.store, running.token)
    since = Changes(hands.store, MINE)
    client: Any = hands.store.client
    client.delete(planted)
    client.set(planted, "planted")
    assert hands.finish(running, Outcome(result="x")) == "done"
    aside = f"{keys.SET_ASIDE}{planted}"
    assert client.get(aside) == b"planted"
    seen = {name: value for name, value in since.seen().items() if not name.startswith(aside)}
    assert seen == expected
    assert [entry.status for entry in entries(client) if entry.status] == [LogStatus.SUCCESS]
    [told] = [entry for entry in entries(client) if not entry.status]
    told = replace(told, id="", time=None)
    assert told == LogEntry(source_name="store", type="warning", message=told.message)
    assert planted in told.message
    assert {fields[b"status"] for _, fields in client.xrange(KEY)} == {b"", b"SUCCESS"}


@pytest.mark.parametrize("end", [Ending.SUCCESS, Ending.FAILED])
def test_the_last_ten_results_are_kept(store: Store, settings: Settings, job: Make, end: Ending) -> None:
    hands, client = Hands(store, settings), store.client
    Queue(store, settings).send([job(id="a")])
    for _ in range(12):
        hands.finish(hands.take(), _outcome(end))
        client.hset(MINE, "status", "queued")  # as other tools put it back
        client.rpush(keys.queue("default"), "a")
    assert client.xlen(keys.results("a")) == 10


@pytest.mark.parametrize("how", ["blank", "kept by none", "a function's None"])
@pytest.mark.parametrize("before", [[], [Ending.FAILED]], ids=["first run", "after a run that failed"])
def test_a_result_that_says_nothing_takes_no_room_and_hides_none_before(
    hands: Hands, queue: Queue, job: Make, how: str, before: list[Ending]
) -> None:
    client, stream = hands.store.client, keys.results("a")
    _after(hands, queue, job(id="a"), before)
    if before:
        queue.retry("a")
    settings = hands.settings.model_copy(update={"keep_results": "none" if how == "kept by none" else "all"})
    outcome = Outcome(result={"blank": " \n", "kept by none": "x"}.get(how))
    done = finishing.finish(hands.take(), outcome, settings, is_function=how == "a function's None")
    assert hands.call(moves.step(WORKER, settings, done))[0] == b"done"
    said = "" if how == "blank" else None
    assert (queue.get("a").status, queue.get("a").result) == (JobStatus.COMPLETED, said)
    rq_job = RqJob.fetch("a", connection=client, serializer=JSONSerializer)
    assert rq_job.get_status() == "finished"
    if before:  # which RQ would show as how this one ended
        newest = rq_job.latest_result()
        assert newest is not None
        assert (newest.type, newest.return_value) == (newest.Type.SUCCESSFUL, said)
        assert client.xlen(stream) == 2
        assert client.ttl(stream) <= RESULT_TTL
    else:
        assert not client.exists(stream)
        assert (rq_job.latest_result(), rq_job.return_value()) == (None, None)


def test_a_failure_whose_waits_are_gone_is_tried_again_at_once(hands: Hands, queue: Queue, job: Make) -> None:
    queue.send([job(id="a", max_attempts=2, waits=(float(WAIT),))])
    running = hands.take()
    hands.store.client.hdel(MINE, "retry_intervals")
    hands.finish(running, _outcome(Ending.FAILED))
    assert hands.store.client.lrange(keys.queue("default"), 0, -1) == [b"a"]


@pytest.mark.parametrize(
    ("said", "kept"), [("x", 500), ("", 500), ("0", 1), ("9" * 15, 10 * 365 * 86_400), ("9" * 16, 500)]
)
def test_a_record_s_garbage_is_taken_for_what_it_says_by_default(
    hands: Hands, queue: Queue, job: Make, said: str, kept: int
) -> None:
    queue.send([job(id="a")])
    running, client = hands.take(), hands.store.client
    client.hset(MINE, mapping={keys.ATTEMPT: "x", "result_ttl": said})
    done = finishing.finish(running, _outcome(Ending.SUCCESS), hands.settings)
    pipeline: Any = client.pipeline(transaction=True)  # no time passes between the two
    pipeline.eval(assembly.text("step"), 0, *moves.step(WORKER, hands.settings, done)[1]).ttl(MINE)
    assert pipeline.execute() == [b"done 0", kept]
    assert [(entry.status, entry.attempt) for entry in entries(client)] == [(LogStatus.SUCCESS, 1)]


def test_a_cancel_that_a_claim_carries_ends_no_attempt(hands: Hands, queue: Queue, job: Make) -> None:
    queue.send([job(id="a"), job(id="b")])
    held, client = hands.hold(), hands.store.client
    client.hset(MINE, keys.CANCEL, 1)
    assert hands.finish(held, _outcome(Ending.BACK), Ending.BACK) == "back"
    assert client.lrange(keys.queue("default"), 0, -1) == [b"a", b"b"]  # in front again
    assert (queue.get("a").status, entries(client)) == (JobStatus.PENDING, [])


@pytest.mark.parametrize("minutes", [0, 1, -1, 60, -60 * 24 * 365])
def test_times_are_the_store_s_whatever_a_worker_s_clock_says(
    hands: Hands, queue: Queue, job: Make, monkeypatch: pytest.MonkeyPatch, minutes: int
) -> None:
    monkeypatch.setattr(moves, "time", lambda: time() + 60 * minutes)
    queue.send([job(id="a"), job(id="b")])
    batch = hands.claim(2)
    one, two = (Running.of(each, batch.token, batch.queue) for each in batch.jobs if isinstance(each, Claimed))
    hands.start(one)
    done = finishing.finish(one, _outcome(Ending.SUCCESS), hands.settings)
    assert hands.call(moves.step(WORKER, hands.settings, done, two)) == [b"done", 1, 0]
    ended, began = queue.get("a").completed_at, queue.get("b").started_at
    assert ended == began
    assert ended is not None
    assert abs(ended.timestamp() - hands.store.client.time()[0]) < 5


def test_a_result_that_is_too_long_to_be_read_is_not_shown_as_blank(hands: Hands, queue: Queue, job: Make) -> None:
    queue.send([job(id="a")])
    hands.finish(hands.take(), Outcome(result="x"))
    hands.store.client.xadd(keys.results("a"), {"type": 1, "return_value": b"x" * (MAX_RESULT_READ + 1)})
    assert queue.get("a").result is None


def test_the_log_names_the_fields_of_a_plain_success_as_those_of_any_other(
    hands: Hands, queue: Queue, job: Make
) -> None:
    queue.send([job(id="a"), job(id="b")])
    hands.finish(hands.take(), Outcome(result="x"))
    running = hands.take()
    hands.beat(running)
    hands.finish(running, Outcome(result="x"))
    reply: Any = hands.store.client.execute_command("XRANGE", KEY, "-", "+")
    plain, beaten = (dict(fields) for _, fields in reply)
    assert [*plain] == [*beaten] == [name.encode() for name in FIELDS]
    assert {**plain, b"job_id": b""} == {**beaten, b"job_id": b""}


STARTED = {"status": "started", "started_at": NOW, "worker_name": WORKER}


def test_a_start_changes_what_it_says_and_nothing_else(hands: Hands, queue: Queue, job: Make) -> None:
    _after(hands, queue, job(id="a"), [])
    held, since = hands.hold(), Changes(hands.store, MINE)
    assert hands.start(held) == 1
    assert since.seen() == {**STARTED, keys.ATTEMPT: "1"}


def test_a_start_long_after_the_claim_gives_a_job_a_lease_of_its_own(hands: Hands, queue: Queue, job: Make) -> None:
    _after(hands, queue, job(id="a"), [])
    held = hands.hold()
    expected = _expected(SUCCEEDED, hands.store, held.token)
    before, since = Changes(hands.store, MINE), Changes(hands.store, MINE)
    assert (
        hands.call(moves.step(WORKER, hands.settings, start=held, until=hands.store.client.time()[0] * 1000 - 1))[1]
        == 1
    )
    assert since.seen() == {**STARTED, keys.ATTEMPT: "1", keys.BEATEN: "1", f"{keys.LEASES} a": LEASE}
    hands.finish(held, _outcome(Ending.SUCCESS))
    assert before.seen() == {**STARTED, keys.ATTEMPT: "1", **expected}


@pytest.mark.parametrize("end", [Ending.SUCCESS, Ending.FAILED])
def test_a_start_of_a_new_run_forgets_the_one_before(store: Store, settings: Settings, job: Make, end: Ending) -> None:
    hands = Hands(store, settings.model_copy(update={"lease": LEASE}))
    _after(hands, Queue(store, hands.settings), job(id="a", max_attempts=5), [])
    hands.finish(hands.take(), Outcome(error=None if end is Ending.SUCCESS else "no", retry=False))
    over = {keys.ERROR: "no", keys.CRASHES: "2", keys.LOSSES: "9", keys.UNBEGUN: "2"}
    client: Any = store.client
    # As other tools put it back.
    client.hset(MINE, mapping={**over, "status": "queued", "worker_name": "other", "retries_left": 0, keys.ATTEMPT: 5})
    client.rpush(keys.queue("default"), "a")
    held, since = hands.hold(), Changes(store, MINE)
    assert hands.start(held) == 1
    gone = dict.fromkeys([*over, "expires", "ended_at", keys.FINAL])
    if end is Ending.FAILED:
        group = Cause.of("pages/x", 3, "FAILED", "no").failure
        indexes = (keys.FAILED_IDS, keys.failed_of_group(group), keys.failed_of_name("mail"), keys.FAILED_OF)
        gone |= dict.fromkeys([*(f"{key} a" for key in indexes), keys.FAILED_NAMES, keys.FAILURE, keys.RAISED])
    assert since.seen() == {**STARTED, **gone, keys.WAITS: NOW, keys.ATTEMPT: "1", "retries_left": "4"}


@pytest.mark.parametrize("how", ["claimed again", "started again", "ended", "gone", "no hash"])
def test_who_has_lost_a_job_neither_starts_nor_ends_it(hands: Hands, queue: Queue, job: Make, how: str) -> None:
    queue.send([job(id="a", max_attempts=3)])
    held, client = hands.hold(), hands.store.client
    match how:
        case "claimed again" | "started again":
            hands.expire_leases()
            hands.tick()
            again = hands.hold()
            if how == "started again":
                hands.start(again)
        case "ended":
            client.hset(MINE, "status", "finished")  # by another tool, which leaves our token
        case _:
            client.delete(MINE)
            if how == "no hash":
                client.set(MINE, "planted")
    since = Changes(hands.store, MINE)
    assert hands.start(held) == 0
    for ending in Ending:
        assert hands.finish(held, _outcome(ending), ending) == "fenced"
    assert (since.seen(), entries(client)) == ({}, [])


def test_one_beat_speaks_for_several_workers(hands: Hands, queue: Queue, job: Make) -> None:
    for name in ("host.1.1", "host.1.2"):
        worker = moves.Registration(name=name, pid=1, host="host", address="", queues=["default"])
        hands.call(moves.register(worker, hands.settings))
    _after(hands, queue, job(id="a"), [])
    running = hands.take()
    hands.expire_leases()
    since = Changes(hands.store, MINE)
    pulses = [
        moves.Pulse(name="host.1.1", completed=0, failed=2, seconds=1.5, job=running),
        moves.Pulse(name="host.1.2", completed=3, failed=0, seconds=0.0, job=None),
        moves.Pulse(name="host.1.3", completed=1, failed=1, seconds=1.0, job=None),
    ]
    assert hands.call(moves.beat(pulses, hands.settings)) == [b"ok", b"ok", b"unknown"]
    seen = since.seen()
    for name in ("host.1.1", "host.1.2"):
        assert seen.pop(f"{keys.worker(name)} last_heartbeat") == NOW
    member, execution = f"a:{running.token}", keys.execution("a", running.token)
    far = 86_400
    assert {name: seen.pop(name) for name in sorted(seen) if name.startswith(keys.worker(""))} == {
        f"{keys.worker('host.1.1')} failed_job_count": "2",
        f"{keys.worker('host.1.1')} state": "busy",
        f"{keys.worker('host.1.1')} total_working_time": "1.5",
        f"{keys.worker('host.1.2')} successful_job_count": "3",
        keys.worker_executions("host.1.1"): {member},
        f"{keys.worker_executions('host.1.1')} expires": far,
    }
    began = [float(seen.pop(f"{execution} {name}")) for name in ("created_at", "last_heartbeat")]
    assert began == pytest.approx([hands.store.client.time()[0]] * 2, abs=20)
    assert seen == {
        "last_heartbeat": NOW,
        keys.BEATEN: "1",
        f"{keys.LEASES} a": LEASE,
        f"{keys.started('default')} {member}": far,
        f"{keys.executions('a')} {running.token}": far,
        f"{keys.executions('a')} expires": far,
        f"{execution} id": running.token,
        f"{execution} job_id": "a",
        f"{execution} worker_name": "host.1.1",
        f"{execution} expires": far,
    }
