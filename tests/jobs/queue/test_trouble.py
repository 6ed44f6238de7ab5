"""Moves on a store that takes no more, or that refuses the user a command: made whole or not at all."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from typing import Any

import pytest
from redis.exceptions import NoPermissionError

from liquid_background.errors import StoreUnavailable
from liquid_background.job import Ending, Group, Job, JobStatus, LogEntry, Outcome
from liquid_background.jobs.filter import Filter
from liquid_background.jobs.log import entries
from liquid_background.jobs.operating.operations import Operations
from liquid_background.jobs.queue import Queue, assembly, finishing, keys, moves
from liquid_background.jobs.queue.finishing import Running
from liquid_background.jobs.queue.needed import kinds_of_keys
from liquid_background.jobs.queue.records import encode_job
from liquid_background.jobs.store import Store, connect
from liquid_background.settings import Settings, load_settings
from tests.jobs.queue.changes import Changes
from tests.jobs.queue.hands import WORKER, Hands

Make = Callable[..., Job]
MINE = keys.job("a")
LEASE = 300  # seconds


@pytest.fixture
def hands(store: Store, settings: Settings) -> Hands:
    return Hands(store, settings.model_copy(update={"lease": LEASE}))


@pytest.fixture
def queue(hands: Hands) -> Queue:
    return Queue(hands.store, hands.settings)


@contextmanager
def _full(store: Store) -> Iterator[None]:
    """Have the store take no write that needs memory."""
    store.client.config_set("maxmemory", 1)
    try:
        yield
    finally:
        store.client.config_set("maxmemory", 0)


@pytest.mark.parametrize("begun", [True, False], ids=["started", "claimed"])
@pytest.mark.parametrize("ending", Ending)
def test_a_full_store_takes_every_end(hands: Hands, queue: Queue, job: Make, ending: Ending, begun: bool) -> None:
    queue.send([job(id="a", max_attempts=2, group=Group("g", 1))])
    running = hands.take() if begun else hands.hold()
    with _full(hands.store):
        made = (job(id="b"),) if ending is Ending.SUCCESS else ()
        lines = (LogEntry(message="line"),)
        outcome = Outcome(result="x", jobs=made, entries=lines) if made else Outcome(error="no", entries=lines)
        assert hands.finish(running, outcome, ending) in ("done", "back")
    back = ending in (Ending.BACK, Ending.UNBEGUN) and not begun
    assert [entry.message for entry in entries(hands.store.client)] == ([] if back else ["line", outcome.error or ""])
    assert [record.id for record in queue.list(id_prefix="b")] == [each.id for each in made]
    assert hands.store.client.zscore(keys.LEASES, "a") is None


@pytest.mark.parametrize("before", ["nothing", "an end", "an end that is fenced off"])
def test_a_full_store_takes_a_start(hands: Hands, queue: Queue, job: Make, before: str) -> None:
    queue.send([job(id="a"), job(id="b")])
    done = None
    if before != "nothing":
        done = finishing.finish(hands.take(), Outcome(result=""), hands.settings)
    if before == "an end that is fenced off":
        hands.call(moves.step(WORKER, hands.settings, done))
    held = hands.hold()
    with _full(hands.store):
        assert hands.call(moves.step(WORKER, hands.settings, done, held))[1] == 1
    assert queue.get(held.id).status is JobStatus.RUNNING


@contextmanager
def _limited(hands: Hands) -> Iterator[Callable[[str], Hands]]:
    """Yield what gives the hands of a user who may not run a command."""
    client: Any = hands.store.client
    url = hands.store.url.replace("unix://", "unix://limited:pw@")

    def allow(*rules: str) -> None:
        client.execute_command("ACL", "SETUSER", "limited", "reset", "on", ">pw", "~*", "&*", "+@all", *rules)

    def without(command: str) -> Hands:
        allow(f"-{command}")
        return Hands(store, hands.settings)

    allow()
    try:
        with closing(connect(load_settings(redis_url=url))) as store:
            yield without
    finally:
        client.execute_command("ACL", "DELUSER", "limited")


def test_an_end_that_the_store_refuses_leaves_the_job_leased(hands: Hands, queue: Queue, job: Make) -> None:
    queue.send([job(id="a")])
    running = hands.take()
    hands.expire_leases()
    since = Changes(hands.store, MINE)
    with _limited(hands) as without, pytest.raises(StoreUnavailable, match="does not allow"):
        without("hset").finish(running, Outcome(result="x"))
    assert since.seen() == {f"{keys.LEASES} a": LEASE}
    assert hands.finish(running, Outcome(result="x")) == "done"


RIGHTS = ("hset", "hdel", "persist", "expire", "zadd", "zrem", "lpush", "rpush", "lpop", "sadd", "srem")
BEHIND = ("hget", "hmget", "exists", "del", "zrange", "zscore", "llen", "lindex", "scard", "sismember", "srandmember")
"""What moves need once they have begun to write, too."""
SENDING = ("hset", "exists", "rpush", "zadd", "del")


def _refuse(hands: Hands, held: Running, _: Job) -> Any:
    batch = moves.Batch(held.token, held.queue, (), None, 0.0)
    return hands.call(moves.refuse(moves.Refused(b"a", "no"), batch, WORKER, hands.settings))


def _schedule(hands: Hands, held: Running, job: Job) -> Any:
    planned = replace(job, start_at=time.time() + 600)
    return hands.call(moves.schedule("nightly", "digest", planned, hands.settings))


def _operations(hands: Hands) -> Operations:
    return Operations(hands.store, hands.settings)


def _chunk(hands: Hands, held: Running, job: Job) -> Any:
    [operation] = _operations(hands).list()
    return hands.call(("operation_chunk", [operation.id, "token", "", "0:", 1, 1, "", 0, 100, "a", "", ""]))


def _prove(hands: Hands, held: Running, job: Job) -> Any:
    [operation] = _operations(hands).list()
    return hands.call(("operation_prove", [operation.id, "token", "", "0:", 1, 1, "", 1, "{}", "a", _ended(hands)]))


def _ended(hands: Hands) -> bytes:
    return hands.store.client.hget(keys.job("a"), "ended_at") or b""


# By the script: how far the job `a` has come before the move, and the move; `job` is another.
MOVES: dict[str, tuple[str, Callable[[Hands, Running, Job], Any]]] = {
    "send": ("sent", lambda hands, held, job: hands.call(("send", [100, 1, 0, *encode_job(job, hands.settings)]))),
    "claim": ("sent", lambda hands, held, job: hands.claim()),
    "give_back": ("claimed", lambda hands, held, job: hands.call(moves.give_back(held.token, held.queue, [held.id]))),
    "refuse": ("claimed", _refuse),
    "step": ("started", lambda hands, held, job: hands.finish(held, Outcome(error="no"))),
    "beat": ("started", lambda hands, held, job: hands.beat(held)),
    "tick": ("lost", lambda hands, held, job: hands.tick()),
    "cancel": ("started", lambda hands, held, job: Queue(hands.store, hands.settings).cancel("a")),
    "delete": ("failed", lambda hands, held, job: Queue(hands.store, hands.settings).delete("a")),
    "retry": ("failed", lambda hands, held, job: Queue(hands.store, hands.settings).retry("a")),
    "schedule": ("sent", _schedule),
    "pause_schedule": ("sent", lambda hands, held, job: hands.call(("pause_schedule", ["nightly", "1", "ada"]))),
    "edit": (
        "failed",
        lambda hands, held, job: hands.call(("edit", ["a", "", "", 100, *encode_job(job, hands.settings)])),
    ),
    "operation_start": ("sent", lambda hands, held, job: _operations(hands).start("cancel", Filter())),
    "operation_chunk": ("asked", _chunk),
    "operation_prove": ("asked", _prove),
    "proved": ("failed", lambda hands, held, job: hands.call(("proved", ["p1", "a", _ended(hands)]))),
    "forget": ("failed", lambda hands, held, job: hands.call(("forget", [0, 100, "a"]))),
    "resume": ("paused", lambda hands, held, job: hands.call(("resume", ["queue", "default", "ada", "queue default"]))),
}


def _bring(hands: Hands, to: str) -> Running:
    """Bring the job that waits to where a move finds it."""
    if to == "paused":
        hands.call(("pause", ["queue:default", "{}", "ada", "queue default"]))
    if to in ("sent", "paused"):
        return Running("a", "", "default", "mail", "pages/x", 3, 1)
    held = hands.hold()
    if to != "claimed":
        hands.start(held)
    if to == "lost":
        hands.expire_leases()
    if to in ("failed", "asked"):
        hands.finish(held, Outcome(error="no", retry=False))
    if to == "asked":
        _operations(hands).start("retry", Filter())
        hands.call(("operation_take", ["token", 10_000, 1]))
    return held


@pytest.mark.parametrize("key", [keys.LEASES, keys.BATCHES, keys.BATCH_JOBS])
def test_a_user_who_may_not_write_a_key_of_leases_claims_nothing(
    hands: Hands, queue: Queue, job: Make, key: str
) -> None:
    client: Any = hands.store.client
    queue.send([job(id="a"), job(id="b", group=Group("g", 1))])
    since = Changes(hands.store, MINE)
    rest = ["~rq:*", *(f"~{kind}" for kind in kinds_of_keys("") if kind != key)]
    with _limited(hands) as without:
        limited = without("flushall")
        client.execute_command("ACL", "SETUSER", "limited", "resetkeys", *rest)
        with pytest.raises(StoreUnavailable, match="does not allow"):
            limited.claim(2)
        assert since.seen() == {}
        client.execute_command("ACL", "SETUSER", "limited", "resetkeys", "~rq:*", "~liquid_background:*")
        assert len(limited.claim(2).jobs) == 2


def test_every_move_that_asks_for_its_rights_is_tried_without_them() -> None:
    asking = [name for name in assembly.names() if any(line.file == "rights" for line in assembly.lines(name))]
    assert {*asking} - {"rights"} == {*MOVES}


@pytest.mark.parametrize("move", MOVES)
def test_a_move_that_cannot_be_made_whole_changes_nothing(hands: Hands, queue: Queue, job: Make, move: str) -> None:
    to, make = MOVES[move]
    queue.send([job(id="a", max_attempts=2)])
    held, other = _bring(hands, to), job(id="b")
    since = Changes(hands.store, MINE)
    with _limited(hands) as without:
        for right in SENDING if move == "send" else RIGHTS:
            with pytest.raises(StoreUnavailable, match="does not allow"):
                make(without(right), held, other)
        for right in BEHIND if move != "send" else ():  # which needs none of the others
            with suppress(StoreUnavailable, NoPermissionError):
                make(without(right), held, other)
    assert since.seen() == {}
    make(hands, held, other)
    assert since.seen() != {}
