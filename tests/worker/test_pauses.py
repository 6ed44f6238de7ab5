"""Real workers and pauses: what is paused does not begin, and all of it runs once when it is resumed."""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from liquid_background.job import Group
from liquid_background.jobs.operating.pauses import Queues
from liquid_background.jobs.queue import keys
from liquid_background.threads import Threads
from liquid_background_worker.batch_run import HEAR_AFTER
from tests import warm
from tests.leases import leased
from tests.worker.conftest import ROOT, Bench

TARGETS: dict[str, dict[str, str]] = {
    "queue": {"queue": "default"},
    "name": {"source_name": "stub"},
    "beginning": {"source_name": "st*"},
    "group": {"group": "g"},
}


@pytest.fixture
def queues(bench: Bench) -> Queues:
    return Queues(lambda: bench.queue, Threads())


def _rq(bench: Bench, command: str) -> None:
    done = warm.run("rq.cli", command, "-u", bench.store.url, cwd=ROOT, env=os.environ)
    assert done.returncode == 0, done.stderr


def _waiting(bench: Bench) -> int:
    """Return how many jobs have not ended; what is claimed stands in no queue."""
    waiting = sum(count.queued + count.scheduled for count in bench.queue.counts())
    return waiting + len(leased(bench.store.client))


@pytest.mark.parametrize("what", [*TARGETS, "rq suspend"])
def test_jobs_that_are_claimed_when_they_are_paused_do_not_begin(
    bench: Bench, queues: Queues, tmp_path: Path, what: str
) -> None:
    go = tmp_path / "go"
    worker, behind = bench.start_with_a_batch(go, behind=40, group=Group("g", 100))
    claimed = len(leased(bench.store.client))
    assert claimed > 20
    if what == "rq suspend":
        _rq(bench, "suspend")
    else:
        queues.pause(**TARGETS[what])
    begun = float(bench.runs()[0][2])
    bench.wait_until(lambda: time.time() - begun > 2 * HEAR_AFTER)  # before that, a few may begin
    go.touch()
    bench.wait_for("held", "completed")
    bench.wait_until(lambda: not leased(bench.store.client))
    assert [run[0] for run in bench.runs()] == ["held"]
    assert {bench.queue.get(job_id).attempts for job_id in behind} == {0}
    assert {bench.queue.get(job_id).status for job_id in behind} == {"pending"}
    assert bench.queue.counts()[1].queued == 40
    if what == "rq suspend":
        _rq(bench, "resume")
    else:
        queues.resume(**TARGETS[what])
    bench.wait_until(lambda: _waiting(bench) == 0)
    assert [run[0] for run in bench.runs()] == ["held", *behind]
    assert {run[1] for run in bench.runs()} == {"1"}
    assert worker.stop() == 0


def test_a_job_that_follows_a_long_one_does_not_begin(bench: Bench, queues: Queues) -> None:
    """What a child has claimed ahead, or alone, is asked about when its turn comes."""
    bench.start(lease=30)
    first = bench.send("sleep", given={"seconds": 0.6})
    bench.wait_for_run(first)
    others = [bench.send("sleep", given={"seconds": 0.2}) for _ in range(4)]
    queues.pause(source_name="stub")
    bench.wait_for(first)
    time.sleep(0.3)
    assert [run[0] for run in bench.runs()] == [first]
    queues.resume(source_name="stub")
    bench.wait_until(lambda: _waiting(bench) == 0)
    assert [run[0] for run in bench.runs()] == [first, *others]


@pytest.mark.parametrize("what", TARGETS)
def test_nothing_of_it_begins_any_more_when_a_pause_returns(bench: Bench, queues: Queues, what: str) -> None:
    bench.start(processes=2, lease=30)
    # They sleep, so that many are left when it is paused, however busy the machine is.
    jobs = [bench.job("sleep", given={"seconds": 0.002}, group=Group("g", 100)) for _ in range(400)]
    bench.queue.send(jobs)
    bench.wait_until(lambda: len(bench.runs()) > 100)
    queues.pause(**TARGETS[what])
    begun = len(bench.runs())
    assert begun < len(jobs)
    time.sleep(0.5)
    assert len(bench.runs()) <= begun + 2  # a busy machine may stop each of two processes before its first line
    queues.resume(**TARGETS[what])
    bench.wait_until(lambda: _waiting(bench) == 0)
    assert sorted(run[0] for run in bench.runs()) == sorted(job.id for job in jobs)


def test_others_go_on_and_an_idle_worker_hears_of_a_resume(bench: Bench, queues: Queues) -> None:
    queues.pause(source_name="sync_*")
    bench.start(processes=1)
    held = [bench.send(source_name="sync_crm") for _ in range(5)]
    other = bench.send()
    bench.wait_for(other)
    queues.resume(source_name="sync_*")
    resumed = time.time()
    bench.wait_for(held[-1])
    assert [run[0] for run in bench.runs()] == [other, *held]
    assert float(bench.runs()[1][2]) - resumed < 0.5


def test_a_burst_ends_when_only_paused_work_is_left(bench: Bench, queues: Queues) -> None:
    queues.pause(source_name="sync")
    held = [bench.send(source_name="sync") for _ in range(3)]
    retried = bench.send("fail_until", given={"times": 1}, max_attempts=2, waits=(0.2,))
    bench.burst()
    assert {run[0] for run in bench.runs()} == {retried}
    queues.resume(source_name="sync")
    bench.burst()
    assert [run[0] for run in bench.runs()][-3:] == held


def test_a_burst_ends_while_rq_has_workers_suspended(bench: Bench) -> None:
    job_id = bench.send()
    _rq(bench, "suspend")
    bench.burst()
    assert bench.runs() == []
    _rq(bench, "resume")
    bench.burst()
    assert [run[0] for run in bench.runs()] == [job_id]


def test_a_worker_that_dies_while_jobs_come_back_loses_none(bench: Bench, queues: Queues) -> None:
    queues.pause(source_name="stub")
    worker = bench.start(processes=2, lease=0.6)
    ids = [bench.job(id=f"j{number:04}") for number in range(1_500)]
    bench.queue.send(ids)
    bench.wait_until(lambda: queues.held(queues.paused()) == [1_500])
    queues.resume(source_name="stub")
    bench.wait_until(lambda: len(bench.runs()) > 200)
    worker.signal_tree(signal.SIGKILL)
    bench.start(processes=2, lease=0.6)
    bench.wait_until(lambda: sum(count.completed for count in bench.queue.counts()) == 1_500)
    assert {run[0] for run in bench.runs()} == {job.id for job in ids}
    assert len(bench.runs()) <= 1_500 + 20  # what was running, or not told of yet


@pytest.mark.slow
def test_random_pauses_and_kills_run_each_job_once(
    bench: Bench, queues: Queues, wait_until: Callable[..., Any]
) -> None:
    chance = random.Random(11)
    targets = [*TARGETS.values(), {"queue": "high"}, {"source_name": "other"}, {"group": "h"}]
    sent: list[str] = []
    killed = 0

    def send() -> None:
        jobs = [
            bench.job(
                source_name=chance.choice(["stub", "stub2", "other"]),
                priority=chance.choice(["high", "default", "low"]),
                group=chance.choice([None, None, Group("g", 3), Group("h", 1)]),
                delay=chance.choice([0, 0, 0, 0.3 / 60]),
            )
            for _ in range(60)
        ]
        bench.queue.send(jobs)
        sent.extend(job.id for job in jobs)

    bench.start(processes=2, lease=0.6)
    for turn in range(15):
        send()
        target = chance.choice(targets)
        (queues.pause if chance.random() < 0.6 else queues.resume)(**target)
        time.sleep(chance.random() * 0.15)
        if turn % 5 == 4:
            alive = [worker for worker in bench.workers if worker.process.poll() is None]
            worker = chance.choice(alive)
            victims = worker.children() if turn % 2 else []
            for pid in victims[:1] or worker.tree():
                with suppress(OSError):
                    os.kill(pid, signal.SIGKILL)
            killed += 1
            if not victims:
                bench.start(processes=2, lease=0.6)
    for target in targets:
        queues.resume(**target)

    def finals() -> Counter[str]:
        return Counter(entry.job_id for entry in bench.log() if entry.final)

    # Not until nothing waits and nothing is claimed: between two looks, what a dead worker held goes back to its queue.
    wait_until(lambda: finals().keys() >= {*sent}, timeout=60)
    assert finals() == Counter(sent)
    runs = Counter(run[0] for run in bench.runs())
    assert {*runs} == {*sent}
    assert sum(runs.values()) <= len(sent) + 20 * killed
    assert not bench.store.client.exists(keys.HELD, keys.PAUSES, keys.GROUPS)
    assert [bench.store.client.zcard(keys.deferred(queue)) for queue in keys.QUEUES] == [0, 0, 0]
