"""`engine.enqueue`: actions and partials, their options, and the handle."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import fields
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from liquid_background import DuplicateJob, Engine, EnqueueError, JobCancelled, JobFailed, RetryPolicy
from liquid_background.errors import ResultTimeout
from liquid_background.job import Job
from liquid_background.jobs.queue import keys
from liquid_background.python_jobs.options import JOB_OPTIONS, EnqueueOptions, names_of
from tests.python_jobs import shop
from tests.python_jobs.conftest import Bench, perform

APP = "tests.python_jobs.shop:engine"


def _field(engine: Engine, job_id: str, name: str) -> str:
    return (engine.store.client.hget(keys.job(job_id), name) or b"").decode()


def test_a_partial_is_enqueued_by_its_name(tmp_path: Path, engine: Engine) -> None:
    (tmp_path / "partials/emails").mkdir(parents=True)
    (tmp_path / "partials/emails/welcome.liquid").write_text("Hello {{ name }}")
    site = Engine(settings=engine.settings.model_copy(update={"templates": tmp_path}))
    job = site.enqueue("emails/welcome", {"name": "Ann"}, priority="HIGH").job()
    assert (job.source_name, job.priority, job.max_attempts) == ("emails_welcome", "high", 7)
    assert perform(site, job).result == "Hello Ann"
    with pytest.raises(EnqueueError, match="no action and no partial is called 'emails/goodbye'"):
        site.enqueue("emails/goodbye")


class Account(NamedTuple):
    email: str
    password: str


class Point(NamedTuple):
    x: int
    y: int


def test_a_partial_is_given_only_what_templates_read_whole(tmp_path: Path, engine: Engine) -> None:
    (tmp_path / "partials").mkdir(parents=True)
    (tmp_path / "partials/show.liquid").write_text("{{ it | join: ',' }}")
    site = Engine(settings=engine.settings.model_copy(update={"templates": tmp_path}))
    assert perform(site, site.enqueue("show", {"it": Point(1, 2)}).job()).result == "1,2"
    wrong = "cannot enqueue show: parameter 'it' is {}, not plain data"
    with pytest.raises(EnqueueError, match=wrong.format("an Account")):
        site.enqueue("show", {"it": Account("a@example.com", "x1")})
    with pytest.raises(EnqueueError, match=wrong.format("an Account")):
        site.enqueue_many("show", [{"it": [{"deep": Account("a@example.com", "x1")}]}])
    site.environment.ready_rules = False
    with pytest.raises(EnqueueError, match=wrong.format("a Point")):
        site.enqueue("show", {"it": Point(1, 2)})


def test_many_are_sent_in_one_step_or_not_at_all(engine: Engine) -> None:
    handles = engine.enqueue_many("notify", [{"order_id": number} for number in range(5)], priority="low")
    assert [handle.job().parameters["kwargs"]["order_id"] for handle in handles] == [0, 1, 2, 3, 4]
    with pytest.raises(EnqueueError):
        engine.enqueue_many("notify", [{"order_id": 1}, {"order_id": object()}])
    assert len(engine.jobs.list()) == 5
    assert engine.enqueue_many("notify", []) == []


def test_an_id_is_taken_once(engine: Engine) -> None:
    first = engine.enqueue("notify", {"order_id": 1}, id="order-1")
    with pytest.raises(DuplicateJob, match="'order-1' is there already"):
        engine.enqueue("notify", {"order_id": 2}, id="order-1")
    again = engine.enqueue("notify", {"order_id": 3}, id="order-1", on_duplicate="ignore")
    assert first.id == again.id == "order-1"
    assert again.job().parameters["kwargs"] == {"order_id": 1}


@pytest.mark.parametrize(
    ("given", "queue"), [("low", "low"), ("medium", "default"), ("MEDIUM", "default"), ("High", "high")]
)
def test_priorities(engine: Engine, given: str, queue: str) -> None:
    assert engine.enqueue("notify", {"order_id": 1}, priority=given).job().priority == queue


@pytest.mark.parametrize(
    ("given", "group"),
    [
        ("crm", ("crm", "1")),
        ({"name": "crm", "max_concurrency": 4}, ("crm", "4")),
        ({"name": "crm"}, ("crm", "1")),
    ],
)
def test_the_option_queue_names_a_group(engine: Engine, given: Any, group: tuple[str, str]) -> None:
    handle = engine.enqueue("notify", {"order_id": 1}, queue=given)
    assert (_field(engine, handle.id, keys.GROUP), _field(engine, handle.id, keys.GROUP_LIMIT)) == group


def test_retries_are_worked_out_at_enqueue(engine: Engine) -> None:
    def waits(**options: Any) -> str:
        return _field(engine, engine.enqueue("notify", {"order_id": 1}, **options).id, "retry_intervals")

    assert waits() == "[1.0,2.0,4.0,8.0,16.0,32.0]"
    assert waits(retries=None) == waits()
    assert waits(retries=0) == ""
    assert waits(retries=2) == "[1.0,2.0]"
    policy = RetryPolicy(count=5, initial_interval=10, backoff_factor=3, max_interval=60)
    assert waits(retries=policy) == "[10,30.0,60,60,60]" or waits(retries=policy) == "[10,30,60,60,60]"
    development = Engine(settings=engine.settings.model_copy(update={"dev": True}))
    development.action(shop.notify)
    handle = development.enqueue("notify", {"order_id": 1})
    assert handle.job().max_attempts == 3


def test_retries_end_after_seven_days_and_may_be_spread() -> None:
    waits = RetryPolicy(count=100).waits()
    assert len(waits) == 19
    assert sum(waits) < 7 * 24 * 3600 < sum(waits) + 2 * waits[-1]
    assert len(RetryPolicy(count=100, max_interval=60).waits()) == 100
    spread = {RetryPolicy(count=1, initial_interval=10, randomize=True).waits()[0] for _ in range(20)}
    assert len(spread) > 1
    assert all(10 <= wait <= 20 for wait in spread)


def test_start_at_is_a_time_by_the_store_s_clock(engine: Engine) -> None:
    noon = datetime(2124, 4, 3, 12, tzinfo=UTC)
    for given in (noon, "2124-04-03T12:00:00.000Z", noon.astimezone(timezone(timedelta(hours=2)))):
        handle = engine.enqueue("notify", {"order_id": 1}, start_at=given)
        assert engine.store.client.zscore(keys.scheduled("default"), handle.id) == noon.timestamp()
    past = engine.enqueue("notify", {"order_id": 1}, start_at="2024-04-03T12:00:00.000Z")
    assert _field(engine, past.id, "status") == "queued"


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"startAt": "2024"}, "unknown option 'startAt': did you mean 'start_at'"),
        ({"onDuplicateID": "ignore"}, "unknown option 'onDuplicateID': it is called on_duplicate"),
        ({"maxConcurrency": 4}, "give queue="),
        ({"group": "crm"}, "a group is given as queue="),
        ({"queue": "a b"}, "queue is 'a b'; a group's name is 1 to 100"),
        ({"queue": {"name": "a", "max_concurrency": 0}}, "group a: max_concurrency is 0"),
        ({"delay": 5}, "say when with start_at"),
        ({"max_attempts": 3}, "retries counts the runs after the first"),
        ({"prioritty": "low"}, "did you mean 'priority'"),
        ({"zzz": 1}, "options are .*id, on_duplicate, .*source_name"),
        ({"priority": "urgent"}, "priority is 'urgent'; it must be"),
        ({"retries": 101}, "from 0 to 100"),
        ({"retries": {"retryCount": 5}}, "RetryPolicy"),
        ({"start_at": "tomorrow"}, "start_at is 'tomorrow'"),
        ({"start_at": datetime(2124, 4, 3)}, "without an offset"),
        ({"queue": {"name": "a", "max_concurrency": 101}}, "from 1 to 100"),
        ({"queue": {"name": "a", "maxConcurrency": 4}}, "its keys are"),
        ({"id": "a b"}, "id is 'a b'"),
        ({"on_duplicate": "replace"}, "'error' or 'ignore'"),
        ({"timeout": 0}, "timeout is 0"),
    ],
)
def test_wrong_options_are_refused_with_advice(engine: Engine, options: Any, reason: str) -> None:
    with pytest.raises(EnqueueError, match=reason):
        engine.enqueue("notify", {"order_id": 1}, **options)
    assert engine.jobs.list() == []


def test_each_option_has_a_type_an_entry_and_a_word_in_the_docstring() -> None:
    assert names_of(EnqueueOptions) == sorted(JOB_OPTIONS)
    assert set(JOB_OPTIONS) <= set(re.findall(r"`(\w+)`", Engine.enqueue.__doc__ or ""))
    assert {option.field for option in JOB_OPTIONS.values()} - {""} <= {field.name for field in fields(Job)}


def test_results_come_back_from_a_worker_with_their_types(engine: Engine, bench: Bench) -> None:
    bench.start(app=APP)
    greeting = engine.enqueue(engine.action(shop.greet), {"name": "Ann"})
    shipped = engine.enqueue("order.ship", {"order_id": 7})
    assert greeting.result(timeout=20) == {"hello": "Ann", "on": shop.date(2024, 4, 3)}
    assert shipped.result(timeout=20) == "shipped 7"
    [made] = engine.jobs.list(source_name="notify")
    assert bench.wait_for(made.id).result == "order 7"
    assert not shipped.cancel()
    assert [(entry.status, entry.attempt, entry.max_attempts) for entry in bench.log(shipped.id)] == [("SUCCESS", 1, 7)]


@pytest.mark.parametrize(("keep", "text", "value"), [("functions", None, "order 5"), ("none", None, None)])
def test_a_worker_keeps_whose_results_it_is_told_to(
    engine: Engine, bench: Bench, keep: str, text: str | None, value: str | None
) -> None:
    engine.render_string("{% background source_name: 'body' %}text{% endbackground %}")
    handle = engine.enqueue("notify", {"order_id": 5})
    bench.burst(app=APP, keep_results=keep)
    [body] = engine.jobs.list(source_name="body")
    assert (body.status, body.result) == ("completed", text)
    assert handle.result(timeout=20) == value


def test_a_job_that_fails_is_tried_again_after_its_waits(engine: Engine, bench: Bench, tmp_path: Path) -> None:
    policy = RetryPolicy(count=2, initial_interval=0.2, backoff_factor=2)
    bench.start(app=APP)
    handle = engine.enqueue("fail", {"message": "no luck", "file": str(tmp_path / "runs")}, retries=policy)
    with pytest.raises(JobFailed, match="failed: ValueError: no luck"):
        handle.result(timeout=20)
    first, second, third = (float(line) for line in (tmp_path / "runs").read_text().split())
    assert second - first >= 0.2
    assert third - second >= 0.4
    final = engine.enqueue("refuse", {"message": "gone"}, retries=5)
    with pytest.raises(JobFailed, match="gone"):
        final.result(timeout=20)
    assert final.job().attempts == 1


def test_waiting_for_a_job_ends_with_it_or_with_the_time(
    engine: Engine, bench: Bench, tmp_path: Path, wait_until: Callable[..., Any]
) -> None:
    handle = engine.enqueue("wait_for", {"until": str(tmp_path / "go")})
    began = time.monotonic()
    with pytest.raises(ResultTimeout, match=r"has not ended within 0\.1 s"):
        handle.result(timeout=0.1)
    assert time.monotonic() - began < 5
    bench.start(app=APP)
    wait_until(lambda: handle.job().status == "running")
    assert handle.cancel()  # it runs: stopped at the worker's next beat
    with pytest.raises(JobCancelled):
        handle.result(timeout=20)
    assert handle.job().completed_at is not None


def test_a_coroutine_is_stopped_at_its_time_limit(engine: Engine, bench: Bench, tmp_path: Path) -> None:
    handle = engine.enqueue("wait_for", {"until": str(tmp_path / "never")}, timeout=0.3, retries=0)
    bench.start(app=APP)
    with pytest.raises(JobFailed, match=r"stopped at its limit of 0\.3 s"):
        handle.result(timeout=20)


def test_a_job_cannot_wait_for_what_is_sent_when_it_succeeds(engine: Engine) -> None:
    seen: list[Any] = []

    def waits() -> None:
        seen.append(engine.enqueue("notify", {"order_id": 1}))
        seen[0].result(timeout=1)

    engine.environment.actions["waits"] = waits
    with pytest.raises(EnqueueError, match="so neither can wait for it"):
        engine.render_string("{% action 'waits' %}")
    assert engine.jobs.list() == []


def test_what_is_not_sent_yet_cannot_be_taken_back_unnoticed(engine: Engine) -> None:
    made: list[Any] = []

    def makes() -> None:
        made.append(engine.enqueue("notify", {"order_id": 1}))
        with pytest.raises(EnqueueError, match="until then it cannot be taken back"):
            made[-1].cancel()

    engine.environment.actions["makes"] = makes
    engine.render_string("{% action 'makes' %}")
    assert made[-1].cancel()
    assert made[-1].job().status == "cancelled"


def test_many_in_a_job_ask_the_store_for_none(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    engine.environment.actions["makes"] = lambda: engine.enqueue_many("notify", [{"order_id": 1}] * 3) and None
    with monkeypatch.context() as patch:
        patch.setattr(engine.jobs, "get", lambda _: pytest.fail("new ids are known to be free"))
        engine.render_string("{% action 'makes' %}")
    assert len(engine.jobs.list()) == 3


@pytest.mark.parametrize("params", [None, {"order_id": 1}, 5])
def test_many_are_given_as_a_list(engine: Engine, params: Any) -> None:
    with pytest.raises(EnqueueError, match="enqueue_many takes a list of mappings"):
        engine.enqueue_many("notify", params)
