"""Decorated functions: they stay what they were, and only what a worker can find and be handed is enqueued."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import os
import re
import threading
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from liquid_background import Engine, EnqueueError, JobError, background
from liquid_background.calling import is_async
from liquid_background.jobs.masking import MASK, MASKED
from liquid_background.jobs.store import Store
from liquid_background.python_jobs import Function, find_function
from liquid_background.rapidai import InMemoryQueue
from liquid_background.settings import load_settings
from tests.halves import is_ahead
from tests.python_jobs import shop
from tests.python_jobs.conftest import perform


def test_a_decorated_function_is_still_called_and_keeps_its_metadata() -> None:
    assert shop.add(2, right=3) == 5
    assert asyncio.run(shop.greet("Ann")) == {"hello": "Ann", "on": date(2024, 4, 3)}  # type: ignore[arg-type]
    assert (shop.add.__name__, shop.add.__doc__) == ("add", "Return the sum.")
    assert str(inspect.signature(shop.add)) == "(left: 'int', right: 'int' = 0) -> 'int'"
    assert is_async(shop.greet)
    assert not is_async(shop.add)


def test_a_job_stores_the_import_path_and_plain_values(engine: Engine) -> None:
    bound = engine.background(shop.plain)
    handle = engine.enqueue(shop.notify, {"order_id": 5})
    job = handle.job()
    assert (job.source, job.source_name) == ("tests.python_jobs.shop:notify", "notify")
    assert job.parameters == {"args": [], "kwargs": {"order_id": 5}}
    assert perform(engine, job).result == "order 5"
    assert isinstance(bound, Function)


def test_the_two_decorators_enqueue_with_and_without_a_loop(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shop.add, "_queue", lambda: engine.function_queue)
    first, second = shop.add.enqueue_sync(1, right=2), asyncio.run(shop.add.enqueue(3))
    assert {record.job_id for record in engine.function_queue.list_jobs_sync()} == {first, second}
    result = shop.add.get_result_sync(first)
    assert result is not None
    assert (result.status, result.max_retries, result.attempts) == ("pending", 2, 0)
    assert shop.add.cancel_sync(first)
    assert not asyncio.run(shop.add.cancel(first))
    assert shop.add.get_result_sync("nothing") is None


def test_arguments_travel_by_name_where_the_function_allows(engine: Engine) -> None:
    by_name = engine.function_job(shop.notify, (5,), {}, {})
    assert by_name.parameters == {"args": [], "kwargs": {"order_id": 5}}
    in_place = engine.function_job(shop.total, (1, 2, 3), {"start": 4}, {})
    assert in_place.parameters == {"args": [1, 2, 3], "kwargs": {"start": 4}}


def test_an_argument_without_a_name_is_masked_by_that_of_its_parameter(engine: Engine) -> None:
    job = engine.function_job(shop.sign_in, ("s3cret-1", "Ann", "t0ken-2", "t0ken-3"), {}, {})
    assert job.parameters["args"] == ["s3cret-1", "Ann", "t0ken-2", "t0ken-3"]
    engine.send([job], ())
    record = engine.jobs.get(job.id)
    [shown] = engine.shown([record])
    assert shown.parameters == {"args": [MASK, "Ann", MASK, MASK], "kwargs": {}}
    outcome = perform(engine, record)
    assert f"Ann with {MASK}: {MASK}, {MASK} (" in (outcome.error or "")
    assert not re.search("s3cret|t0ken", f"{outcome.error}{outcome.traceback}")
    for place, value, found in (("args.0", "s3cret-1", 0), ("args.2", "t0ken-2", 0), ("args.1", "Ann", 1)):
        assert len(engine.jobs.list(values={place: value})) == found, place
    engine.jobs.cancel(job.id)
    with pytest.raises(EnqueueError, match=r"no value '\$masked.0'; it has args"):
        engine.jobs.retry(job.id, set={f"{MASKED}.0": "x"})
    new = engine.jobs.retry(job.id, set={"args.1": "Bob"})
    assert engine.shown([new])[0].parameters == {"args": [MASK, "Bob", MASK, MASK], "kwargs": {}}
    assert perform(engine, new).error == (outcome.error or "").replace("Ann", "Bob")
    assert MASKED not in engine.function_job(shop.total, (1, 2), {}, {}).parameters


def test_an_argument_that_a_wrapper_takes_is_masked_where_it_may_be_a_secret(engine: Engine) -> None:
    job = engine.function_job(shop.sign_out, ("t0ken-1",), {}, {})
    engine.send([job], ())
    record = engine.jobs.get(job.id)
    assert engine.shown([record])[0].parameters == {"args": [MASK], "kwargs": {}}
    assert perform(engine, record).result == "session of t0ken-1"


def test_types_survive_the_way_to_the_store_and_back(engine: Engine) -> None:
    outcome = perform(engine, engine.enqueue(engine.action("greet")(shop.greet), {"name": "Ann"}).job())
    assert outcome.result == {"hello": "Ann", "on": {"$date": "2024-04-03"}}


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda engine: engine.background(lambda: 1), "inside another function"),
        (lambda engine: engine.background(_local()), "inside another function"),
        (lambda engine: shop.plain, "is not registered: decorate it"),
        (lambda engine: os.system, "system is not registered"),
        (lambda engine: engine.background(shop.plain), "put the job decorator on top"),
    ],
)
def test_what_a_worker_could_not_find_is_refused_at_enqueue(engine: Engine, make: Any, reason: str) -> None:
    with pytest.raises(EnqueueError, match=reason):
        engine.enqueue(make(engine))
    assert engine.jobs.list() == []


def _local() -> Any:
    def inner() -> None: ...

    return inner


def test_a_function_of_the_program_itself_is_refused(engine: Engine) -> None:
    def script() -> None: ...

    script.__module__, script.__qualname__ = "__main__", "script"
    with pytest.raises(EnqueueError, match="move it to a module"):
        engine.enqueue(engine.background(script))


@pytest.mark.parametrize(
    ("params", "reason"),
    [
        ({"order_id": Path()}, "argument 'order_id' is a PosixPath, not plain data"),
        ({"order_id": float("nan")}, "argument 'order_id' is nan"),
        ({}, "missing a required argument: 'order_id'"),
        ({"order_id": 1, "more": 2}, "unexpected keyword argument 'more'"),
        ({"order_id": "x" * 200_000}, "pass ids instead of whole values .the largest is 'order_id'"),
        ([{"order_id": 1}], "enqueue_many takes a list"),
    ],
)
def test_arguments_that_cannot_travel_or_don_t_fit_are_refused_at_enqueue(
    engine: Engine, params: Any, reason: str
) -> None:
    with pytest.raises(EnqueueError, match=reason):
        engine.enqueue("notify", params)
    assert engine.jobs.list() == []


@pytest.mark.parametrize(
    "path",
    ["os:system", "tests.python_jobs.shop:plain", "tests.python_jobs.shop:time.sleep", "tests.python_jobs.shop", ":"],
)
def test_a_payload_may_name_registered_functions_only(engine: Engine, path: str) -> None:
    payload = {
        "v": 1,
        "source_name": "x",
        "template": "x",
        "line": 1,
        "column": 0,
        "function": path,
        "parameters": {"args": ["true"], "kwargs": {}},
        "handed_over": {},
        "delay": 0,
        "max_attempts": 3,
    }
    outcome = engine.perform("x", payload, 1, 3)
    assert f"no job function {path!r}" in (outcome.error or "")
    assert "deploy workers before" in (outcome.error or "")
    assert outcome.retry  # a deployment may bring it


def test_a_function_is_found_where_its_module_is_imported_already() -> None:
    assert find_function("tests.python_jobs.shop:greet") is shop.greet
    assert find_function("antigravity:fly") is None


def test_a_failure_is_one_line_and_may_be_final(engine: Engine) -> None:
    failed = perform(engine, engine.enqueue("fail", {"message": "no\nluck"}).job())
    assert failed.retry
    assert re.fullmatch(r"ValueError: no luck \(tests/python_jobs/shop.py:\d+\)", failed.error or "")
    final = perform(engine, engine.enqueue("refuse", {"message": "gone"}).job())
    raised = f"(tests/python_jobs/shop.py:{shop.refuse.line + 3})"
    assert (final.error, final.retry) == (f"NonRetryable: gone {raised}", False)
    strange = perform(engine, engine.enqueue("not_plain").job())
    assert "its result is a PosixPath" in (strange.error or "")
    assert not strange.retry


def test_jobs_of_a_job_are_sent_with_its_success_only(engine: Engine) -> None:
    good = perform(engine, engine.enqueue("order.ship", {"order_id": 5}).job())
    assert [job.source_name for job in good.jobs] == ["notify"]
    bad = perform(engine, engine.enqueue("order.ship", {"order_id": 5, "then": "fail"}).job())
    assert bad.jobs == ()
    assert [job.source_name for job in engine.jobs.list()] == ["ship", "ship"]


def test_what_outlives_an_action_sends_its_jobs_itself(engine: Engine) -> None:
    rendered = threading.Event()
    threads: list[threading.Thread] = []

    def late() -> None:
        rendered.wait(10)
        engine.enqueue("notify", {"order_id": 1})

    def starts() -> None:
        if is_ahead():
            return
        threads.append(threading.Thread(target=contextvars.copy_context().run, args=(late,)))
        threads[0].start()

    engine.environment.actions["starts"] = starts
    engine.render_string("{% action 'starts' %}")
    rendered.set()
    threads[0].join(10)
    assert [job.source_name for job in engine.jobs.list()] == ["notify"]


def test_a_job_in_memory_is_no_part_of_the_page_that_enqueued_it(engine: Engine) -> None:
    queue = InMemoryQueue()
    done = threading.Event()

    async def in_memory() -> None:
        engine.enqueue("notify", {"order_id": 1})
        done.set()

    def enqueues() -> None:
        if not is_ahead():
            queue.enqueue_sync("j", in_memory, (), {})
            assert done.wait(10)
        raise ValueError("the page fails")

    engine.environment.actions["enqueues"] = enqueues
    with pytest.raises(ValueError, match="the page fails"):
        engine.render_string("{% action 'enqueues' %}")
    assert [job.source_name for job in engine.jobs.list()] == ["notify"]


def test_jobs_for_another_store_are_sent_at_once(
    engine: Engine, external_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = engine.enqueue("order.ship", {"order_id": 5}).job()
    for settings, collected in ((engine.settings, 1), (load_settings(redis_url=external_store.url), 0)):
        other = Engine(settings=settings)
        other.action(shop.notify)
        monkeypatch.setattr(shop, "current", other)
        assert len(perform(engine, job).jobs) == collected
    assert [job.source_name for job in other.jobs.list()] == ["notify"]


@pytest.mark.parametrize("count", [-1, 101, 1.5, True, "3"])
def test_retries_out_of_range_are_refused_where_the_function_is_decorated(count: Any) -> None:
    with pytest.raises(JobError, match="from 0 to 100"):
        background(max_retries=count)(shop.plain)


def test_only_functions_are_decorated_and_once() -> None:
    with pytest.raises(EnqueueError, match="decorated twice"):
        background(shop.add)
    with pytest.raises(EnqueueError, match="not a function"):
        background(print)
