"""Due times and order by the server's clock alone."""

from __future__ import annotations

import threading
import time

import pytest

from liquid_background.jobs.queue import keys, moves, scripts
from tests.worker.conftest import Bench


def _tick(bench: Bench) -> list[int]:
    reply: list[int] = scripts.run(bench.store, *moves.tick(keys.QUEUES, bench.settings))
    return reply


def _all_due(bench: Bench, count: int) -> None:
    for start in range(0, count, 1000):
        bench.queue.send([bench.job(id=f"j{number}", delay=1.0) for number in range(start, start + 1000)])
    bench.store.client.zadd(keys.scheduled("default"), {f"j{number}": number for number in range(count)}, xx=True)


@pytest.mark.parametrize("offset", [-3600, 3600])
def test_d3_a_worker_s_own_clock_does_not_matter(bench: Bench, offset: int) -> None:
    worker = bench.start(clock_offset=offset)
    bench.wait_until(worker.children)
    sent = time.time()
    job_id = bench.send(delay=0.6 / 60)
    record = bench.wait_for(job_id)
    assert record.started_at is not None
    assert 0.6 <= record.started_at.timestamp() - sent < 1.1
    assert bench.story(job_id) == [("SUCCESS", 1, True)]


def test_d5_ten_thousand_jobs_due_at_once_are_released_within_three_seconds(bench: Bench) -> None:
    _all_due(bench, 10_000)
    began = time.monotonic()
    while _tick(bench)[0]:
        pass
    assert time.monotonic() - began < 3
    waiting = bench.store.client.lrange(keys.queue("default"), 0, -1)
    assert waiting == [f"j{number}".encode() for number in range(10_000)]


def test_d7_two_that_promote_at_once_promote_each_job_once(bench: Bench) -> None:
    _all_due(bench, 5000)

    def promote() -> None:
        while _tick(bench)[0]:
            pass

    threads = [threading.Thread(target=promote) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    waiting = bench.store.client.lrange(keys.queue("default"), 0, -1)
    assert sorted(waiting) == sorted(f"j{number}".encode() for number in range(5000))


def test_d8_what_came_due_while_no_worker_ran_runs_in_due_order(bench: Bench) -> None:
    bench.queue.send([bench.job(id=f"j{number}", delay=1.0) for number in range(20)])
    bench.store.client.zadd(keys.scheduled("default"), {f"j{number}": 1000 - number for number in range(20)}, xx=True)
    bench.burst()
    assert [run[0] for run in bench.runs()] == [f"j{number}" for number in reversed(range(20))]


def test_g1_g3_strictly_by_priority_and_in_the_order_sent(bench: Bench) -> None:
    for priority in ("low", "default", "high"):
        bench.queue.send([bench.job(id=f"{priority}{number}", priority=priority) for number in range(100)])
    bench.burst()
    expected = [f"{priority}{number}" for priority in ("high", "default", "low") for number in range(100)]
    assert [run[0] for run in bench.runs()] == expected
