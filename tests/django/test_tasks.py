"""The backend for django.tasks."""

from __future__ import annotations

import asyncio
import inspect
import json
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import django
import pytest
from django.core import mail
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction
from django.test import override_settings
from liquid.exceptions import LiquidError

from liquid_background import Engine, EnqueueError, StoreUnavailable
from liquid_background.django.tasks import LiquidBackend
from liquid_background.django.tasks.attempts import worker_id
from liquid_background.django.tasks.interface import InvalidTask, TaskResultDoesNotExist, signals, task_backends
from liquid_background.job import Job
from liquid_background.testing import FakeJobs, fake_jobs
from tests.django.chores import tasks
from tests.django.test_connections import Site, site
from tests.worker.conftest import bench

if django.VERSION < (6,):
    from django_tasks import TaskResultStatus, default_task_backend
    from django_tasks.exceptions import TaskResultMismatch
else:
    from django.tasks import TaskResultStatus, default_task_backend
    from django.tasks.exceptions import TaskResultMismatch

__all__ = ["bench", "site"]

MakeProject = Callable[..., Engine]
BACKEND = "liquid_background.django.tasks.LiquidBackend"
MESSAGE = {"emails": ["user@example.com"], "subject": "You have a message", "message": "Hello there!"}


@pytest.fixture
def jobs(make_project: MakeProject) -> Iterator[FakeJobs]:
    with fake_jobs(make_project()) as jobs:
        yield jobs


@pytest.fixture
def configure() -> Iterator[Callable[..., None]]:
    """`configure(QUEUES=["emails"])` changes the entry of TASKS."""
    changed: list[Any] = []

    def change(**entry: Any) -> None:
        changed.append(override_settings(TASKS={"default": {"BACKEND": BACKEND, "QUEUES": [], **entry}}))
        changed[-1].enable()

    yield change
    for each in reversed(changed):
        each.disable()


# The documentation's examples.


@pytest.mark.filterwarnings("ignore:The EMAIL_BACKEND setting")  # of Django 6.1
@pytest.mark.parametrize("task", [tasks.email_users, tasks.email_users_soon, tasks.email_users_knowingly])
def test_the_documentations_mails(jobs: FakeJobs, task: Any) -> None:
    mail.outbox = []
    with override_settings(EMAIL_BACKEND="django.core.mail.backends.locmem.EmailBackend"):
        result = task.enqueue(**MESSAGE)
        assert result.status == TaskResultStatus.READY
        assert mail.outbox == []
        jobs.run_all()
    assert [message.to for message in mail.outbox] == [["user@example.com"]]
    assert result.status == TaskResultStatus.READY
    result.refresh()
    assert (result.status, result.return_value) == (TaskResultStatus.SUCCESSFUL, 1)
    for found in (task.get_result(result.id), default_task_backend.get_result(result.id)):
        assert (found.id, found.return_value, found.kwargs, found.task) == (result.id, 1, MESSAGE, task)
    with pytest.raises(TaskResultMismatch):
        tasks.process_data.get_result(result.id)


def test_the_documentations_modified_task(jobs: FakeJobs) -> None:
    assert tasks.email_users.priority == 0
    assert tasks.email_users.using(priority=10).priority == 10


def test_an_argument_that_cannot_travel_is_told_by_the_tasks_name(jobs: FakeJobs) -> None:
    path = tasks.process_data.module_path
    with pytest.raises(EnqueueError, match=rf"^cannot enqueue {path}: argument 1 is nan, which JSON cannot carry"):
        tasks.process_data.enqueue(float("nan"))
    name = next(iter(inspect.signature(tasks.process_data.func).parameters))
    with pytest.raises(EnqueueError, match=rf"^cannot enqueue {path}: argument '{name}' is inf, which JSON"):
        tasks.process_data.enqueue(**{name: [float("inf")]})
    with pytest.raises(EnqueueError, match=rf"^cannot enqueue {path}: the job takes 196 KB, at most 100 KB"):
        tasks.process_data.enqueue("x" * 200_000)


def test_keys_that_are_no_text_are_kept_as_django_keeps_them(jobs: FakeJobs) -> None:
    given, doubled = tasks.process_data.enqueue({1: 2, "a": {None: [True]}}), tasks.double_dictionary.enqueue(7)
    jobs.run_all()
    given.refresh()
    doubled.refresh()
    assert (given.args, doubled.return_value) == ([{1: 2, "a": {None: [True]}}], {7: 14})


def test_the_documentations_arguments(jobs: FakeJobs) -> None:
    with pytest.raises(TypeError):
        tasks.process_data.enqueue(datetime.now(UTC))
    result = tasks.double_dictionary.enqueue((1, 2, 3))
    jobs.run_all()
    result.refresh()
    assert result.status == TaskResultStatus.FAILED
    assert "TypeError: unhashable type: 'list'" in result.errors[0].traceback
    assert result.errors[0].exception_class is TypeError
    assert result.attempts == 1


def test_the_documentations_return_values(jobs: FakeJobs) -> None:
    result = tasks.process_data.enqueue(1)
    with pytest.raises(ValueError, match="not finished"):
        _ = result.return_value
    jobs.run_all()
    result.refresh()
    assert result.return_value == 42
    assert result.is_finished


@pytest.mark.parametrize("by_hand", [True, False])
def test_the_documentations_transaction(make_project: MakeProject, databases: None, by_hand: bool) -> None:
    engine = make_project()
    with transaction.atomic():
        if by_hand:
            transaction.on_commit(partial(tasks.process_data.enqueue, data=1))
        else:
            result = tasks.process_data.enqueue(data=1)
            with pytest.raises(TaskResultDoesNotExist):
                result.refresh()
        assert engine.jobs.list() == []
    (job,) = engine.jobs.list()
    assert tasks.process_data.get_result(job.id).status == TaskResultStatus.READY


# What the backend adds.


def test_async_tasks_and_async_enqueueing(jobs: FakeJobs) -> None:
    async def enqueue() -> Any:
        result = await tasks.add.aenqueue(1, two=2)
        await result.arefresh()
        assert result.status == TaskResultStatus.READY
        return result

    result = asyncio.run(enqueue())
    jobs.run_all()
    found = asyncio.run(tasks.add.aget_result(result.id))
    assert (found.return_value, found.args, found.kwargs) == (3, [1], {"two": 2})


def test_async_enqueueing_at_a_silent_store_shares_what_the_first_finds_out(make_project: MakeProject) -> None:
    async def all_of_them() -> list[object]:
        made = [tasks.add.aenqueue(1, two=2) for _ in range(30)]
        asked = [tasks.add.aget_result("x") for _ in range(30)]
        return list(await asyncio.gather(*made, *asked, return_exceptions=True))

    with closing(socket.create_server(("127.0.0.1", 0))) as hole:
        make_project(REDIS_URL=f"redis://127.0.0.1:{hole.getsockname()[1]}/0", STORE_TIMEOUT=0.5)
        began = time.monotonic()
        ended = asyncio.run(all_of_them())
        assert time.monotonic() - began < 5  # one after the other, they take 30 s
    assert all(isinstance(each, StoreUnavailable) for each in ended), ended


@pytest.mark.parametrize(
    ("priority", "queue"), [(-100, "low"), (-1, "low"), (0, "default"), (1, "high"), (100, "high")]
)
def test_priorities_are_the_three_queues(jobs: FakeJobs, priority: int, queue: str) -> None:
    result = tasks.process_data.using(priority=priority, queue_name="any").enqueue(1)
    [job] = jobs.enqueued
    assert (job.priority, job.source_name) == (queue, "process_data")
    result.refresh()
    assert (result.task.priority, result.task.queue_name) == (priority, "any")


def test_a_task_may_run_later(make_project: MakeProject) -> None:
    engine = make_project()
    later = datetime.now(UTC) + timedelta(hours=1)
    result = tasks.process_data.using(run_after=later).enqueue(1)
    assert engine.jobs.counts()[1].scheduled == 1
    result.refresh()
    assert result.task.run_after == later
    with pytest.raises(InvalidTask, match="aware"):
        tasks.process_data.using(run_after=datetime(2030, 1, 1))


def test_the_first_attempt_is_the_last_that_was_begun(jobs: FakeJobs) -> None:
    result = tasks.process_data.enqueue(1)
    jobs.run_all()
    result.refresh()
    assert result.started_at == result.last_attempted_at <= result.finished_at


def test_retries_and_what_each_attempt_left(jobs: FakeJobs, configure: Callable[..., None]) -> None:
    configure(OPTIONS={"max_attempts": 3})
    told: list[tuple[str, str, int]] = []

    def note(name: str) -> Callable[..., None]:
        def heard(sender: type, task_result: Any, **_: Any) -> None:
            assert sender is LiquidBackend
            told.append((name, task_result.status, task_result.attempts))

        return heard

    heard = {name: note(name) for name in ("task_enqueued", "task_started", "task_finished")}
    for name, receiver in heard.items():
        getattr(signals, name).connect(receiver)
    good, bad = tasks.fail_until.enqueue(attempt=3), tasks.fail_until.enqueue(attempt=9)
    jobs.run_next()
    good.refresh()
    assert (good.status, good.attempts, len(good.errors)) == (TaskResultStatus.READY, 1, 1)
    jobs.run_all()
    good.refresh()
    bad.refresh()
    assert good.return_value == [3, "RUNNING", 3, ["builtins.LookupError"] * 2]
    assert (good.attempts, len(good.errors), good.started_at <= good.last_attempted_at <= good.finished_at) == (
        3,
        2,
        True,
    )
    assert (bad.status, bad.attempts) == (TaskResultStatus.FAILED, 3)
    assert [error.traceback.splitlines()[-1] for error in bad.errors] == [
        f"LookupError: attempt {n}" for n in (1, 2, 3)
    ]
    assert [row for row in told if row[0] == "task_enqueued"] == [("task_enqueued", "READY", 0)] * 2
    assert sorted(row for row in told if row[0] == "task_finished") == [
        ("task_finished", "FAILED", 3),
        ("task_finished", "SUCCESSFUL", 3),
    ]
    assert sorted(row[2] for row in told if row[0] == "task_started") == [1, 1, 2, 2, 3, 3]


def test_a_second_run_by_hand_is_a_new_one(jobs: FakeJobs, configure: Callable[..., None]) -> None:
    configure(OPTIONS={"max_attempts": 2})
    result = tasks.fail_until.enqueue(attempt=9)
    jobs.run_all()
    jobs.retry(result.id)
    result.refresh()
    assert (result.status, result.attempts, result.errors) == (TaskResultStatus.READY, 0, [])
    jobs.run_next()
    result.refresh()
    assert (result.attempts, len(result.errors)) == (1, 1)


def test_what_ends_a_task_at_once(jobs: FakeJobs, configure: Callable[..., None]) -> None:
    configure(OPTIONS={"max_attempts": 3})
    refused, unwritable, ended = tasks.refuse.enqueue(), tasks.give_object.enqueue(), tasks.end.enqueue()
    jobs.run_all()
    for result, kind, attempts in (
        (refused, "liquid_background.errors.NonRetryable", 1),
        (unwritable, "liquid_background.errors.NonRetryable", 1),
        (ended, "builtins.SystemExit", 3),
    ):
        result.refresh()
        assert (result.status, result.attempts) == (TaskResultStatus.FAILED, attempts)
        assert {error.exception_class_path for error in result.errors} == {kind}
    assert "what it returned is not JSON" in unwritable.errors[0].traceback


def test_a_task_that_is_taken_back_has_failed(jobs: FakeJobs) -> None:
    result = tasks.process_data.enqueue(1)
    jobs.cancel(result.id)
    result.refresh()
    assert result.status == TaskResultStatus.FAILED
    assert [error.exception_class_path for error in result.errors] == ["liquid_background.errors.JobCancelled"]


def test_only_what_stands_at_its_own_name_can_be_enqueued(jobs: FakeJobs) -> None:
    with pytest.raises(InvalidTask, match="plain is no Task"):
        tasks.renamed.enqueue()
    assert jobs.enqueued == []


@pytest.mark.parametrize("task", [tasks.sign_in, tasks.sign_in_knowingly], ids=["alone", "with-context"])
def test_an_argument_in_its_place_is_masked_by_the_name_of_its_parameter(make_project: MakeProject, task: Any) -> None:
    engine = make_project()
    with fake_jobs(engine) as jobs:
        result = task.enqueue("s3cret-1", "Ann")
        [shown] = engine.shown([engine.jobs.get(result.id)])
        assert shown.parameters["kwargs"]["args"] == ["[masked]", "Ann"]
        [record] = jobs.run_all()
        assert "Ann with [masked]" in (record.error or "")
        assert engine.jobs.list(values={"kwargs.args.0": "s3cret-1"}) == []
        assert engine.jobs.list(values={"args.0": "s3cret-1"}) == []
        assert len(engine.jobs.list(values={"args.1": "Ann"})) == 1
        assert task.get_result(result.id).args == ["s3cret-1", "Ann"]


@pytest.mark.parametrize(
    "path",
    [
        "os.system",
        "tests.django.chores.tasks.plain",
        "tests.django.chores.tasks.renamed",
        "antigravity.x",
        "x",
        "",
        "a..b",
    ],
)
def test_a_name_in_the_store_runs_tasks_and_nothing_else(make_project: MakeProject, path: str) -> None:
    engine = make_project()
    given = {
        "path": path,
        "args": ["touch x"],
        "kwargs": {},
        "backend": "default",
        "queue_name": "q",
        "priority": 0,
        "run_after": None,
    }
    function = "liquid_background.django.tasks.running:run_task"
    with fake_jobs(engine) as jobs:
        job = Job(source_name="x", template="x", line=1, function=function, parameters={"args": [], "kwargs": given})
        jobs.send([job])
        [record] = jobs.run_all()
        assert record.status == "failed"
        assert "no task" in (record.error or "")
        with pytest.raises(TaskResultDoesNotExist):
            default_task_backend.get_result(job.id)


@pytest.mark.parametrize(
    "planted",
    [
        "x",
        "[]",
        "{}",
        '{"attempt": 1, "worker": "w", "started": 1, "kind": "this.Zen", "traceback": "t"}',
        *(
            f'{{"attempt": 1, "worker": "w", "started": {started}, "kind": null, "traceback": ""}}'
            for started in ("1e400", "1e30", "NaN", '"x"')
        ),
        '{"attempt": 1e400, "worker": "w", "started": 1, "kind": null, "traceback": ""}',
        "[" * 100_000,
    ],
    ids=range(10),
)
def test_what_others_write_about_attempts_leads_nowhere(make_project: MakeProject, planted: str) -> None:
    engine = make_project()
    result = tasks.process_data.enqueue(1)
    engine.jobs.cancel(result.id)
    engine.store.client.rpush(f"liquid_background:task_attempts:{result.id}", planted)
    result.refresh()
    assert [error.exception_class.__name__ for error in result.errors] == ["JobCancelled"]
    engine.store.client.hset(f"rq:job:{result.id}", "lb_attempt", 1)
    result.refresh()
    assert {error.exception_class.__name__ for error in result.errors} <= {"JobCancelled", "JobFailed"}
    assert "this" not in sys.modules


def test_a_key_of_another_type_leaves_the_attempts_blank(make_project: MakeProject) -> None:
    engine = make_project()
    result = tasks.process_data.enqueue(1)
    engine.jobs.cancel(result.id)
    engine.store.client.set(f"liquid_background:task_attempts:{result.id}", "x")
    result.refresh()
    assert [error.exception_class.__name__ for error in result.errors] == ["JobCancelled"]


POISON: list[tuple[str, Any]] = [
    ("path", [1]),
    ("path", None),
    ("args", "ab"),
    ("kwargs", [1]),
    ("backend", [1]),
    ("priority", "x"),
    ("queue_name", None),
    ("run_after", "x"),
]


@pytest.mark.parametrize(("name", "value"), POISON)
def test_parameters_that_no_task_has_are_no_result(jobs: FakeJobs, name: str, value: object) -> None:
    tasks.process_data.enqueue(1)
    given = {**jobs.enqueued[0].parameters["kwargs"], name: value}
    function = "liquid_background.django.tasks.running:run_task"
    job = Job(source_name="x", template="x", line=1, function=function, parameters={"args": [], "kwargs": given})
    jobs.send([job])
    for _ in range(2):
        with pytest.raises(TaskResultDoesNotExist):
            default_task_backend.get_result(job.id)
        jobs.run_all()
    assert (jobs.get(job.id).status, jobs.get(job.id).attempts) == ("failed", 1)
    assert "task" in (jobs.get(job.id).error or "")


def test_a_task_that_runs_names_its_worker(jobs: FakeJobs) -> None:
    result = tasks.tell_workers.enqueue()
    jobs.run_all()
    result.refresh()
    assert result.return_value == ["RUNNING", [worker_id()]]
    assert result.worker_ids == [worker_id()]


def test_a_queue_that_is_gone_still_has_its_tasks_run(jobs: FakeJobs, configure: Callable[..., None]) -> None:
    result = tasks.process_data.using(queue_name="old").enqueue(1)
    configure(QUEUES=["default"])
    for status in (TaskResultStatus.READY, TaskResultStatus.SUCCESSFUL):
        found = default_task_backend.get_result(result.id)
        assert (found.status, found.task.queue_name) == (status, "old")
        jobs.run_all()
    assert default_task_backend.get_result(result.id).return_value == 42


def test_other_jobs_and_other_backends_have_no_results_here(make_project: MakeProject) -> None:
    engine = make_project({"p.liquid": "{% background source_name: 'x' %}{% endbackground %}"})
    both = {alias: {"BACKEND": BACKEND, "QUEUES": []} for alias in ("default", "second")}
    with override_settings(TASKS=both), fake_jobs(engine) as jobs:
        engine.render("p.liquid")
        result = tasks.process_data.using(backend="second").enqueue(1)
        assert task_backends["second"].get_result(result.id).id == result.id
        for unknown in (result.id, jobs.enqueued[0].id, "none", "not an id!"):
            with pytest.raises(TaskResultDoesNotExist):
                task_backends["default"].get_result(unknown)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_attempts": 0}, "max_attempts is 0; it must be a whole number from 1 to 101"),
        ({"max_attempts": True}, "max_attempts is True"),
        ({"max_attempts": float("nan")}, "max_attempts is nan"),
        ({"max_attempts": float("inf")}, "max_attempts is inf"),
        ({"max_attempts": 10**400}, "max_attempts is 1"),
        ({"timeout": float("nan")}, "timeout is nan"),
        ({"max_atempts": 2}, "unknown option 'max_atempts': did you mean 'max_attempts'?"),
        ({"timeout": -1}, "timeout is -1; it must be seconds"),
        ([], "OPTIONS is a list; it must be a dict"),
    ],
)
def test_wrong_options_are_told(jobs: FakeJobs, configure: Callable[..., None], options: Any, message: str) -> None:
    configure(OPTIONS=options)
    [found] = default_task_backend.check()
    assert found.id == "liquid_background.E006"
    assert message in found.msg
    with pytest.raises(ImproperlyConfigured, match="TASKS\\['default'\\]"):
        tasks.process_data.enqueue(1)


def test_queues_are_those_of_the_setting(jobs: FakeJobs, configure: Callable[..., None]) -> None:
    configure(QUEUES=["default", "emails"])
    tasks.email_users_soon.enqueue(**MESSAGE)
    with pytest.raises(InvalidTask, match="chores"):
        tasks.email_users.using(queue_name="chores")


# In a worker.


@pytest.mark.slow
def test_tasks_in_a_real_worker(
    site: Site,
    make_project: MakeProject,
    configure: Callable[..., None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SITE_MAIL", str(tmp_path / "mail"))
    engine = make_project(RETRY_DELAYS="0")
    configure(OPTIONS={"max_attempts": 2, "timeout": 1})
    mailed = tasks.email_users.enqueue(**MESSAGE)
    added, retried, died = tasks.add.enqueue(1), tasks.fail_until.enqueue(attempt=2), tasks.die.enqueue()
    slow = tasks.sleep.enqueue(30)
    site.burst()
    for result in (mailed, added, retried, died, slow):
        result.refresh()
    assert (mailed.return_value, added.return_value, retried.return_value[0]) == (1, 2, 2)
    assert "Hello there!" in next((tmp_path / "mail").iterdir()).read_text()
    assert [error.exception_class_path for error in retried.errors] == ["builtins.LookupError"]
    assert (died.status, died.attempts, died.worker_ids) == (TaskResultStatus.FAILED, 2, ["lost", "lost"])
    assert [error.exception_class_path for error in died.errors] == ["liquid_background.errors.JobFailed"]
    assert [error.exception_class_path for error in slow.errors] == ["liquid_background.errors.JobTimeout"] * 2
    assert json.dumps(engine.jobs.get(mailed.id).parameters["kwargs"]["kwargs"]) == json.dumps(MESSAGE)


@pytest.fixture
def heard() -> Iterator[list[str]]:
    """The ids of the tasks whose signal `task_enqueued` was sent."""
    ids: list[str] = []

    def hear(task_result: Any, **_: Any) -> None:
        ids.append(task_result.id)

    signals.task_enqueued.connect(hear)
    yield ids
    signals.task_enqueued.disconnect(hear)


def test_the_signal_of_an_enqueued_task_is_sent_on_commit(
    make_project: MakeProject, databases: None, heard: list[str]
) -> None:
    engine = make_project()
    with transaction.atomic():
        result = tasks.process_data.enqueue(1)
        assert heard == []
    assert heard == [result.id] == [job.id for job in engine.jobs.list()]
    with suppress(ZeroDivisionError), transaction.atomic():
        tasks.process_data.enqueue(2)
        _ = 1 / 0
    with transaction.atomic():
        with suppress(ZeroDivisionError), transaction.atomic():
            tasks.process_data.enqueue(3)
            _ = 1 / 0
        kept = tasks.process_data.enqueue(4)
    at_once = tasks.process_data.enqueue(5)
    assert heard == [result.id, kept.id, at_once.id]


def test_the_signal_is_sent_at_once_where_jobs_are(
    make_project: MakeProject, databases: None, heard: list[str]
) -> None:
    make_project(SEND_ON_COMMIT=False)
    with suppress(ZeroDivisionError), transaction.atomic():
        result = tasks.process_data.enqueue(1)
        assert heard == [result.id]
        _ = 1 / 0


def test_a_page_and_a_job_that_fail_have_enqueued_nothing(
    make_project: MakeProject, databases: None, heard: list[str]
) -> None:
    engine = make_project(
        {"p.liquid": "{% action 'hand' %}{{ fails | divided_by: 0 }}", "good.liquid": "{% action 'hand' %}"}
    )
    engine.action(name="hand")(_hand)
    with pytest.raises(LiquidError):
        engine.render("p")
    assert heard == []
    with transaction.atomic():
        engine.render("good")
        assert heard == []
    assert len(heard) == 1
    asyncio.run(engine.render_async("good"))
    assert len(heard) == 2
    with fake_jobs(engine) as jobs:
        heard.clear()
        outer = [tasks.hand_on.enqueue(fail=fail).id for fail in (True, False)]
        assert heard == outer
        jobs.run_next()
        assert heard == outer
        jobs.run_next()
        assert len(heard) == 3
        assert heard[2] in [job.id for job in jobs.waiting]


def _hand() -> str:
    return str(tasks.process_data.enqueue(1).id)


def test_the_log_names_the_function_of_a_task(jobs: FakeJobs) -> None:
    tasks.fail_until.enqueue(attempt=9)
    tasks.renamed_again.enqueue()
    (failed, other) = jobs.run_all()
    line = tasks.fail_until.func.__code__.co_firstlineno
    assert (failed.template, failed.line) == ("tests.django.chores.tasks:fail_until", line)
    (entry, second) = jobs.entries
    assert (entry.template, entry.line) == (failed.template, failed.line)
    assert (second.template, second.line) == (other.template, other.line)
    assert other.template == "tests.django.chores.tasks:renamed_again"
    assert other.line == inspect.unwrap(tasks.renamed_again.func).__code__.co_firstlineno
    assert failed.source == "liquid_background.django.tasks.running:run_task"
