"""`around_job`: what a context manager around each attempt sees, and what its own trouble costs."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from liquid_background import Attempt, Engine, NonRetryable, SettingsError
from liquid_background.errors import JobTimeout
from liquid_background.job import Outcome
from liquid_background.testing import FakeJobs, fake_jobs
from tests.hooks import hooked_app
from tests.python_jobs import shop


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    made = Engine()
    for name, function in shop.engine.environment.actions.items():
        made.action(name)(function)
    return made


@pytest.fixture
def jobs(engine: Engine) -> Iterator[FakeJobs]:
    with fake_jobs(engine) as double:
        yield double


BLOCK = "{% background source_name: 'mail', to: user, max_attempts: 2 %}BODY{% endbackground %}"


def _run(engine: Engine, jobs: FakeJobs, body: str = "Dear {{ to }}") -> Any:
    engine.render_string(BLOCK.replace("BODY", body), {"user": "Ada"}, name="pages/order")
    return jobs.run_next()


def test_it_is_told_what_runs(engine: Engine, jobs: FakeJobs) -> None:
    told: list[Any] = []

    @engine.around_job
    def note(job: Attempt) -> Iterator[None]:
        told.append((job.source_name, job.template, job.line, job.attempt, job.max_attempts, job.is_last))
        told.append((job.parameters, job.handed_over, job.function))
        yield
        told.append(job.id)

    record = _run(engine, jobs, "{% include none %}")
    assert told == [("mail", "pages/order", 1, 1, 2, False), ({"to": "Ada"}, {}, None)]
    assert record.status == "pending"
    told.clear()
    assert jobs.run(record.id).status == "failed"
    assert told[0][3:] == (2, 2, True)
    told.clear()
    handle = engine.enqueue("notify", {"order_id": 5})
    assert jobs.run(handle.id).status == "completed"
    assert told[1] == ({"args": [], "kwargs": {"order_id": 5}}, {}, "tests.python_jobs.shop:notify")
    assert told[2] == handle.id


def _as_generator(enter: Callable[[], None], leave: Callable[[], None]) -> Any:
    def hook(job: Attempt) -> Iterator[None]:
        enter()
        try:
            yield
        finally:
            leave()

    return hook


def _as_object(enter: Callable[[], None], leave: Callable[[], None]) -> Any:
    class Hook:
        def __call__(self, job: Attempt) -> Iterator[None]:
            enter()
            try:
                yield
            finally:
                leave()

    return Hook()


def _as_context_manager(enter: Callable[[], None], leave: Callable[[], None]) -> Any:
    return contextlib.contextmanager(_as_generator(enter, leave))


def _as_class(enter: Callable[[], None], leave: Callable[[], None]) -> Any:
    class Hook:
        def __init__(self, job: Attempt) -> None:
            pass

        def __enter__(self) -> None:
            enter()

        def __exit__(self, *_: object) -> bool:
            leave()
            return True  # swallows whatever comes

    return Hook


@pytest.mark.parametrize("shape", [_as_generator, _as_object, _as_context_manager, _as_class])
@pytest.mark.parametrize("body", ["Hi", "{% include none %}"])
def test_several_are_inside_each_other_whatever_their_shape(
    engine: Engine, jobs: FakeJobs, shape: Any, body: str
) -> None:
    order: list[str] = []
    for name in ("outer", "inner"):
        engine.around_job(shape(lambda name=name: order.append(f"+{name}"), lambda name=name: order.append(f"-{name}")))
    record = _run(engine, jobs, body)
    assert order == ["+outer", "+inner", "-inner", "-outer"]
    assert record.status == ("completed" if body == "Hi" else "pending")


def test_an_error_is_raised_inside_it_and_swallowing_it_mends_nothing(engine: Engine, jobs: FakeJobs) -> None:
    errors: list[BaseException] = []

    @engine.around_job
    def outer(job: Attempt) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            errors.append(error)
            raise

    @engine.around_job
    def inner(job: Attempt) -> Iterator[None]:
        with contextlib.suppress(BaseException):
            yield

    handle = engine.enqueue("refuse", {"message": "gone"})
    record = jobs.run(handle.id)
    assert (record.status, record.error) == ("failed", "NonRetryable: gone (tests/python_jobs/shop.py:44)")
    assert [type(error) for error in errors] == [NonRetryable]


@pytest.mark.parametrize("place", ["before", "after", "instead"])
@pytest.mark.parametrize("kind", [ValueError, SystemExit, KeyboardInterrupt])
def test_one_that_raises_is_reported_once_and_costs_no_job(
    engine: Engine, jobs: FakeJobs, caplog: pytest.LogCaptureFixture, place: str, kind: type[BaseException]
) -> None:
    ran: list[str] = []

    @engine.around_job
    def other(job: Attempt) -> Iterator[None]:
        yield
        ran.append(job.id)

    @engine.around_job
    def broken(job: Attempt) -> Iterator[None]:
        if place == "before":
            raise kind("no database")
        if place == "after":
            yield
            raise kind("no database")
        try:
            yield
        except Exception as error:
            raise kind("no database") from error

    for _ in range(3):
        record = _run(engine, jobs, "{% include none %}" if place == "instead" else "Hi")
        assert record.status == ("pending" if place == "instead" else "completed")
        assert "no database" not in (record.error or "")
    assert len(ran) == (0 if place == "instead" else 3)
    (line,) = caplog.records
    assert line.levelno == logging.ERROR
    assert line.exc_info is not None
    assert "around_job hook" in line.getMessage()
    assert "broken" in line.getMessage()
    assert kind.__name__ in line.getMessage()


def test_what_a_required_one_raises_is_the_attempts_error(engine: Engine, jobs: FakeJobs) -> None:
    @engine.around_job(required=True)
    def transaction(job: Attempt) -> Iterator[None]:
        try:
            yield
        except LookupError as error:
            raise NonRetryable(f"translated: {error}") from error
        raise ValueError("the commit failed")

    record = _run(engine, jobs)
    assert (record.status, record.error) == ("pending", "ValueError: the commit failed")
    engine.environment.add_filter("find", lambda value: {}[value])
    record = _run(engine, jobs, "{{ 'x' | find }}")
    assert record.status == "failed"
    assert record.error.startswith("NonRetryable: translated: ")


def test_a_required_one_that_does_not_begin_lets_no_body_run(engine: Engine, jobs: FakeJobs) -> None:
    left: list[str] = []

    @engine.around_job
    def outer(job: Attempt) -> Iterator[None]:
        try:
            yield
        finally:
            left.append("outer")

    engine.around_job(required=True)(lambda job: 5)
    record = _run(engine, jobs, "{% log 'ran' %}")
    assert record.error == "TypeError: it returned int, which is not a context manager"
    assert jobs.messages == []
    assert left == ["outer"]


def test_a_time_limit_goes_through(engine: Engine) -> None:
    left: list[type[BaseException]] = []

    @engine.around_job
    def outer(job: Attempt) -> Iterator[None]:
        try:
            yield
        except JobTimeout as error:
            left.append(type(error))

    @engine.around_job
    def hangs(job: Attempt) -> Iterator[None]:
        raise JobTimeout("stopped at its limit of 1 s")
        yield

    outcome: Outcome = engine.perform("a", _payload(engine), 1, 1)
    assert outcome.error == "stopped at its limit of 1 s"
    assert left == [JobTimeout]


def _payload(engine: Engine) -> dict[str, Any]:
    with fake_jobs(engine) as double:
        engine.render_string("{% background source_name: 'mail' %}Hi{% endbackground %}")
        (record,) = double.waiting
    return {
        "source_name": "mail",
        "template": record.template,
        "line": 1,
        "column": 0,
        "source": record.source,
        "parameters": {},
        "handed_over": {},
    }


def test_functions_that_are_async_run_inside_it_with_its_context(engine: Engine, jobs: FakeJobs) -> None:
    @engine.around_job
    def within(job: Attempt) -> Iterator[None]:
        token = hooked_app.current.set(job.id)
        yield
        hooked_app.current.reset(token)

    engine.action("look")(hooked_app.work_async)
    handle = engine.enqueue("look")
    assert jobs.run(handle.id).result == handle.id
    assert hooked_app.current.get() == ""


async def _coroutine(job: Attempt) -> None: ...


async def _async_generator(job: Attempt) -> AsyncIterator[None]:
    yield


@pytest.mark.parametrize(
    ("hook", "says"),
    [
        (_coroutine, "is async"),
        (_async_generator, "is async"),
        (contextlib.asynccontextmanager(_async_generator), "is async"),
        (lambda: None, "is called with the job, which it does not take"),
        (lambda job, other: None, "is called with the job, which it does not take"),
        (5, "is no function, but int"),
    ],
)
def test_what_cannot_be_one_is_refused_at_once(engine: Engine, hook: Any, says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        engine.around_job(hook)


def test_a_hook_is_still_itself(engine: Engine) -> None:
    def hook(*_: object) -> None: ...

    for register in (engine.around_job, engine.around_job(), engine.on_failure, engine.on_child_start):
        assert register(hook) is hook
