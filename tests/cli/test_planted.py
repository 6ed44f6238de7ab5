"""One bad row costs no command its list: the store may hold anything, and the good jobs are shown all the same."""

from __future__ import annotations

import json
import os
import unicodedata
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

from liquid_background import Engine, JobStatus
from liquid_background.job import Job, Priority
from liquid_background.jobs.log import KEY
from liquid_background.jobs.operating import failures
from liquid_background.jobs.queue import indexes, keys
from liquid_background.jobs.queue.overview import overview
from liquid_background.jobs.queue.waiting import groups, waiting
from liquid_background.jobs.store import Store
from tests.campaigns import fuzz, seeds

from .conftest import Project, attempt, write_log
from .planting import Planter

GOOD = ("good1", "good2", "good3")
ONE_LIST_EACH = [
    *[name(queue) for name in (keys.queue, keys.scheduled, keys.deferred, keys.started) for queue in ("high", "low")],
    *[name("low") for name in (keys.finished, keys.failed, keys.canceled)],
    *[keys.queue_workers(queue) for queue in keys.QUEUES],
    *[
        keys.LEASES,
        keys.BATCHES,
        keys.BATCH_JOBS,
        keys.DELETED,
        keys.SCHEDULES,
        keys.started("default"),
        keys.failed("default"),
        keys.deferred("default"),
    ],
    *[keys.worker("good"), keys.worker_executions("good"), keys.wake("high"), keys.results("good1")],
]


@pytest.fixture
def shop(tmp_path: Path, store: Store, wait_until: Callable[..., Any]) -> Project:
    """A project on the session's store, in which three good jobs wait, and two good lines are in the log."""
    assert store.socket is not None
    env = {**os.environ, "LIQUID_BACKGROUND_DATA_DIR": str(store.socket.parent), "COLUMNS": "100"}
    return Project(tmp_path, store.socket.parent, env, wait_until)


def _engine(shop: Project) -> Engine:
    return Engine(data_dir=shop.data_dir)


def _fill(store: Store, engine: Engine) -> None:
    store.client.flushall()
    values = {"template": "pages/x", "line": 3, "source": "hi", "parameters": {"user": 7}}
    engine.send([Job(id=name, source_name=name, **values) for name in GOOD[:2]], [])
    engine.send([Job(id="good3", source_name="good3", delay=5.0, priority=Priority.DEFAULT, **values)], [])
    write_log(store, attempt("good1", job_id="good1"), attempt("good2", "FAILED", job_id="good2"))


COMMANDS: list[tuple[str, ...]] = [
    ("jobs", "list"),
    ("jobs", "list", "--format", "json"),
    ("jobs", "list", "--status", "pending", "--limit", "1000"),
    ("jobs", "list", "--status", "completed"),
    ("jobs", "list", "--status", "failed", "--format", "json"),
    ("jobs", "list", "--source-name", "gold1"),
    ("jobs", "show", "good1"),
    ("jobs", "show", "good1", "--format", "json"),
    ("status",),
    ("status", "--format", "json"),
    ("doctor",),
    ("logs",),
    ("logs", "--format", "short"),
    ("logs", "--format", "json", "--source-name", "good1"),
    ("logs", "--since", "0001-01-01", "-n", "1000"),
]


def _is_plain(text: str) -> bool:
    """Return whether nothing in a text is a command to a terminal."""
    return not any(unicodedata.category(character) in ("Cc", "Cf") for character in text.replace("\n", ""))


@fuzz
@pytest.mark.parametrize("seed", seeds(15))
def test_garbage_in_any_key_hides_no_good_job(shop: Project, store: Store, seed: int) -> None:
    engine, random = _engine(shop), Random(seed)
    _fill(store, engine)
    planter = Planter(store.client, seed)
    planter.rows(12)
    planter.wrong_types(*random.sample(ONE_LIST_EACH, 6))
    planter.log()
    found = engine.jobs.list(limit=1_000)
    good = {job.id: job for job in found if job.id in GOOD}
    assert {name: (job.source_name, job.parameters) for name, job in good.items()} == {
        name: (name, {"user": 7}) for name in GOOD
    }
    for status in JobStatus:
        engine.jobs.list(status, limit=1_000)
    for job in found:
        if job.id.isascii() and "\\" not in job.id:
            assert repr(engine.jobs.get(job.id)) == repr(job)
    waits = dict(zip([job.id for job in found], waiting(engine.store, found), strict=True))
    assert waits["good3"].due_at is not None
    counts = {count.name: count for count in engine.jobs.counts()}
    assert counts["default"].scheduled == 1
    assert overview(engine.store, list(counts.values())).queues
    groups(engine.store)
    assert {"good1", "good2"} <= {entry.source_name for entry in engine.log.entries()}
    for command in [("jobs", "show", "x"), *random.sample(COMMANDS, 4)]:
        if command[-1] == "x" and "x" not in {job.id for job in found}:
            continue
        shown = shop.quick(*command)
        assert _is_plain(shown.out), command
        assert _is_plain(shown.err), command
    engine.store.close()


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_shows_the_good_among_the_bad(shop: Project, store: Store, command: tuple[str, ...]) -> None:
    engine = _engine(shop)
    _fill(store, engine)
    planter = Planter(store.client, 1)
    planter.rows(20)
    planter.wrong_types(*ONE_LIST_EACH)
    planter.log()
    shown = shop.quick(*command)
    assert _is_plain(shown.out)
    if command[0] in ("jobs", "logs") and not {"completed", "failed", "gold1"} & {*command}:
        assert "good1" in shown.out
    if "json" in command:
        for line in shown.lines:
            json.loads(line, parse_constant=pytest.fail)
    engine.store.close()


@pytest.mark.parametrize("value", ["text", 5])
def test_a_log_that_is_no_stream_is_empty(shop: Project, store: Store, value: Any) -> None:
    engine = _engine(shop)
    _fill(store, engine)
    store.client.set(KEY, value)
    assert engine.log.entries() == []
    for command in (("logs",), ("logs", "-n", "5"), ("jobs", "show", "good1"), ("status",), ("doctor",)):
        shop.quick(*command)
    engine.store.close()


def test_a_row_that_cannot_be_read_is_there_and_blank(shop: Project, store: Store) -> None:
    engine = _engine(shop)
    _fill(store, engine)
    store.client.set(keys.job("good2"), "no record")
    store.client.set(keys.worker("w"), "no worker")
    store.client.sadd(keys.RQ_WORKERS, keys.worker("w"))
    assert {job.id: job.source_name for job in engine.jobs.list()} == {"good1": "good1", "good2": "", "good3": "good3"}
    assert engine.jobs.get("good2").source == ""
    row = next(line for line in shop.quick("jobs", "list").lines if line.startswith("good2"))
    assert row.split() == ["good2", "pending", "0/1", "-"]
    status = shop.quick("status").lines
    assert any(line.startswith("w  ") and "unknown" in line for line in status)
    assert "warning: 3 jobs waiting, no worker running: start one: poscli worker" in status
    assert "3 jobs waiting, no worker running; start one: poscli worker" in shop.quick("doctor").out
    engine.store.close()


def test_what_is_over_a_bound_is_not_looked_at_and_told(
    shop: Project, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = _engine(shop)
    _fill(store, engine)
    for name in ("w1", "w2", "w3"):
        store.client.hset(keys.worker(name), mapping={"state": "idle", "queues": "low"})
        store.client.sadd(keys.RQ_WORKERS, keys.worker(name))
    for number in range(4):
        store.client.hset(keys.job(f"zz{number}"), mapping={"status": "failed", "origin": "low"})
        store.client.zadd(keys.failed("low"), {f"zz{number}": 1e12})
    monkeypatch.setattr(keys, "MOST_WORKERS", 2)
    monkeypatch.setattr(indexes, "_MOST_MISSING", 2)
    monkeypatch.setattr(failures, "_LONGEST", 0.0)
    status = shop.quick("status").lines
    assert [line[:2] for line in status if line[:2] in ("w1", "w2", "w3")] == ["w1", "w2"]
    assert "1 more names of workers were not looked at" in status
    assert "4 failed jobs may be missing: 'poscli store reindex' files them" in shop.quick("failures", "list").err
    engine.store.close()
