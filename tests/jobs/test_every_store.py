"""What a job does when it is sent, listed, ended, retried and cancelled, wherever it is: one suite for every store."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import islice
from threading import Thread
from typing import Any, assert_never

import pytest

from liquid_background import Engine
from liquid_background.errors import DuplicateJob, FilterError, JobCancelled, JobNotAllowed, JobNotFound, JobRefused
from liquid_background.job import (
    Ending,
    Group,
    Job,
    JobRecord,
    JobStatus,
    LogEntry,
    LogStatus,
    Outcome,
    Priority,
)
from liquid_background.jobs import contract, handover
from liquid_background.jobs.filter import Filter
from liquid_background.jobs.log.stored import StoredLog
from liquid_background.jobs.memory import MemoryLog
from liquid_background.jobs.queue import Queue
from liquid_background.jobs.queue.payload import adopt
from liquid_background.python_jobs.handle import Handle
from liquid_background.testing import FakeJobs
from tests.jobs.places import InStore, Place

Make = Callable[..., Job]
DONE = Outcome(result="")
FAILED = Outcome(error="no")


def _ids(records: list[JobRecord]) -> list[str]:
    return [record.id for record in records]


def _ends(engine: Engine) -> list[tuple[str, LogStatus | None, int, int, str, bool]]:
    """What the log says, but for lines of templates: id, status, attempt, attempts in all, message, finality."""
    return [
        (entry.job_id, entry.status, entry.attempt, entry.max_attempts, entry.message, entry.final)
        for entry in engine.log.entries()
        if entry.status
    ]


def _turns(place: Place, end: Outcome = DONE) -> Iterator[str]:
    while taken := place.take():
        yield taken[0]
        place.finish(end)


def _run(place: Place, *ends: Outcome) -> JobRecord:
    """Run one attempt of the only job that waits for each of the ends; return the job."""
    for end in ends:
        place.hasten()
        taken = place.take()
        assert taken is not None
        place.finish(end)
    return place.engine.jobs.get(taken[0])


def _send_in(place: Place, status: JobStatus, job: Make) -> None:
    """Send the job `a`, and bring it to a status."""
    jobs = place.engine.jobs
    jobs.send([job(id="a", max_attempts=2, waits=(0.0,))])
    match status:
        case JobStatus.PENDING:
            pass
        case JobStatus.RUNNING:
            place.take()
        case JobStatus.COMPLETED:
            _run(place, DONE)
        case JobStatus.FAILED:
            _run(place, FAILED, FAILED)
        case JobStatus.CANCELLED:
            jobs.cancel("a")
        case _:
            assert_never(status)
    assert jobs.get("a").status is status


class TestSending:
    def test_a_job_comes_back_as_it_was_sent(self, place: Place, job: Make) -> None:
        jobs, before = place.engine.jobs, datetime.now(UTC)
        sent = job(
            parameters={"when": {"$date": "2024-01-15"}, "n": 1, "list": [1.5, None]},
            handed_over={"user.name": "Ada"},
            priority=Priority.HIGH,
            delay=2.5,
            max_attempts=3,
            group=Group("reports", 2),
        )
        assert jobs.send([sent]) == []
        record = jobs.get(sent.id)
        assert record.created_at is not None
        assert before - timedelta(seconds=1) < record.created_at < datetime.now(UTC) + timedelta(seconds=1)
        assert record == JobRecord(
            id=sent.id,
            source_name="mail",
            status=JobStatus.PENDING,
            priority=Priority.HIGH,
            delay=2.5,
            max_attempts=3,
            attempts=0,
            parameters={"when": date(2024, 1, 15), "n": 1, "list": [1.5, None]},
            handed_over={"user.name": "Ada"},
            source="hi",
            template="pages/x",
            line=3,
            created_at=record.created_at,
            runs="source",
        )
        assert (type(record.priority), type(record.status)) == (Priority, JobStatus)

    def test_a_function_is_found_by_its_named_arguments(self, place: Place, job: Make) -> None:
        given = {"args": [7], "kwargs": {"customer_id": 42, "order": {"total": 9}}}
        place.engine.jobs.send([job(id="a", source=None, function="shop:send", parameters=given), job(id="b")])
        for values in ({"customer_id": "42"}, {"order.total": "9"}, {"kwargs.customer_id": "42"}):
            assert [found.id for found in place.engine.jobs.list(values=values)] == ["a"]
        assert place.engine.jobs.list(values={"customer_id": "4"}) == []

    @pytest.mark.parametrize("body", [{"partial": "mails/hi"}, {"function": "shop:send"}])
    def test_the_source_of_a_partial_or_a_function_is_its_name(self, place: Place, job: Make, body: Any) -> None:
        place.engine.jobs.send([job(id="a", source=None, **body)])
        record = place.engine.jobs.get("a")
        assert {record.runs: record.source} == body

    def test_nothing_is_sent(self, place: Place) -> None:
        assert place.engine.jobs.send([]) == []
        assert place.engine.jobs.list() == []

    def test_an_id_is_taken_once_in_one_call_or_in_two(self, place: Place, job: Make) -> None:
        jobs = place.engine.jobs
        assert jobs.send([job(id="a"), job(id="b"), job(id="a", source="other")]) == ["a"]
        assert jobs.send([job(id="b", source="other"), job(id="c"), job(id="a", source="other")]) == ["b", "a"]
        assert [jobs.get(job_id).source for job_id in "abc"] == ["hi"] * 3
        assert list(_turns(place)) == ["a", "b", "c"]
        assert jobs.send([job(id="a")]) == ["a"]  # whatever became of it

    @pytest.mark.parametrize("job_id", ["", "a:b", "a b", "é", "a\n", "x" * 101])
    def test_a_wrong_id_takes_the_others_and_the_lines_with_it(self, place: Place, job: Make, job_id: str) -> None:
        with pytest.raises(JobRefused) as caught:
            place.engine.jobs.send([job(id="fine"), job(id=job_id)], [LogEntry(message="no")])
        assert str(caught.value) == f"job id {job_id!r} is not 1 to 100 letters, digits, - and _"
        assert place.engine.jobs.list() == []
        assert place.engine.log.entries() == []

    @pytest.mark.parametrize("attempts", [-1, 0, 102])
    def test_a_wrong_number_of_attempts_is_refused(self, place: Place, job: Make, attempts: int) -> None:
        with pytest.raises(JobRefused) as caught:
            place.engine.jobs.send([job(id="fine"), job(id="a", max_attempts=attempts)])
        assert str(caught.value) == f"job a: max_attempts {attempts} is not from 1 to 101"
        assert place.engine.jobs.list() == []

    def test_the_longest_id_and_the_most_attempts_are_taken(self, place: Place, job: Make) -> None:
        place.engine.jobs.send([job(id="x" * 100, max_attempts=101)])
        assert place.engine.jobs.get("x" * 100).max_attempts == 101

    def test_due_jobs_come_by_priority_and_then_by_age(self, place: Place, job: Make) -> None:
        for name in ("low", "default", "high"):
            place.engine.jobs.send([job(id=f"{name}-{n}", priority=Priority(name)) for n in range(2)])
        place.engine.jobs.send([job(id="later", priority=Priority.HIGH, delay=5.0)])
        due = [f"{name}-{n}" for name in ("high", "default", "low") for n in range(2)]
        assert list(_turns(place)) == due
        assert place.engine.jobs.get("later").status is JobStatus.PENDING
        place.hasten()
        assert list(_turns(place)) == ["later"]

    def test_a_start_that_is_past_means_now(self, place: Place, job: Make) -> None:
        place.engine.jobs.send([job(id="past", start_at=5.0), job(id="future", start_at=time.time() + 600)])
        assert list(_turns(place)) == ["past"]

    def test_what_is_delayed_comes_by_its_due_time(self, place: Place, job: Make) -> None:
        place.engine.jobs.send([job(id=f"in-{minutes}", delay=float(minutes)) for minutes in (3, 1, 2)])
        assert place.take() is None
        place.hasten()
        assert list(_turns(place)) == ["in-1", "in-2", "in-3"]


class TestReading:
    @pytest.mark.parametrize("job_id", ["nope", "", "a:b", "x" * 200])
    def test_a_missing_job_is_named(self, place: Place, job_id: str) -> None:
        for ask in (place.engine.jobs.get, place.engine.jobs.cancel, place.engine.jobs.retry):
            with pytest.raises(JobNotFound) as caught:
                ask(job_id)
            reason = "it was never enqueued, or its record has expired"
            assert str(caught.value) == f"no job has the id {job_id[:120]!r}; {reason}"

    def test_the_newest_come_first_and_filters_are_literal(self, place: Place, job: Make) -> None:
        jobs = place.engine.jobs
        for name in ("a", "ab", "b", "a-c"):
            jobs.send([job(id=name, source_name="odd" if "b" in name else "even")])
        jobs.send([job(id="later", delay=1.0, priority=Priority.LOW)])
        assert _ids(jobs.list()) == ["later", "a-c", "b", "ab", "a"]
        assert _ids(jobs.list(source_name="odd")) == ["b", "ab"]
        assert _ids(jobs.list(None, "odd", 1)) == ["b"]
        assert _ids(jobs.list(id_prefix="a")) == ["a-c", "ab", "a"]
        assert _ids(jobs.list("pending", "even", id_prefix="a")) == ["a-c", "a"]
        assert jobs.list(source_name="od") == jobs.list(source_name="*d") == jobs.list(id_prefix="z") == []
        assert _ids(jobs.list(source_name="od*")) == ["b", "ab"]
        assert _ids(jobs.list("", "", 2)) == ["later", "a-c"]  # empty is any
        assert jobs.list(limit=0) == []

    def test_jobs_of_one_call_are_listed_newest_first(self, place: Place, job: Make) -> None:
        place.engine.jobs.send([job(id=f"n{number}") for number in range(5)])
        assert _ids(place.engine.jobs.list(limit=3)) == ["n4", "n3", "n2"]

    def test_delayed_jobs_are_listed_newest_first_whenever_they_are_due(self, place: Place, job: Make) -> None:
        jobs = place.engine.jobs
        for minutes in (1, 3, 2):
            jobs.send([job(id=f"in-{minutes}", delay=float(minutes))])
        assert _ids(jobs.list(limit=2)) == ["in-2", "in-3"]
        assert _ids(jobs.list()) == ["in-2", "in-3", "in-1"]

    @pytest.mark.parametrize("status", ["nonsense", "PENDING", "queued", "SUCCESS"])
    def test_a_status_that_no_job_has_is_refused(self, place: Place, status: str) -> None:
        with pytest.raises(ValueError, match=f"no job has the status '{status}': give one of pending, running, compl"):
            place.engine.jobs.list(status)

    def test_a_negative_limit_is_refused(self, place: Place) -> None:
        with pytest.raises(ValueError, match="a list of at most -1 jobs: give a limit from 0"):
            place.engine.jobs.list(limit=-1)

    @pytest.mark.parametrize("status", JobStatus)
    def test_a_job_is_listed_and_counted_where_it_is(self, place: Place, job: Make, status: JobStatus) -> None:
        _send_in(place, status, job)
        for asked in JobStatus:
            assert _ids(place.engine.jobs.list(asked)) == (["a"] if asked is status else [])
            assert _ids(place.engine.jobs.list(str(asked))) == (["a"] if asked is status else [])
        high, default, low = place.engine.jobs.counts()
        assert (high.name, default.name, low.name) == ("high", "default", "low")
        found = {"pending": default.queued, **{name: getattr(default, name) for name in JobStatus if name != "pending"}}
        assert found == {name: int(name == status) for name in JobStatus}
        assert {high.queued, high.failed, low.queued, low.completed, default.scheduled, default.workers} == {0}

    def test_what_waits_for_its_time_is_counted_apart(self, place: Place, job: Make) -> None:
        place.engine.jobs.send([job(delay=1.0), job(priority=Priority.LOW, max_attempts=2, waits=(60.0,))])
        place.take()
        place.finish(FAILED)
        _, default, low = place.engine.jobs.counts()
        assert (default.queued, default.scheduled, low.queued, low.scheduled) == (0, 1, 0, 1)

    def test_a_job_is_listed_as_soon_as_it_has_started(self, place: Place, job: Make) -> None:
        place.engine.jobs.send([job(id="a"), job(id="b", priority=Priority.LOW)])
        assert place.take() == ("a", 1)
        assert [each.id for each in place.engine.jobs.list("running")] == ["a"]
        assert {each.id for each in place.engine.jobs.list()} == {"a", "b"}


class TestFinding:
    """What a filter means is listed by pages, counted, found and resolved."""

    def _send(self, place: Place, job: Make) -> None:
        jobs = place.engine.jobs
        jobs.send([job(id="bad", source_name="sync_crm", template="pages/a", group=Group("crm"))])
        _run(place, Outcome(error="POST /crm: 503", traceback="Traceback\nCrmError: 503"))
        jobs.send([job(id="q1", parameters={"customer_id": 42}), job(id="q2", handed_over={"user": {"id": 7}})])
        jobs.send([job(id="q3", source_name="sync_erp", priority=Priority.LOW, delay=1.0)])

    @pytest.mark.parametrize(
        ("conditions", "ids"),
        [
            ({}, ["q3", "q2", "q1", "bad"]),
            ({"status": "failed"}, ["bad"]),
            ({"source_name": "sync_*"}, ["q3", "bad"]),
            ({"template": "pages/a"}, ["bad"]),
            ({"queue": "low"}, ["q3"]),
            ({"group": "crm"}, ["bad"]),
            ({"error": "post /CRM"}, ["bad"]),
            ({"values": {"customer_id": 42}}, ["q1"]),
            ({"values": {"user.id": "7"}}, ["q2"]),
            ({"values": {"user": '{"id": 7}'}}, ["q2"]),
            ({"values": {"user.name": "7"}}, []),
            ({"id_prefix": "q", "queue": "default"}, ["q2", "q1"]),
            ({"since": datetime(2020, 1, 1, tzinfo=UTC)}, ["q3", "q2", "q1", "bad"]),
            ({"until": datetime(2020, 1, 1, tzinfo=UTC)}, []),
            ({"parent": "none"}, []),
        ],
        ids=str,
    )
    def test_each_condition_is_met(self, place: Place, job: Make, conditions: Any, ids: list[str]) -> None:
        self._send(place, job)
        jobs = place.engine.jobs
        assert _ids(jobs.list(**conditions)) == ids
        assert _ids(jobs.list(Filter(**conditions))) == ids
        assert {record.id for record in jobs.find(**conditions)} == {*ids}
        assert jobs.count(**conditions) == len(ids)
        assert [record.id for page in jobs.pages(**conditions) for record in page] == ids

    def test_pages_go_on_behind_their_cursor(self, place: Place, job: Make) -> None:
        self._send(place, job)
        jobs = place.engine.jobs
        first = jobs.list(limit=3)
        assert (_ids(first), first.total) == (["q3", "q2", "q1"], 4)
        jobs.send([job(id="new")])
        last = jobs.list(limit=3, after=first.cursor)
        assert (_ids(last), last.cursor) == (["bad"], None)
        assert last.looked_at <= last.of

    @pytest.mark.parametrize(
        ("wrong", "message"),
        [
            ({"queue": "urgent"}, "no queue is called 'urgent'"),
            ({"values": {"": "1"}}, "a value without a name"),
            ({"values": {"api_key": "1"}}, "jobs cannot be found by 'api_key'"),
            ({"values": {"user.Password": "1"}}, "jobs cannot be found by 'user.Password'"),
            ({"since": datetime(2020, 1, 1)}, "which has no time zone"),
            ({"after": "nonsense"}, "'nonsense' is no cursor"),
            ({"status": "done"}, "no job has the status 'done'"),
        ],
        ids=str,
    )
    def test_a_condition_that_is_none_is_refused(self, place: Place, wrong: Any, message: str) -> None:
        with pytest.raises(FilterError, match=message):
            place.engine.jobs.list(**wrong)

    def test_secrets_are_not_found_by_what_holds_them(self, place: Place, job: Make) -> None:
        jobs = place.engine.jobs
        jobs.send([job(id="a", parameters={"user": {"name": "Ada", "password": "pw-1"}})])
        assert jobs.count(values={"user": '{"name": "Ada", "password": "pw-1"}'}) == 0
        assert jobs.count(values={"user.name": "Ada"}) == 1

    def test_an_id_is_resolved_by_its_beginning(self, place: Place, job: Make) -> None:
        jobs = place.engine.jobs
        jobs.send([job(id="abc"), job(id="abd"), job(id="x"), job(id="xy")])
        assert [jobs.resolve(each) for each in ("abc", "x", "xy")] == ["abc", "x", "xy"]
        with pytest.raises(JobNotFound, match="several jobs have ids that begin with 'ab': ab"):
            jobs.resolve("ab")
        for unknown in ("q", ""):
            with pytest.raises(JobNotFound, match="no job has the id"):
                jobs.resolve(unknown)

    def test_a_failed_job_keeps_its_traceback(self, place: Place, job: Make) -> None:
        self._send(place, job)
        assert place.engine.jobs.traceback("bad") == "Traceback\nCrmError: 503"
        assert place.engine.jobs.traceback("q1") == ""

    def test_a_job_says_who_made_it(self, place: Place, job: Make) -> None:
        made = job(id="a")
        adopt(made, "render-1")
        place.engine.jobs.send([made, job(id="b")])
        assert (place.engine.jobs.get("a").parent, place.engine.jobs.get("b").parent) == ("render-1", "")
        assert _ids(place.engine.jobs.list(parent="render-1")) == ["a"]

    def test_each_has_an_asynchronous_twin(self, place: Place, job: Make) -> None:
        jobs = place.engine.jobs

        async def ask() -> None:
            assert await jobs.send_async([job(id="a"), job(id="b")]) == []
            assert (await jobs.get_async("a")).id == await jobs.resolve_async("a") == "a"
            assert _ids(await jobs.list_async("pending", limit=1)) == ["b"]
            assert [record.id async for record in jobs.find_async(id_prefix="a")] == ["a"]
            assert [record.id async for page in jobs.pages_async() async for record in _each(page)] == ["b", "a"]
            assert await jobs.count_async("pending") == 2
            assert (await jobs.cancel_async("a")).status is JobStatus.CANCELLED
            assert (await jobs.retry_async("a")).status is JobStatus.PENDING
            assert await jobs.traceback_async("a") == ""
            await jobs.delete_async("a")
            assert len(await jobs.counts_async()) == 3

        asyncio.run(ask())
        assert _ids(jobs.list()) == ["b"]


async def _each(page: list[JobRecord]) -> AsyncIterator[JobRecord]:
    for record in page:
        yield record


class TestDeleting:
    @pytest.mark.parametrize("status", [status for status in JobStatus if status is not JobStatus.RUNNING])
    def test_a_deleted_job_is_nowhere(self, place: Place, job: Make, status: JobStatus) -> None:
        _send_in(place, status, job)
        jobs = place.engine.jobs
        before = _ends(place.engine)
        jobs.delete("a")
        assert (_ids(jobs.list()), jobs.count()) == ([], 0)
        with pytest.raises(JobNotFound):
            jobs.delete("a")
        said = [] if status.has_ended else [("a", LogStatus.CANCELLED, 0, 2, "deleted", True)]
        assert _ends(place.engine) == [*before, *said]
        assert jobs.send([job(id="a")]) == []
        assert place.take() == ("a", 1)

    def test_one_that_runs_is_not(self, place: Place, job: Make) -> None:
        _send_in(place, JobStatus.RUNNING, job)
        with pytest.raises(JobNotAllowed, match="cannot delete job a: it is running"):
            place.engine.jobs.delete("a")
        assert place.engine.jobs.get("a").status is JobStatus.RUNNING

    def test_one_that_waits_for_its_time_is(self, place: Place, job: Make) -> None:
        place.engine.jobs.send([job(id="d", delay=1.0)])
        place.engine.jobs.delete("d")
        place.hasten()
        assert place.take() is None


class TestEnding:
    @pytest.mark.parametrize(
        "result",
        [None, True, 7, 1.5, " x\n", "", [1, [2]], {"a": 1}, date(2024, 1, 15), Decimal("1.10"), {1: 2}, "\ud800x"],
        ids=repr,
    )
    def test_a_success_keeps_its_result(self, place: Place, job: Make, result: Any) -> None:
        place.engine.jobs.send([job(id="a", max_attempts=3)])
        record = _run(place, Outcome(result=handover.encode(result), duration=7))
        assert (record.status, record.attempts, record.error) == (JobStatus.COMPLETED, 1, None)
        assert (record.result, type(record.result)) == (result, type(result))
        assert record.created_at is not None
        assert record.started_at is not None
        assert record.completed_at is not None
        assert record.created_at <= record.started_at <= record.completed_at
        [entry] = place.engine.log.entries()
        assert entry.time is not None
        assert entry == LogEntry(
            job_id="a",
            source_name="mail",
            template="pages/x",
            line=3,
            attempt=1,
            max_attempts=3,
            status=LogStatus.SUCCESS,
            duration=7,
            final=True,
            id=entry.id,
            time=entry.time,
        )

    def test_a_long_text_is_cut_and_a_long_list_is_a_failure(self, place: Place, job: Make) -> None:
        place.engine.jobs.send([job(id="a")])
        text = _run(place, Outcome(result="é" * 2_000_000)).result
        assert text == "é" * (len(text) - 1) + "…"
        assert len(text) < 200_000
        place.engine.jobs.send([job(id="b", max_attempts=3)])
        record = _run(place, Outcome(result=["x" * 2_000_000], entries=(LogEntry(message="line"),)))
        reason = "the result takes over 1024 KB of JSON: return an id"
        assert (record.status, record.attempts, record.result, record.error) == ("failed", 1, None, reason)
        assert _ends(place.engine)[-1] == ("b", LogStatus.FAILED, 1, 3, reason, True)
        assert [entry.message for entry in place.engine.log.entries() if not entry.status] == ["line"]

    def test_a_failure_is_tried_again_behind_the_others_as_often_as_it_may(self, place: Place, job: Make) -> None:
        jobs = place.engine.jobs
        jobs.send([job(id="a", max_attempts=3, waits=(0.0, 0.0)), job(id="b", max_attempts=2, waits=(0.0,))])
        assert list(_turns(place, FAILED)) == ["a", "b", "a", "b", "a"]
        assert _ends(place.engine) == [
            ("a", LogStatus.FAILED, 1, 3, "no", False),
            ("b", LogStatus.FAILED, 1, 2, "no", False),
            ("a", LogStatus.FAILED, 2, 3, "no", False),
            ("b", LogStatus.FAILED, 2, 2, "no", True),
            ("a", LogStatus.FAILED, 3, 3, "no", True),
        ]
        record = jobs.get("a")
        assert (record.status, record.attempts, record.error, record.result) == ("failed", 3, "no", None)
        assert record.completed_at is not None

    def test_between_two_attempts_a_job_waits_with_what_is_known_of_it(self, place: Place, job: Make) -> None:
        place.engine.jobs.send([job(id="a", max_attempts=2, waits=(60.0,))])
        record = _run(place, FAILED)
        assert (record.status, record.attempts, record.error) == (JobStatus.PENDING, 1, "no")
        assert record.started_at is not None
        assert record.completed_at is None
        record = _run(place, DONE)
        assert (record.status, record.attempts, record.error) == (JobStatus.COMPLETED, 2, None)

    def test_the_last_wait_repeats_and_the_settings_fill_in(self, place: Place, job: Make) -> None:
        place.engine.jobs.send([job(id="a", max_attempts=4, waits=(0.0,))])
        assert list(_turns(place, FAILED)) == ["a"] * 4
        place.engine.jobs.send([job(id="b", max_attempts=2), job(id="c", max_attempts=2, waits=())])
        assert list(_turns(place, FAILED)) == ["b", "c", "c"]  # the settings have b wait

    def test_a_failure_may_be_the_last_word(self, place: Place, job: Make) -> None:
        place.engine.jobs.send([job(id="a", max_attempts=3)])
        record = _run(place, Outcome(error="gone", retry=False, duration=3))
        assert (record.status, record.attempts, record.error) == (JobStatus.FAILED, 1, "gone")
        assert _ends(place.engine) == [("a", LogStatus.FAILED, 1, 3, "gone", True)]

    @pytest.mark.parametrize(
        ("error", "shown"), [("x" * 5_000, "x" * 3_997 + "…"), ("\ud800\n", "\\ud800\n"), ("", None)], ids=range(3)
    )
    def test_an_error_is_kept_as_text_of_a_length(self, place: Place, job: Make, error: str, shown: str | None) -> None:
        place.engine.jobs.send([job(id="a", source_name="odd")])
        record = _run(place, Outcome(error=error))
        assert (record.status, record.error) == (JobStatus.FAILED, shown)
        assert [entry.message for entry in place.engine.log.entries(status="FAILED")] == [shown or ""]

    def test_a_success_sends_the_jobs_that_it_made_and_a_failure_none(self, place: Place, job: Make) -> None:
        jobs, made = place.engine.jobs, job(id="made")
        jobs.send([job(id="a"), job(id="there")])
        place.take()
        place.finish(Outcome(error="no", jobs=(made,)))
        assert _ids(jobs.list(id_prefix="made")) == []
        place.take()
        place.finish(Outcome(result="", jobs=(made, job(id="a", source="other"))))
        assert (jobs.get("made").status, jobs.get("a").source) == (JobStatus.PENDING, "hi")

    def test_a_job_that_cannot_be_sent_fails_its_maker_for_good(self, place: Place, job: Make) -> None:
        place.engine.jobs.send([job(id="a", max_attempts=3)])
        line = LogEntry(message="line", type="info")
        made = (job(id="fine"), job(id="a b"))
        record = _run(place, Outcome(result="", jobs=made, entries=(line,), duration=4))
        reason = "job id 'a b' is not 1 to 100 letters, digits, - and _"
        assert (record.status, record.error) == (JobStatus.FAILED, reason)
        assert _ids(place.engine.jobs.list()) == ["a"]
        said = [(entry.message, entry.duration, entry.final) for entry in place.engine.log.entries()]
        assert said == [("line", 0, False), (reason, 4, True)]

    @pytest.mark.parametrize("end", [DONE, FAILED])
    def test_what_an_attempt_logged_stands_before_its_end(self, place: Place, job: Make, end: Outcome) -> None:
        place.engine.jobs.send([job(id="a")])
        lines = tuple(LogEntry(job_id="a", source_name="mail", message=text, type="info") for text in ("one", "two"))
        _run(place, Outcome(result=end.result, error=end.error, entries=lines))
        assert [(entry.message, entry.type) for entry in place.engine.log.entries()] == [
            ("one", "info"),
            ("two", "info"),
            (end.error or "", "job"),
        ]

    @pytest.mark.parametrize(
        ("fields", "reason"),
        [
            ({"delay": 70_000.0, "start_at": 5.0}, "the payload's delay is not from 0 to 65535.0"),
            (
                {"source_name": "a\nb"},
                "the payload's source_name is not one line of 1 to 100 characters that ends in no *",
            ),
            ({"partial": "p"}, "the payload must carry exactly one of source, partial and function"),
            ({"source": "x" * 210_000}, "the record's data is over 204,800 bytes"),
            ({"waits": (-5.0,)}, "the record's timeout or retry_intervals is not one"),
            ({"timeout": 0.0}, "the record's timeout or lb_limit is not over 0 and up to 86400 seconds"),
        ],
        ids=range(6),
    )
    def test_what_may_not_run_is_refused_once(self, place: Place, job: Make, fields: Any, reason: str) -> None:
        place.engine.jobs.send([job(id="a", max_attempts=3, **fields), job(id="b")])
        assert place.take() is None
        record = place.engine.jobs.get("a")
        assert (record.status, record.error, record.attempts) == (JobStatus.FAILED, reason, 0)
        assert record.source_name == fields.get("source_name", "mail")
        assert _ends(place.engine) == [("a", LogStatus.REFUSED, 0, 0, reason, True)]
        assert list(_turns(place)) == ["b"]


class TestTakingBack:
    def test_what_waits_is_cancelled_at_once(self, place: Place, job: Make) -> None:
        jobs = place.engine.jobs
        jobs.send([job(id="a", max_attempts=2, waits=(60.0,))])
        _run(place, FAILED)
        jobs.send([job(id="b"), job(id="c", delay=1.0)])
        for job_id, attempts in (("a", 1), ("b", 0), ("c", 0)):
            record = jobs.cancel(job_id)
            assert (record.status, record.attempts) == (JobStatus.CANCELLED, attempts)
            assert record.completed_at is not None
        assert jobs.get("a").error == "no"
        assert _ends(place.engine)[1:] == [
            ("a", LogStatus.CANCELLED, 1, 2, "", True),
            ("b", LogStatus.CANCELLED, 0, 1, "", True),
            ("c", LogStatus.CANCELLED, 0, 1, "", True),
        ]
        place.hasten()
        assert place.take() is None

    def test_what_runs_is_cancelled_with_its_attempt(self, place: Place, job: Make) -> None:
        _send_in(place, JobStatus.RUNNING, job)
        jobs = place.engine.jobs
        assert jobs.cancel("a").status is jobs.cancel("a").status is JobStatus.RUNNING
        assert _ends(place.engine) == []
        place.finish(Outcome(error="stopped", duration=5))
        record = jobs.get("a")
        assert (record.status, record.attempts, record.error) == (JobStatus.CANCELLED, 1, None)
        assert _ends(place.engine) == [("a", LogStatus.CANCELLED, 1, 2, "stopped", True)]
        assert place.take() is None

    def test_what_runs_and_succeeds_has_succeeded(self, place: Place, job: Make) -> None:
        _send_in(place, JobStatus.RUNNING, job)
        place.engine.jobs.cancel("a")
        place.finish(Outcome(result="done"))
        record = place.engine.jobs.get("a")
        assert (record.status, record.result) == (JobStatus.COMPLETED, "done")
        assert _ends(place.engine) == [("a", LogStatus.SUCCESS, 1, 2, "", True)]

    def test_a_cancel_holds_for_one_run_only(self, place: Place, job: Make) -> None:
        _send_in(place, JobStatus.RUNNING, job)
        place.engine.jobs.cancel("a")
        place.finish(FAILED)
        place.engine.jobs.retry("a")
        assert _run(place, FAILED).status is JobStatus.PENDING

    @pytest.mark.parametrize("status", [status for status in JobStatus if status.has_ended])
    def test_what_has_ended_is_not_cancelled(self, place: Place, job: Make, status: JobStatus) -> None:
        _send_in(place, status, job)
        before = _ends(place.engine)
        with pytest.raises(JobNotAllowed) as caught:
            place.engine.jobs.cancel("a")
        assert str(caught.value) == f"cannot cancel job a: it is {status}"
        assert _ends(place.engine) == before


class TestRetrying:
    @pytest.mark.parametrize("status", [JobStatus.FAILED, JobStatus.CANCELLED])
    def test_a_new_run_knows_nothing_of_the_one_before(self, place: Place, job: Make, status: JobStatus) -> None:
        _send_in(place, status, job)
        jobs = place.engine.jobs
        jobs.send([job(id="b")])
        before = _ends(place.engine)
        record = jobs.retry("a")
        assert _ids(jobs.list("pending", limit=1)) == ["a"]  # it came last to where it stands
        assert (record.status, record.attempts, record.error) == (JobStatus.PENDING, 0, None)
        assert (record.started_at, record.completed_at) == (None, None)
        assert _ends(place.engine) == before
        assert place.take() == ("b", 1)
        place.finish(DONE)
        for attempt, final in ((1, False), (2, True)):
            assert place.take() == ("a", attempt)
            place.finish(FAILED)
            assert _ends(place.engine)[-1] == ("a", LogStatus.FAILED, attempt, 2, "no", final)
        assert jobs.get("a").status is JobStatus.FAILED

    def test_a_new_run_may_be_taken_back_before_it_starts(self, place: Place, job: Make) -> None:
        _send_in(place, JobStatus.FAILED, job)
        place.engine.jobs.retry("a")
        record = place.engine.jobs.cancel("a")
        assert (record.status, record.error, record.started_at) == (JobStatus.CANCELLED, None, None)
        assert record.completed_at is not None
        assert _ends(place.engine)[-1] == ("a", LogStatus.CANCELLED, 0, 2, "", True)

    @pytest.mark.parametrize("status", [status for status in JobStatus if not status.may_be_retried])
    def test_other_jobs_are_not_retried(self, place: Place, job: Make, status: JobStatus) -> None:
        _send_in(place, status, job)
        with pytest.raises(JobNotAllowed) as caught:
            place.engine.jobs.retry("a")
        assert str(caught.value) == f"cannot retry job a: it is {status}"
        assert place.engine.jobs.get("a").status is status


class TestLog:
    def test_filters_are_literal_and_the_newest_come_last(self, place: Place, job: Make) -> None:
        engine = place.engine
        for number in range(3):
            line = {"message": str(number), "type": "debug" if number else "info"}
            engine.jobs.send([], [LogEntry(source_name="page", **line), LogEntry(source_name="page*", **line)])
        engine.jobs.send([job(id="a")])
        _run(place, FAILED)
        found = engine.log.entries()
        assert [entry.message for entry in found] == ["0", "0", "1", "1", "2", "2", "no"]
        assert [entry.message for entry in engine.log.entries("page")] == ["0", "1", "2"]
        assert [entry.message for entry in engine.log.entries("page*", 2)] == ["1", "2"]
        assert len(engine.log.entries(type="debug")) == 4
        assert [entry.job_id for entry in engine.log.entries(status="FAILED")] == ["a"]
        assert [entry.job_id for entry in engine.log.entries(status=LogStatus.FAILED, type="job")] == ["a"]
        assert (
            engine.log.entries("nobody") == engine.log.entries(status="nonsense") == engine.log.entries(limit=0) == []
        )
        assert engine.log.entries("", status="", type="") == found  # empty is any
        assert len({entry.id for entry in found}) == len(found)
        assert [entry.time for entry in found] == sorted(entry.time for entry in found if entry.time)

    def test_entries_since_a_time(self, place: Place) -> None:
        place.engine.jobs.send([], [LogEntry(message="one")])
        [one] = place.engine.log.entries()
        assert one.time is not None
        assert place.engine.log.entries(since=one.time) == [one]
        assert place.engine.log.entries(since=one.time + timedelta(milliseconds=1)) == []
        assert place.engine.log.entries(since=datetime(1960, 1, 1, tzinfo=UTC)) == [one]

    def test_entries_before_one(self, place: Place) -> None:
        log = place.engine.log
        place.engine.jobs.send([], [LogEntry(message=text, source_name=text[:1]) for text in ("a1", "b1", "a2", "b2")])
        every = log.entries()
        assert log.entries(before=every[2].id) == every[:2]
        assert log.entries("a", 1, before=every[3].id) == [every[2]]
        assert log.entries("b", before=every[3].id) == [every[1]]
        assert log.entries(before=every[0].id) == []

    def test_a_reader_gives_what_there_is(self, place: Place) -> None:
        engine = place.engine
        engine.jobs.send([], [LogEntry(message="before")])
        now, all_of_it = engine.log.reader("a"), engine.log.reader(after="0-0")
        assert now.read() == []
        for text in ("a1", "b1"):
            engine.jobs.send([], [LogEntry(message=text, source_name=text[:1])])
        assert [entry.message for entry in now.read()] == ["a1"]
        assert [entry.message for entry in all_of_it.read()] == ["before", "a1", "b1"]
        assert now.read() == all_of_it.read() == []
        engine.jobs.send([], [LogEntry(message="a2", source_name="a")])
        assert [entry.message for entry in now.read()] == ["a2"]

    def test_an_entry_is_kept_within_bounds(self, place: Place) -> None:
        place.engine.jobs.send([], [LogEntry(message="x" * 5_000, source_name="\ud800", template="t", line=7)])
        [entry] = place.engine.log.entries()
        assert len(entry.message.encode()) == 4_000
        assert (len(entry.message), entry.message[-1], entry.source_name) == (3_998, "…", "\\ud800")
        assert (entry.template, entry.line, entry.status, entry.job_id, entry.final) == ("t", 7, None, "", False)

    @pytest.mark.parametrize("sign", ["x", "é", "漢", "😀", "\ud800", "x😀\ud800é"])
    def test_a_message_is_kept_up_to_so_many_bytes(self, place: Place, sign: str) -> None:
        texts = [lead + sign * count for lead in ("", "x") for count in (600, 1_000, 1_334, 2_000, 2_001, 4_000, 9_000)]
        place.engine.jobs.send([], [LogEntry(message=text) for text in texts])
        for text, entry in zip(texts, place.engine.log.entries(), strict=True):
            whole = text.encode("utf-8", "backslashreplace").decode()
            if len(whole.encode()) <= 4_000:
                assert entry.message == whole
            else:
                assert entry.message.endswith("…")
                assert whole.startswith(entry.message[:-1])
                assert 3_990 < len(entry.message.encode()) <= 4_000

    def test_it_is_followed_from_an_entry_on(self, place: Place) -> None:
        log = place.engine.log
        place.engine.jobs.send([], [LogEntry(message=text, source_name=text[:1]) for text in ("a1", "b1", "a2", "b2")])
        every = log.entries()
        assert list(islice(log.follow(after="0-0"), 4)) == every
        assert list(islice(log.follow(after=every[1].id), 2)) == every[2:]
        assert list(islice(log.follow("b", after="0-0"), 2)) == [every[1], every[3]]
        assert list(islice(log.follow("", status="", type="", after="0-0"), 4)) == every
        assert list(islice(log.follow(after="99999999999999-0"), 4)) == every  # of another log

    def test_it_is_followed_from_now_on(self, place: Place, job: Make, wait_until: Callable[..., Any]) -> None:
        engine, heard = place.engine, []
        engine.jobs.send([], [LogEntry(message="before", status=LogStatus.SUCCESS)])

        def listen() -> None:
            heard.extend(islice(engine.log.follow(status=LogStatus.SUCCESS), 2))

        listener = Thread(target=listen, daemon=True)
        listener.start()

        def run_one() -> bool:
            engine.jobs.send([job()])
            _run(place, DONE)
            return not listener.is_alive()

        wait_until(run_one, every=0.05)
        listener.join(10)
        assert [(entry.status, entry.message) for entry in heard] == [(LogStatus.SUCCESS, "")] * 2
        assert heard[0].id < heard[1].id


class TestAnEngine:
    def test_a_page_sends_its_jobs_and_its_lines(self, place: Place) -> None:
        place.engine.render_string(
            "{% log 'hello' %}{% background source_name: 'mail', x: 1 %}{{ x }}{% endbackground %}"
        )
        [record] = place.engine.jobs.list(source_name="mail")
        assert (record.status, record.parameters) == (JobStatus.PENDING, {"x": 1})
        assert [entry.message for entry in place.engine.log.entries()] == ["hello"]

    def test_a_handle_tells_of_its_job(self, place: Place, job: Make) -> None:
        place.engine.dispatch([job(id="one")], "error")
        with pytest.raises(DuplicateJob, match="'one'"):
            place.engine.dispatch([job(id="one")], "error")
        handle = Handle(place.engine, "one")
        _run(place, Outcome(result="done"))
        assert (handle.result(), handle.cancel()) == ("done", False)
        place.engine.dispatch([job(id="two")], "error")
        other = Handle(place.engine, "two")
        assert other.cancel()
        with pytest.raises(JobCancelled):
            other.result(timeout=0)


def _signatures(kind: type) -> dict[str, inspect.Signature]:
    methods = inspect.getmembers(kind, inspect.isfunction)
    return {name: inspect.signature(method, eval_str=True) for name, method in methods if not name.startswith("_")}


@pytest.mark.parametrize(
    ("asked", "store", "double"),
    [(contract.Jobs, Queue, FakeJobs), (contract.Log, StoredLog, MemoryLog)],
)
def test_the_double_has_the_store_s_methods(asked: type, store: type, double: type) -> None:
    wanted = _signatures(asked)
    assert wanted == _signatures(store)
    assert wanted == {name: found for name, found in _signatures(double).items() if name in wanted}


@pytest.mark.parametrize("ending", Ending)
def test_the_store_ends_an_attempt_as_it_is_said(in_store: InStore, job: Make, ending: Ending) -> None:
    in_store.engine.jobs.send([job(id="a")])
    in_store.take()
    in_store.finish(DONE if ending is Ending.SUCCESS else FAILED, ending)
    [entry] = in_store.engine.log.entries()
    assert entry.status is ending.log_status
    status = ending.log_status.job_status if entry.final else JobStatus.PENDING
    assert in_store.engine.jobs.get("a").status is status
    assert entry.final or ending in (Ending.BACK, Ending.UNBEGUN)
