"""Ids found by what they begin with, among many, wherever their jobs stand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from liquid_background.errors import JobNotFound
from liquid_background.job import Job, Priority
from liquid_background.jobs.queue import Queue, beginnings, keys, scripts
from liquid_background.jobs.store import Store
from liquid_background.settings import Settings
from tests.jobs.queue.hands import Hands


def _job(job_id: str, delay: float = 0.0) -> Job:
    return Job(id=job_id, source_name="mail", template="pages/x", line=3, source="hi", delay=delay)


@pytest.fixture
def many(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> Queue:
    """A queue whose jobs stand in lists and sets of several calls each."""
    monkeypatch.setattr(beginnings, "_AT_ONCE", 150)
    queue.send([_job(f"zq{number:03}") for number in range(400)])
    queue.send([_job(f"zd{number:03}", delay=5) for number in range(400)])
    return queue


@pytest.mark.parametrize("job_id", ["zq000", "zq399", "zq200", "zd000", "zd217", "zd399"])
def test_an_id_is_found_wherever_it_stands(many: Queue, job_id: str) -> None:
    many.send([_job(f"y-{job_id}-rest")])
    assert many.resolve(f"y-{job_id}") == f"y-{job_id}-rest"
    assert many.resolve(job_id) == job_id


def test_an_id_of_a_job_that_runs_or_has_ended_is_found(store: Store, settings: Settings, many: Queue) -> None:
    many.send([replace(_job("x-runs-now"), priority=Priority.HIGH)])
    Hands(store, settings).take()
    assert many.resolve("x-r") == "x-runs-now"
    many.send([_job("x-cancelled-now")])
    many.cancel("x-cancelled-now")
    assert many.resolve("x-c") == "x-cancelled-now"


def test_a_beginning_of_many_names_a_few_and_looks_no_further(many: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    asked = beginnings._asked
    monkeypatch.setattr(beginnings, "_asked", lambda *words: calls.append(words) or asked(*words))
    with pytest.raises(JobNotFound, match=r"several jobs have ids that begin with 'zd'.*…"):
        many.resolve("zd")
    everywhere = len(calls)
    with pytest.raises(JobNotFound, match="no job has the id 'zz'"):
        many.resolve("zz")
    assert everywhere < (len(calls) - everywhere) / 2


def test_what_is_gone_or_means_something_to_the_store_is_not_found(store: Store, many: Queue) -> None:
    store.client.zadd(keys.failed("default"), {"x1-gone": 2e9})
    for beginning in ("x1", "zd*", "z?0", "[yz]d", "zd00\\", "zd\udcff"):
        with pytest.raises(JobNotFound, match="no job has the id"):
            many.resolve(beginning)
    many.send([_job("x1-there")])
    assert many.resolve("x1") == "x1-there"


def test_jobs_of_another_site_are_not_found(store: Store, many: Queue) -> None:
    store.client.hset(keys.job("x2-theirs"), mapping={"status": "failed", "origin": "shop.default"})
    store.client.zadd(keys.failed("default"), {"x2-theirs": 2e9})
    with pytest.raises(JobNotFound, match="no job has the id"):
        many.resolve("x2")


def test_no_script_looks_for_ids(many: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    # In one, each id costs the store ten times as much as the plain commands do.
    ran = []
    run = scripts.run
    monkeypatch.setattr(scripts, "run", lambda store, name, *words: ran.append(name) or run(store, name, *words))
    with pytest.raises(JobNotFound):
        many.resolve("zz")
    assert set(ran) == {"read"}
