"""`on_failure`: called once when a job has failed for good, with its error and traceback."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from liquid_background import Engine, Failure
from liquid_background.testing import FakeJobs, fake_jobs
from tests.python_jobs import shop


@pytest.fixture
def engine() -> Engine:
    made = Engine()
    made.action("refuse")(shop.refuse)
    return made


@pytest.fixture
def jobs(engine: Engine) -> Iterator[FakeJobs]:
    with fake_jobs(engine) as double:
        yield double


FAILS = "{% background source_name: 'mail', max_attempts: 2 %}{% include 'none' %}{% endbackground %}"


def test_it_is_told_of_the_last_attempt_alone(engine: Engine, jobs: FakeJobs) -> None:
    failures: list[Failure] = []
    engine.on_failure(failures.append)
    engine.render_string(FAILS, name="pages/order")
    record = jobs.run_next()
    assert record is not None
    assert failures == []
    record = jobs.run(record.id)
    (failure,) = failures
    assert (failure.job.id, failure.job.attempt, failure.job.source_name) == (record.id, 2, "mail")
    assert failure.error == record.error
    assert failure.traceback.startswith("Traceback ")
    assert type(failure.exception).__name__ == "TemplateNotFoundError"
    assert failure.exception.__traceback__ is not None


def test_it_is_told_of_what_is_not_tried_again(engine: Engine, jobs: FakeJobs) -> None:
    failures: list[Failure] = []
    engine.on_failure(failures.append)
    handle = engine.enqueue("refuse", {"message": "gone"}, retries=5)
    assert jobs.run(handle.id).status == "failed"
    assert [failure.error for failure in failures] == ["NonRetryable: gone (tests/python_jobs/shop.py:44)"]


def test_those_that_raise_are_reported_and_the_others_are_called(
    engine: Engine, jobs: FakeJobs, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[str] = []

    @engine.on_failure
    def broken(failure: Failure) -> None:
        raise SystemExit("no pager")

    @engine.on_failure
    async def later(failure: Failure) -> None:
        told.append(failure.error)

    handles = [engine.enqueue("refuse", {"message": "gone"}) for _ in range(3)]
    assert [jobs.run(handle.id).status for handle in handles] == ["failed"] * 3
    assert told == ["NonRetryable: gone (tests/python_jobs/shop.py:44)"] * 3
    assert [record.getMessage() for record in caplog.records] == [
        f"on_failure hook {__name__}.{broken.__qualname__} raised SystemExit; that costs no job"
    ]


def test_trouble_is_told_again_after_a_minute_with_its_number(
    engine: Engine, jobs: FakeJobs, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.on_failure(lambda failure: 1 / 0)
    for _ in range(3):
        jobs.run(engine.enqueue("refuse", {"message": "gone"}).id)
    monkeypatch.setattr("liquid_background.hooks.hooks._AGAIN", 0.0)
    jobs.run(engine.enqueue("refuse", {"message": "gone"}).id)
    first, again = [record.getMessage() for record in caplog.records]
    assert "ZeroDivisionError; that" in first
    assert "ZeroDivisionError, as it did 2 times more in the minute before; that" in again
