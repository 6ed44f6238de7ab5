"""What a worker logs: each job that fails for good once, whoever learns of it, and each outage's beginning and end."""

from __future__ import annotations

import logging
import os
import re
import signal
from pathlib import Path

import pytest

from liquid_background.job import LogEntry, LogStatus
from liquid_background.jobs.queue import keys
from liquid_background.jobs.queue.failures import Failure
from liquid_background_worker.reports import MAX_SAID, MAX_TRACE, Heard, Reports, pipe
from liquid_background_worker.telling import Failures
from tests.worker.conftest import Bench


def _failures(text: str) -> list[tuple[str, str]]:
    """Return the job and the status of each job that the log says has failed."""
    found = re.findall(r"^background job.* - (FAILED|LOST|REFUSED)\b.* \[job (\S+)\]$", text, re.MULTILINE)
    return [(job_id, status) for status, job_id in found]


@pytest.mark.parametrize(
    ("do", "status", "said"),
    [
        ("raise", "FAILED", "ValueError: no"),
        ("stuck_in_c", "FAILED", "killed at its limit of 0.5 s"),
        ("exit", "LOST", "its process ended with exit code 3"),
        ("kill", "LOST", "its process was killed by signal 9"),
    ],
)
def test_a_job_that_fails_for_good_is_told_of_once_whoever_learns_of_it(
    bench: Bench, do: str, status: str, said: str
) -> None:
    job_id = bench.send(do, timeout=0.5)
    text = bench.burst()
    assert _failures(text) == [(job_id, status)]
    assert said in text
    assert ("killed in job" in text) == (do == "stuck_in_c")


def test_attempts_that_others_follow_are_not_told_of(bench: Bench) -> None:
    job_id = bench.send("raise", max_attempts=3, waits=(0.0, 0.0))
    text = bench.burst()
    assert _failures(text) == [(job_id, "FAILED")]
    assert "(attempt 3/3)" in text


def test_a_job_that_may_not_run_is_told_of_by_who_claimed_it(bench: Bench) -> None:
    job_id = bench.send()
    bench.store.client.hset(keys.job(job_id), "data", "garbage")
    text = bench.burst()
    assert _failures(text) == [(job_id, "REFUSED")]


def test_a_job_whose_worker_died_once_too_often_is_told_of_by_who_reaps_it(bench: Bench, tmp_path: Path) -> None:
    job_id = bench.send("wait_for", given={"until": str(tmp_path / "never")})
    first = bench.start(lease=0.6)
    bench.wait_for_run(job_id)
    bench.store.client.hset(keys.job(job_id), keys.LOSSES, 9)
    other = bench.start(lease=0.6)
    bench.wait_until(lambda: bench.queue.counts()[0].workers == 2)
    first.signal_tree(signal.SIGKILL)
    bench.wait_for(job_id)
    bench.wait_until(lambda: _failures(other.text()))
    assert other.stop() == 0
    assert _failures(other.text()) == [(job_id, "LOST")]


def _failure(number: int, *, final: bool = True, token: str = "", message: str = "no") -> Failure:
    status = LogStatus.FAILED
    entry = LogEntry(job_id=f"j{number}", source_name="pay", status=status, message=message, final=final)
    return Failure(entry, "Trace\nno", token)


def test_of_a_storm_some_are_told_of_and_the_others_counted(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    failures = Failures()
    failures.tell_all(_failure(number) for number in range(5_000))
    failures.tell_all([7])
    failures.count()
    told = len(caplog.messages)
    assert 1_000 <= told < 1_100
    failures.count(at_once=True)
    assert caplog.messages[told:] == [
        f"{5_007 - told} more jobs failed that no line here tells of: 'poscli logs --status FAILED' does"
    ]


def test_a_failure_that_two_processes_tell_of_is_one(caplog: pytest.LogCaptureFixture) -> None:
    failures = Failures()
    failures.tell_all([_failure(1, token="t"), _failure(1, token="t"), _failure(1, token="u")])
    assert len(caplog.messages) == 2


def test_a_child_reports_within_bounds_and_nothing_else_that_is_written_counts() -> None:
    reader, writer = pipe()
    heard, reports = Heard(reader), Reports(writer)
    reports.tell(_failure(1, message="é" * 10_000))
    reports.tell(_failure(2, final=False))
    os.write(writer, b'garbage\n[]\n[{}, "", ""]\n')
    reports.tell(Failure(_failure(3).entry, "Traceback:\n" + "  x\n" * 10_000 + "ValueError"))
    first, last = heard.read()
    assert isinstance(first, Failure)
    assert isinstance(last, Failure)
    assert (first.entry.job_id, last.entry.job_id) == ("j1", "j3")
    assert len(first.entry.message) == MAX_SAID + 1
    assert len(last.traceback) < MAX_TRACE + 200
    assert last.traceback.startswith("Traceback:\n")
    assert last.traceback.endswith("ValueError")
    heard.close()
    reports.tell(_failure(4))  # nobody listens: that ends no child
    os.close(writer)
