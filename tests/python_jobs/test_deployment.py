"""Workers of an older version, while pages of a newer one enqueue already."""

from __future__ import annotations

from liquid_background import Engine, RetryPolicy
from liquid_background.language.executor import Executor
from tests.faults.test_rq_interop import _rq
from tests.python_jobs.conftest import Bench

OLD, NEW = "tests.python_jobs.older:engine", "tests.python_jobs.shop:engine"


def test_a_job_of_a_function_that_a_worker_does_not_know_is_tried_again(engine: Engine, bench: Bench) -> None:
    policy = RetryPolicy(count=6, initial_interval=0.3, backoff_factor=1)
    old = bench.start(app=OLD)
    handle = engine.enqueue("notify", {"order_id": 5}, retries=policy)
    bench.wait_until(lambda: bench.story(handle.id))
    assert old.stop() == 0
    bench.start(app=NEW)
    assert handle.result(timeout=20) == "order 5"
    story = bench.story(handle.id)
    assert story[0] == ("FAILED", 1, False)
    assert story[-1] == ("SUCCESS", len(story), True)
    told = bench.log(handle.id)[0].message
    assert "'tests.python_jobs.shop:notify'" in told
    assert "deploy workers before" in told


def test_a_function_that_never_comes_fails_when_the_attempts_are_used_up(engine: Engine, bench: Bench) -> None:
    handle = engine.enqueue("notify", {"order_id": 5}, retries=RetryPolicy(count=2, initial_interval=0.05))
    bench.burst(app=OLD)
    assert bench.story(handle.id) == [("FAILED", 1, False), ("FAILED", 2, False), ("FAILED", 3, True)]
    assert bench.queue.get(handle.id).status == "failed"


def test_a_stock_worker_that_does_not_know_it_leaves_it_its_retries(engine: Engine, bench: Bench) -> None:
    handle = engine.enqueue("notify", {"order_id": 5}, retries=RetryPolicy(count=2, initial_interval=0.0))
    _rq(bench, "worker", "--burst", "-S", "json", "default", LIQUID_BACKGROUND_APP=OLD)
    assert bench.story(handle.id) == [("FAILED", 1, False), ("FAILED", 2, False), ("FAILED", 3, True)]


def test_an_executor_without_functions_leaves_a_job_its_retries(engine: Engine) -> None:
    payload = {"function": "shop:x", "source_name": "x", "template": "x", "line": 1, "parameters": {}}
    outcome = Executor(engine.environment).perform("x", payload, 1, 3)
    assert outcome.retry
    assert "'shop:x'" in (outcome.error or "")
