"""Sending jobs and reading them back, on a real store."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from typing import Any
from uuid import RFC_4122, UUID

import pytest

from liquid_background.errors import JobNotAllowed, JobNotFound, JobRefused, StoreUnavailable
from liquid_background.job import Job, JobStatus, LogEntry, LogStatus, Priority
from liquid_background.jobs.log import entries
from liquid_background.jobs.queue import Queue, keys
from liquid_background.jobs.store import Store, connect
from liquid_background.settings import load_settings

Make = Callable[..., Job]


def test_a_job_comes_back_as_it_was_sent(queue: Queue, job: Make) -> None:
    sent = job(
        parameters={"when": {"$date": "2024-01-15"}},
        handed_over={"user.name": "Ada"},
        priority=Priority.HIGH,
        delay=2.5,
    )
    assert queue.send([sent]) == []
    record = queue.get(sent.id)
    assert record.parameters == {"when": datetime(2024, 1, 15, tzinfo=UTC).date()}
    assert record.handed_over == {"user.name": "Ada"}
    assert (record.priority, record.delay, record.status) == (Priority.HIGH, 2.5, JobStatus.PENDING)
    assert (record.template, record.line, record.source, record.attempts) == ("pages/x", 3, "hi", 0)
    assert record.created_at is not None


def test_an_id_is_enqueued_once(store: Store, queue: Queue, job: Make) -> None:
    first, second = job(id="a"), job(id="b")
    assert queue.send([first]) == []
    assert queue.send([job(id="a", source="other"), second]) == ["a"]
    assert queue.get("a").source == "hi"
    assert store.client.lrange(keys.queue("default"), 0, -1) == [b"a", b"b"]


@pytest.mark.parametrize("delay", [0.016, 0.5, 2.5, 65_535.0])
def test_a_delayed_job_is_due_by_the_server_s_clock(store: Store, queue: Queue, job: Make, delay: float) -> None:
    seconds, micros = store.client.time()
    queue.send([job(id="a", delay=delay)])
    due = store.client.zscore(keys.scheduled("default"), "a")
    assert due is not None
    assert 0 <= due - (seconds + micros / 1e6) - delay * 60 < 0.5
    assert store.client.llen(keys.queue("default")) == 0


def test_a_sent_job_wakes_a_worker_of_its_queue_within_a_cap(store: Store, queue: Queue, job: Make) -> None:
    queue.send([job(priority=Priority.LOW, delay=1.0)])
    assert store.client.llen(keys.wake("low")) == 1
    assert store.client.llen(keys.wake("default")) == 0
    queue.send([job(priority=Priority.LOW) for _ in range(200)])
    assert store.client.llen(keys.wake("low")) == keys.WAKE_LIMIT


def test_log_entries_ride_with_the_jobs(store: Store, queue: Queue, job: Make) -> None:
    queue.send([job(id="a")], [LogEntry(source_name="page", message="one", type="info")])
    queue.send([], [LogEntry(source_name="page", message="two", type="debug")])
    assert [(entry.message, entry.type) for entry in entries(store.client)] == [("one", "info"), ("two", "debug")]


def test_a_job_with_a_wrong_id_is_not_sent_and_takes_the_others_with_it(queue: Queue, job: Make) -> None:
    with pytest.raises(JobRefused, match="a:b"):
        queue.send([job(id="fine"), job(id="a:b")])
    with pytest.raises(JobNotFound, match="fine"):
        queue.get("fine")


@pytest.mark.parametrize(("attempts", "waits"), [(1, []), (3, [5.0, 30.0]), (6, [5.0, 30.0, 120.0, 600.0, 600.0])])
def test_waits_are_resolved_when_the_job_is_sent(
    store: Store, queue: Queue, job: Make, attempts: int, waits: list[float]
) -> None:
    queue.send([job(id="a", max_attempts=attempts)])
    stored = store.client.hget(keys.job("a"), "retry_intervals")
    assert (stored is None) == (not waits)
    assert stored is None or [float(wait) for wait in stored.decode().strip("[]").split(",")] == waits


def test_a_store_without_memory_takes_all_or_nothing(start_server: Any, job: Make) -> None:
    server = start_server("--maxmemory", "3mb", "--maxmemory-policy", "noeviction")
    settings = load_settings(redis_url=server.url)
    with closing(connect(settings)) as store:
        queue = Queue(store, settings)
        body = "x" * 50_000

        def fill() -> None:
            for number in range(100):
                queue.send([job(id=f"{number}-{part}", source=body) for part in range(3)])

        with pytest.raises(StoreUnavailable, match="out of memory"):
            fill()
        ids = {str(key.decode()) for key in store.client.scan_iter("rq:job:*")}
        assert len(ids) % 3 == 0
        assert len(ids) == store.client.llen(keys.queue("default"))


def test_a_closed_store_is_said_to_be_unavailable(start_server: Any, job: Make) -> None:
    server = start_server()
    settings = load_settings(redis_url=server.url)
    with closing(connect(settings)) as store:
        server.kill()
        with pytest.raises(StoreUnavailable):
            Queue(store, settings).send([job()])


def test_a_missing_job_is_named(queue: Queue) -> None:
    with pytest.raises(JobNotFound, match="nope"):
        queue.get("nope")


def test_jobs_are_listed_newest_first_by_status_and_source_name(queue: Queue, job: Make) -> None:
    for number in range(5):
        queue.send([job(id=f"n{number}", source_name="odd" if number % 2 else "even")])
    queue.send([job(id="later", delay=1.0)])
    assert [record.id for record in queue.list()] == ["later", "n4", "n3", "n2", "n1", "n0"]
    assert [record.id for record in queue.list(source_name="odd")] == ["n3", "n1"]
    assert [record.id for record in queue.list(limit=2)] == ["later", "n4"]
    assert queue.list(status="failed") == []
    queue.cancel("n1")
    assert [record.id for record in queue.list(status=JobStatus.CANCELLED)] == ["n1"]
    assert "n1" not in [record.id for record in queue.list(status=JobStatus.PENDING)]


def test_garbage_in_a_record_does_not_stop_reading(store: Store, queue: Queue, job: Make) -> None:
    queue.send([job(id="a")])
    store.client.hset(keys.job("a"), mapping={"data": b"\x80\x04.", "created_at": b"\xff", "lb_attempt": b"x"})
    assert queue.get("a").source_name == "mail"
    assert [record.id for record in queue.list()] == ["a"]


@pytest.mark.parametrize("delay", [0.0, 1.0])
def test_a_waiting_job_is_cancelled_and_run_again_by_retry(store: Store, queue: Queue, job: Make, delay: float) -> None:
    queue.send([job(id="a", delay=delay, max_attempts=2)])
    assert queue.cancel("a").status is JobStatus.CANCELLED
    assert store.client.llen(keys.queue("default")) == store.client.zcard(keys.scheduled("default")) == 0
    [entry] = entries(store.client)
    assert (entry.status, entry.final, entry.max_attempts) == (LogStatus.CANCELLED, True, 2)
    with pytest.raises(JobNotAllowed, match="cannot cancel job a: it is cancelled"):
        queue.cancel("a")
    assert queue.retry("a").status is JobStatus.PENDING
    assert store.client.lrange(keys.queue("default"), 0, -1) == [b"a"]
    assert store.client.ttl(keys.job("a")) == -1
    with pytest.raises(JobNotAllowed, match="cannot retry job a: it is pending"):
        queue.retry("a")


def test_the_queues_are_counted(queue: Queue, job: Make) -> None:
    queue.send([job(priority=Priority.HIGH), job(priority=Priority.HIGH, delay=1.0), job(id="c")])
    queue.cancel("c")
    high, default, low = queue.counts()
    assert (high.name, high.queued, high.scheduled) == ("high", 1, 1)
    assert (default.queued, default.cancelled, low.queued, low.workers) == (0, 1, 0, 0)


def test_a_job_s_id_is_a_random_uuid(job: Any) -> None:
    ids = [UUID(job().id) for _ in range(200)]
    assert len(set(ids)) == 200
    assert {(found.version, found.variant) for found in ids} == {(4, RFC_4122)}


@pytest.mark.parametrize("plant", ["set", "rpush", "sadd"])
def test_a_key_of_another_type_is_blank_and_hides_nothing_else(
    store: Store, queue: Queue, job: Make, plant: str
) -> None:
    queue.send([job(id="a"), job(id="b"), job(id="c", delay=1.0)])
    names = [name("high") for name in (keys.queue, keys.scheduled, keys.deferred, keys.started, keys.finished)]
    names += [keys.failed("low"), keys.canceled("low"), keys.queue_workers("default"), keys.LEASES]
    names += [keys.job("a"), keys.results("b"), keys.results("c")]
    for name in names:
        store.client.delete(name)
        getattr(store.client, plant)(name, "text")
    assert {record.id: record.source for record in queue.list()} == {"a": "", "b": "hi", "c": "hi"}
    assert {record.id for record in queue.list(source_name="mail")} == {"b", "c"}
    assert queue.get("a").created_at is None
    counts = {count.name: count for count in queue.counts()}
    assert (counts["default"].queued, counts["default"].scheduled) == (2, 1)
    assert counts["high"].queued == (1 if plant == "rpush" else 0)


def test_what_a_store_refuses_for_another_reason_is_said(store: Store, queue: Queue, job: Make, settings: Any) -> None:
    queue.send([job(id="a")])
    rights = {"enabled": True, "nopass": True, "commands": ["+@all", "-hget", "-zcard"], "keys": ["*"]}
    store.client.acl_setuser("short", **rights)
    try:
        with closing(connect(settings)) as other:
            other.client.execute_command("AUTH", "short", "x")  # on its one connection
            for read in (Queue(other, settings).counts, lambda: Queue(other, settings).get("a")):
                with pytest.raises(StoreUnavailable, match="ACL"):
                    read()
    finally:
        store.client.acl_deluser("short")


@pytest.mark.parametrize(
    ("stored", "read"),
    [
        ('{"$uuid":5}', {"$uuid": 5}),
        ("[" * 600 + "]" * 600, None),
        ("[" * 60_000 + "]" * 60_000, None),
        ("NaN", None),
        ("[1e999]", None),
        ("9" * 5_000, None),
        ("9" * 4_200, None),
        ('"text"', "text"),
        ("text", None),
    ],
    ids=range(9),
)
def test_a_result_that_nothing_of_ours_wrote_is_shown_or_blank(
    store: Store, queue: Queue, job: Make, stored: str, read: Any
) -> None:
    queue.send([job(id="a"), job(id="b")])
    store.client.hset(keys.job("a"), "status", "finished")
    store.client.xadd(keys.results("a"), {"return_value": b64encode(stored.encode())})
    assert queue.get("a").result == read
    assert {record.id for record in queue.list()} == {"a", "b"}


def test_giant_values_are_not_read(store: Store, queue: Queue, job: Make) -> None:
    queue.send([job(id="a"), job(id="b")])
    giant = b"x" * 30_000_000
    store.client.hset(keys.job("a"), mapping={"status": "finished", "data": giant, "lb_error": giant, "other": giant})
    store.client.xadd(keys.results("a"), {"return_value": giant})
    before: Any = store.client.info("stats")
    records = {record.id: record for record in queue.list()}
    after: Any = store.client.info("stats")
    assert (records["a"].source, records["a"].result, records["a"].error, records["b"].source) == ("", None, None, "hi")
    assert after["total_net_output_bytes"] - before["total_net_output_bytes"] < 100_000


def test_many_large_jobs_are_read_in_parts(queue: Queue, job: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    queue.send([job(id=f"n{number}", source="x" * 1_000) for number in range(30)])
    monkeypatch.setattr("liquid_background.jobs.queue.lookup._READ_AT_ONCE", 5_000)
    monkeypatch.setattr("liquid_background.jobs.queue.lookup._IDS_AT_ONCE", 7)
    assert len(queue.list()) == 30


def test_an_id_is_read_by_its_bytes(store: Store, queue: Queue, job: Make) -> None:
    queue.send([job(id="a")])
    store.client.rpush(keys.queue("default"), b"\xff\n", b"i" * 2_000)
    store.client.hset(b"rq:job:\xff\n", mapping={"status": "queued", "description": b"odd\xfe"})
    store.client.hset(b"rq:job:" + b"i" * 2_000, mapping={"status": "queued"})
    assert {record.id: record.source_name for record in queue.list()} == {"a": "mail", "\\xff\n": "odd\\xfe"}


def test_a_job_with_a_status_of_its_own_says_so_when_it_is_taken_back(store: Store, queue: Queue, job: Make) -> None:
    queue.send([job(id="a")])
    store.client.hset(keys.job("a"), "status", b"\xff")
    with pytest.raises(JobNotAllowed, match="cannot retry job a: it is pending"):
        queue.retry("a")
