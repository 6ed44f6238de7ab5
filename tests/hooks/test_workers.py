"""Hooks in real workers: which process calls which, and what their trouble costs."""

from __future__ import annotations

import signal

import pytest
from rq.job import Job as RqJob
from rq.serializers import JSONSerializer

from tests.hooks.conftest import Hooked


def test_a_worker_calls_each_where_it_belongs(hooked: Hooked) -> None:
    good, later, bad = hooked.send(), hooked.send(function="work_async"), hooked.send("refuse", max_attempts=3)
    worker = hooked.start(burst=True)
    assert worker.process.wait(60) == 0, worker.text()
    ((_, supervisor),) = hooked.lines("worker_start")
    assert supervisor == str(worker.pid)
    ((_, child),) = hooked.lines("child_start")
    assert child != supervisor
    assert hooked.lines() == [
        ["worker_start", supervisor],
        ["child_start", child],
        *[[event, child, id, *more] for id in (good, later) for event, more in (("enter", ["1"]), ("leave", []))],
        ["enter", child, bad, "1"],
        ["error", child, bad, "NonRetryable"],
        ["leave", child, bad],
        ["failure", child, bad, "1", "NonRetryable", "NonRetryable: gone (tests/hooks/hooked_app.py:76)"],
        ["child_stop_first", child],
        ["child_stop", child],
    ]
    assert [hooked.bench.queue.get(id).result for id in (good, later)] == [good, later]


def test_bodies_of_liquid_run_inside_them_too(hooked: Hooked) -> None:
    fine = hooked.bench.send(max_attempts=2)
    bad = hooked.bench.send(source="{% include 'none' %}", max_attempts=2)
    hooked.burst()
    assert [row[2:] for row in hooked.lines("enter")] == [[fine, "1"], [bad, "1"], [bad, "2"]]
    assert [row[2:] for row in hooked.lines("error")] == [[bad, "TemplateNotFoundError"]] * 2
    ((*_, job_id, attempt, _),) = [row[:5] for row in hooked.lines("failure")]
    assert (job_id, attempt) == (bad, "2")
    assert hooked.bench.story(bad) == [("FAILED", 1, False), ("FAILED", 2, True)]


def test_every_child_has_its_own_start_and_stop(hooked: Hooked) -> None:
    worker = hooked.start(processes=2)
    hooked.bench.wait_until(lambda: len(hooked.lines("child_start")) == 2)
    worker.process.send_signal(signal.SIGHUP)
    hooked.bench.wait_until(lambda: len(hooked.lines("child_start")) == 4)
    hooked.bench.wait_until(lambda: len(hooked.lines("child_stop")) == 2)
    assert worker.stop() == 0
    started, stopped = ({pid for _, pid in hooked.lines(event)} for event in ("child_start", "child_stop"))
    assert started == stopped
    assert len(started) == 4
    assert len(hooked.lines("worker_start")) == 1


EVENTS = ["worker_start", "child_start", "enter", "leave", "failure", "child_stop_first"]


def test_those_that_raise_are_reported_and_cost_no_job(hooked: Hooked) -> None:
    hooked.do(**dict.fromkeys(EVENTS, "raise"))
    good = [hooked.send() for _ in range(3)]
    bad = hooked.send("refuse")
    text = hooked.burst()
    for job_id in good:
        assert hooked.bench.story(job_id) == [("SUCCESS", 1, True)]
    assert hooked.bench.story(bad) == [("FAILED", 1, True)]
    assert hooked.bench.queue.get(bad).error == "NonRetryable: gone (tests/hooks/hooked_app.py:76)"
    assert hooked.lines("child_stop")  # after one that raised
    lines = [line for line in text.splitlines() if "costs no job" in line]
    events = ["on_worker_start", "on_child_start", "around_job", "on_failure", "on_child_stop"]
    assert [line.split()[0] for line in lines] == events  # each once, though four attempts ran
    assert text.count("ValueError: trouble") == len(events)
    told = [line for line in text.splitlines() if line == "Traceback (most recent call last):"]
    assert len(told) == len(events)  # beside that of the job itself, which stands below its own line


@pytest.mark.parametrize("event", ["enter", "leave"])
def test_one_around_a_job_that_hangs_is_under_its_time_limit(hooked: Hooked, event: str) -> None:
    hooked.do(**{event: "hang"})
    job_id = hooked.send(timeout=0.5, max_attempts=1)
    hooked.burst()
    assert hooked.bench.story(job_id) == [("FAILED", 1, True)]
    assert hooked.bench.queue.get(job_id).error == "stopped at its limit of 0.5 s"
    assert [row[4] for row in hooked.lines("failure")] == ["JobTimeout"]
    result = RqJob.fetch(job_id, connection=hooked.bench.store.client, serializer=JSONSerializer).latest_result()
    assert result is not None
    assert "time.sleep(60)" in (result.exc_string or "")  # the traceback says where the time went


def test_a_hook_of_failures_has_a_limit_of_its_own(hooked: Hooked) -> None:
    hooked.do(failure="hang")
    slow, refused = hooked.send("hang", timeout=1.0), hooked.send("refuse", timeout=1.0)
    good = hooked.send()
    text = hooked.burst()
    assert hooked.bench.queue.get(slow).error == "stopped at its limit of 1 s"
    assert hooked.bench.queue.get(refused).error == "NonRetryable: gone (tests/hooks/hooked_app.py:76)"
    assert hooked.bench.story(good) == [("SUCCESS", 1, True)]
    assert [row[2] for row in hooked.lines("failure")] == [slow, refused]
    assert text.count("on_failure hooks took longer than 1 s: stopped") == 2


@pytest.mark.parametrize("event", ["child_start", "child_stop_first"])
def test_one_of_a_child_that_hangs_is_stopped_at_the_time_limit_of_a_job(hooked: Hooked, event: str) -> None:
    hooked.do(**{event: "hang"})
    job_id = hooked.send()
    text = hooked.burst(job_timeout=1)
    assert hooked.bench.story(job_id) == [("SUCCESS", 1, True)]
    assert f"on_{event.removesuffix('_first')} hooks took longer than 1 s: stopped" in text


def test_nobody_is_told_of_a_job_whose_process_died(hooked: Hooked) -> None:
    job_id = hooked.send("die", max_attempts=1)
    hooked.burst()
    assert [status for status, *_ in hooked.bench.story(job_id)] == ["LOST"]
    assert hooked.lines("failure") == hooked.lines("leave") == []


def test_a_process_that_dies_in_a_hook_of_failures_has_the_job_run_again(hooked: Hooked) -> None:
    hooked.do(failure="die")
    job_id = hooked.send("refuse", max_attempts=2)
    hooked.burst()
    assert hooked.bench.story(job_id) == [("LOST", 1, False), ("LOST", 2, True)]


def test_a_hook_may_keep_the_worker_from_starting(hooked: Hooked) -> None:
    hooked.do(worker_start="end")
    worker = hooked.start(burst=True)
    assert worker.process.wait(30) == 1
    assert "no schema" in worker.text()
    assert hooked.events() == ["worker_start"]


def test_a_worker_is_stopped_while_a_hook_hangs_before_it_has_begun(hooked: Hooked) -> None:
    hooked.do(worker_start="hang")
    worker = hooked.start()
    hooked.bench.wait_until(lambda: hooked.lines("worker_start"))
    assert worker.stop() == 0
    assert hooked.lines("child_start") == []
