"""The names that we write are those that the installed RQ reads."""

from __future__ import annotations

import inspect
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from rq import Queue as RqQueue
from rq.executions import WORKER_EXECUTIONS_KEY_TEMPLATE, Execution, ExecutionRegistry
from rq.job import Job as RqJob
from rq.job import JobStatus as RqStatus
from rq.registry import (
    CanceledJobRegistry,
    DeferredJobRegistry,
    FailedJobRegistry,
    FinishedJobRegistry,
    ScheduledJobRegistry,
    StartedJobRegistry,
)
from rq.results import Result
from rq.serializers import JSONSerializer
from rq.suspension import WORKERS_SUSPENDED
from rq.utils import utcparse
from rq.worker import Worker
from rq.worker_registration import REDIS_WORKER_KEYS, WORKERS_BY_QUEUE_KEY

from liquid_background.job import Job, JobStatus, words_in_rq
from liquid_background.jobs.contract import states_of
from liquid_background.jobs.log import ENDS, KEY, LONG, MARKS
from liquid_background.jobs.queue import Queue, assembly, keys
from liquid_background.jobs.queue.payload import encode_data
from liquid_background.jobs.store import Store


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (keys.job("j"), RqJob.key_for("j")),
        (keys.queue("q"), RqQueue.redis_queue_namespace_prefix + "q"),
        (keys.RQ_QUEUES, RqQueue.redis_queues_keys),
        (keys.scheduled("q"), ScheduledJobRegistry.key_template.format("q")),
        (keys.started("q"), StartedJobRegistry.key_template.format("q")),
        (keys.finished("q"), FinishedJobRegistry.key_template.format("q")),
        (keys.failed("q"), FailedJobRegistry.key_template.format("q")),
        (keys.deferred("q"), DeferredJobRegistry.key_template.format("q")),
        (keys.canceled("q"), CanceledJobRegistry.key_template.format("q")),
        (keys.results("j"), Result.get_key("j")),
        (keys.execution("j", "e"), Execution("e", "j", connection=None).key),
        (keys.executions("j"), ExecutionRegistry.key_template.format("j")),
        (keys.worker("w"), Worker.redis_worker_namespace_prefix + "w"),
        (keys.worker_executions("w"), WORKER_EXECUTIONS_KEY_TEMPLATE.format("w")),
        (keys.RQ_WORKERS, REDIS_WORKER_KEYS),
        (keys.RQ_SUSPENDED, WORKERS_SUSPENDED),
        (keys.queue_workers("q"), WORKERS_BY_QUEUE_KEY % "q"),
    ],
)
def test_a_key_is_named_as_in_rq(ours: str, theirs: str) -> None:
    assert ours == theirs


def test_rq_s_statuses_are_those_that_we_write_and_read() -> None:
    ours = {word for status in JobStatus for word in (*words_in_rq(status), *states_of(status))} - {"claimed"}
    assert ours <= {str(status.value) for status in RqStatus}
    assert {"queued", "scheduled", "started", "finished", "failed", "canceled", "stopped"} <= ours


@pytest.mark.parametrize("status", [status for status in JobStatus if status.has_ended])
def test_rq_has_a_place_for_each_status_of_jobs_that_have_ended(status: JobStatus) -> None:
    theirs = {FinishedJobRegistry, FailedJobRegistry, CanceledJobRegistry}
    assert keys.ended(*states_of(status), "q") in {registry.key_template.format("q") for registry in theirs}


def test_rq_s_result_types_keep_their_numbers() -> None:
    assert (Result.Type.SUCCESSFUL.value, Result.Type.FAILED.value) == (1, 2)


def test_a_record_of_ours_has_the_fields_that_rq_writes(store: Store, queue: Queue, job: Any) -> None:
    theirs = RqJob.create("a.b", args=(1,), id="theirs", origin="default", connection=store.client, timeout=5)
    theirs.retries_left, theirs.retry_intervals, theirs.result_ttl, theirs.failure_ttl = 1, [5], 1, 1
    theirs.save()
    queue.send([job(id="ours", max_attempts=2)])
    written = set(store.client.hgetall(keys.job("ours")))
    known = set(store.client.hgetall(keys.job("theirs"))) | {b"enqueued_at"}
    assert written <= known
    assert {b"data", b"status", b"origin", b"timeout", b"created_at", b"description"} <= written


def test_rq_s_time_format_is_ours(store: Store, queue: Queue, job: Any) -> None:
    queue.send([job(id="j")])
    stamp = store.client.hget(keys.job("j"), "created_at")
    seconds, micros = store.client.time()
    assert stamp is not None
    assert keys.parse_time(stamp) == utcparse(stamp.decode())
    assert abs(utcparse(stamp.decode()).timestamp() - seconds - micros / 1e6) < 1


@pytest.mark.parametrize("seconds", [0, 951_782_400, 951_868_799, 1_704_067_199, 1_709_208_000, 4_107_542_399])
def test_the_scripts_write_the_calendar_right(store: Store, seconds: int) -> None:
    body = assembly.text("time").replace("redis.call('TIME')", f"{{'{seconds}', '42'}}")
    assert (
        store.client.eval(body + "return iso()", 0)
        == datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.000042Z").encode()
    )


def test_rq_reads_a_job_of_ours(store: Store, queue: Queue, job: Any) -> None:
    queue.send([job(id="j", max_attempts=3, source_name="mail")])
    theirs = RqJob.fetch("j", connection=store.client, serializer=JSONSerializer)
    assert theirs.get_status() == RqStatus.QUEUED
    assert theirs.description == "mail"
    assert theirs.func_name == encode_data(Job(source_name="x", template="t", line=1, source="")).decode().split('"')[1]
    assert (theirs.timeout, theirs.retries_left, theirs.retry_intervals) == (300, 2, [5.0, 30.0])
    assert theirs.args[0]["source_name"] == "mail"
    assert theirs.enqueued_at is not None
    assert RqQueue("default", connection=store.client).job_ids == ["j"]


def _names_in_scripts() -> set[str]:
    scripts_text = "".join(map(assembly.text, assembly.names()))
    return set(re.findall(r"'((?:rq|liquid_background):[a-z_:]*)'", scripts_text))


def _names_in_keys() -> set[str]:
    names = {KEY, ENDS, LONG, MARKS}
    for name, value in vars(keys).items():
        if isinstance(value, str):
            names.add(value)
        elif inspect.isfunction(value) and value.__module__ == keys.__name__ and name != "parse_time":
            names.add(value(*[""] * len(inspect.signature(value).parameters)).replace("::", ":"))
    return names


def test_the_scripts_build_only_names_that_stand_in_keys() -> None:
    built = _names_in_scripts() - {"rq:"}  # one name is put together from a registry's own
    assert built <= _names_in_keys()
    assert len(built) > 15


def test_the_scripts_know_only_fields_that_stand_in_keys() -> None:
    used = set(re.findall(r"\b(lb_[a-z_]+)", "".join(map(assembly.text, assembly.names()))))
    named = {value for value in vars(keys).values() if isinstance(value, str) and value.startswith("lb_")}
    assert used <= named, used - named
