"""The double of an engine's jobs, and the fixture that puts it in place."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from liquid_background import DuplicateJob, Engine, EnqueueError, JobNotAllowed, NonRetryable
from liquid_background.errors import ArgumentError
from liquid_background.job import Job
from liquid_background.jobs.contract import JobStore
from liquid_background.jobs.memory import MemoryJobs
from liquid_background.settings import load_settings
from liquid_background.testing import FakeJobs, fake_jobs
from tests.python_jobs import shop

Attach = Callable[..., FakeJobs]


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Engine:
    """An engine whose store cannot be reached: whatever touches it fails."""
    made = Engine(redis_url="redis://127.0.0.1:1", templates=tmp_path)
    for name, function in shop.engine.environment.actions.items():
        made.action(name)(function)
    monkeypatch.setattr(shop, "current", made)
    return made


PAGE = """{% background source_name: 'mail', priority: 'low', delay: 60 %}Dear {% log 'sent' %}{% endbackground %}
{%- background source_name: 'next', x: 1 %}{{ x }}{% background source_name: 'nested' %}n{% endbackground %}
{%- endbackground %}"""


def test_jobs_of_a_page_wait_until_the_test_runs_them(engine: Engine, background_jobs: Attach) -> None:
    jobs = background_jobs(engine)
    assert engine.render_string(PAGE) == ""
    mail, following = jobs.enqueued
    assert (mail.source_name, mail.priority, mail.delay, mail.status) == ("mail", "low", 60, "pending")
    assert following.parameters == {"x": 1}
    assert jobs.run(mail.id).result == "Dear "
    assert jobs.messages == ["sent"]
    assert [job.source_name for job in jobs.waiting] == ["next"]
    assert [(job.source_name, job.result) for job in jobs.run_all()] == [("next", "1"), ("nested", "n")]
    assert jobs.waiting == []
    assert [str(entry.status) for entry in jobs.entries if entry.status] == ["SUCCESS"] * 3


def test_jobs_that_are_due_run_before_others_and_high_before_low(engine: Engine, background_jobs: Attach) -> None:
    jobs = background_jobs(engine)
    later = engine.enqueue("notify", {"order_id": 1}, start_at=datetime(2124, 4, 3, tzinfo=UTC), priority="high")
    low = engine.enqueue("notify", {"order_id": 2}, priority="low")
    high = engine.enqueue("notify", {"order_id": 3}, priority="high")
    order = [record.id for record in iter(jobs.run_next, None) if record is not None]
    assert order == [high.id, low.id, later.id]
    assert low.result() == "order 2"


def test_inline_jobs_run_with_all_their_retries_when_they_are_enqueued(engine: Engine, background_jobs: Attach) -> None:
    jobs = background_jobs(engine, inline=True)
    runs: list[int] = []

    def flaky() -> str:
        runs.append(1)
        if len(runs) < 3:
            raise ValueError("no luck")
        return "at last"

    engine.environment.actions["flaky"] = flaky
    engine.render_string("{% background max_attempts: 3 %}{% action r = 'flaky' %}{{ r }}{% endbackground %}")
    [job] = jobs.enqueued
    assert (job.status, job.attempts, job.result) == ("completed", 3, "at last")
    assert engine.enqueue("order.ship", {"order_id": 1}).result() == "shipped 1"
    assert [job.source_name for job in jobs.enqueued] == ["inline_1", "ship", "notify"]


def test_failures_say_why_and_are_retried_by_hand(engine: Engine, background_jobs: Attach) -> None:
    jobs = background_jobs(engine)
    handle = engine.enqueue("fail", {"message": "no luck"}, retries=1)
    assert jobs.run(handle.id).status == "pending"
    assert jobs.run(handle.id).status == "failed"
    assert engine.jobs.get(handle.id).error == "ValueError: no luck (tests/python_jobs/shop.py:38)"
    assert engine.jobs.retry(handle.id).attempts == 0
    with pytest.raises(JobNotAllowed, match="cannot retry"):
        engine.jobs.retry(handle.id)
    assert handle.cancel()
    assert not handle.cancel()
    assert jobs.run(handle.id).status == "cancelled"
    final = engine.enqueue("refuse", {"message": "gone"}, retries=5)
    assert (jobs.run(final.id).status, jobs.get(final.id).attempts) == ("failed", 1)
    assert issubclass(NonRetryable, Exception)


def test_what_could_not_travel_is_refused_and_functions_get_copies(engine: Engine, background_jobs: Attach) -> None:
    jobs = background_jobs(engine)
    with pytest.raises(EnqueueError):
        engine.enqueue("notify", {"order_id": object()})
    engine.enqueue("notify", {"order_id": 1}, id="one")
    with pytest.raises(DuplicateJob):
        engine.enqueue("notify", {"order_id": 1}, id="one")
    given: dict[str, Any] = {"order_id": [1]}
    engine.enqueue("notify", given)
    given["order_id"].append(2)
    assert jobs.enqueued[-1].parameters["kwargs"] == {"order_id": [1]}


def test_a_render_that_raises_enqueues_nothing(engine: Engine, background_jobs: Attach) -> None:
    jobs = background_jobs(engine)
    with pytest.raises(Exception, match="nothing"):
        engine.render_string(PAGE + "{% include 'nothing' %}")
    assert jobs.enqueued == []


def test_jobs_that_enqueue_each_other_for_ever_are_noticed(engine: Engine, background_jobs: Attach) -> None:
    jobs = background_jobs(engine)
    engine.environment.actions["again"] = lambda: engine.enqueue("order.ship", {"order_id": 1}) and None
    engine.render_string("{% background %}{% action 'again' %}{% endbackground %}")
    assert len(jobs.run_all()) == 3  # these end
    made = iter(range(10**6))
    engine.environment.actions["again"] = lambda: engine.enqueue("partial", {}, id=f"j{next(made)}") and None
    (engine.settings.templates / "partials").mkdir()
    (engine.settings.templates / "partials/partial.liquid").write_text("{% action 'again' %}")
    engine.enqueue("partial")
    with pytest.raises(AssertionError, match="do they enqueue each other"):
        jobs.run_all(most=100)


def test_the_engine_gets_its_own_jobs_and_log_back(engine: Engine) -> None:
    own = engine.log
    with fake_jobs(engine) as outer:
        with fake_jobs(engine) as inner:
            assert (engine.jobs, engine.log) == (inner, inner.log)
        assert (engine.jobs, engine.log) == (outer, outer.log)
    assert engine.job_store is None
    assert type(engine.log) is type(own)


def test_an_engine_is_made_with_a_store_of_jobs_in_its_place(tmp_path: Path) -> None:
    jobs = MemoryJobs(load_settings())
    engine = Engine(redis_url="redis://127.0.0.1:1", templates=tmp_path, job_store=JobStore(jobs, jobs.log))
    engine.render_string("{% log 'hello' %}" + PAGE)
    assert [job.source_name for job in jobs.records()] == ["mail", "next"]
    assert [entry.message for entry in engine.log.entries()] == ["hello"]


def test_only_engines_with_the_same_store_of_jobs_are_one(tmp_path: Path) -> None:
    """What Python code enqueues goes with the page of an engine whose jobs are where its own are."""
    settings = load_settings(templates=tmp_path, data_dir=tmp_path / "data")
    (tmp_path / "partials").mkdir()
    (tmp_path / "partials/mail.liquid").write_text("hi")
    jobs, others = MemoryJobs(settings), MemoryJobs(settings)
    engine = Engine(settings=settings, job_store=JobStore(jobs, jobs.log))
    same = Engine(redis_url="redis://127.0.0.1:1", templates=tmp_path, job_store=JobStore(jobs, jobs.log))
    other = Engine(settings=settings, job_store=JobStore(others, others.log))
    engine.environment.actions["both"] = lambda: [made.enqueue("mail").id for made in (same, other)] and None
    with pytest.raises(ArgumentError, match="no action"):
        engine.render_string("{% action 'both' %}{% action 'fail' %}")
    assert (len(jobs.records()), len(others.records())) == (0, 1)
    without = Engine(settings=settings.model_copy(update={"redis_url": "redis://127.0.0.1:1"}))
    with fake_jobs(without) as faked:
        engine.environment.actions["two"] = lambda: without.enqueue("mail").id and None
        engine.render_string("{% action 'two' %}")
    assert (len(jobs.records()), len(faked.records())) == (0, 1)


def test_what_no_worker_may_run_fails_the_job_and_not_the_test(engine: Engine, background_jobs: Attach) -> None:
    jobs = background_jobs(engine)
    jobs.send([Job(id="odd", source_name="a\nb", template="t", line=1, source="hi")])
    engine.render_string("{% background source_name: 'fine' %}{% endbackground %}")
    assert [(job.source_name, job.status) for job in jobs.run_all()] == [("a\nb", "failed"), ("fine", "completed")]
    assert [str(entry.status) for entry in engine.log.entries()] == ["REFUSED", "SUCCESS"]


def test_a_job_that_is_cancelled_while_it_runs_ends_with_its_attempt(engine: Engine, background_jobs: Attach) -> None:
    jobs = background_jobs(engine)
    body = "{% background job_id: 1, max_attempts: 3 %}{% action 'stop' %}{% endbackground %}"

    def stop() -> None:
        jobs.cancel(jobs.list("running")[0].id)
        raise ValueError("stopped")

    engine.environment.actions["stop"] = stop
    engine.render_string(body)
    assert [job.status for job in jobs.run_all()] == ["cancelled"]
    engine.environment.actions["stop"] = lambda: jobs.cancel(jobs.list("running")[0].id) and None
    engine.render_string(body)
    assert [job.status for job in jobs.run_all()] == ["completed"]


def test_signed_jobs_run_before_their_time_too(tmp_path: Path, background_jobs: Attach) -> None:
    engine = Engine(redis_url="redis://127.0.0.1:1", templates=tmp_path, signing_key="0123456789abcdef")
    jobs = background_jobs(engine)
    engine.render_string(PAGE)
    assert [job.status for job in jobs.run_all()] == ["completed"] * 3
