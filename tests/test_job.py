"""What follows from how an attempt ended: each word of a job, of the log and of a worker has its row."""

from __future__ import annotations

from uuid import RFC_4122, UUID

import pytest

from liquid_background.job import Ending, JobStatus, LogStatus, Outcome, new_id
from liquid_background.jobs.contract import states_of


@pytest.mark.parametrize("status", JobStatus)
def test_a_job_s_status_says_whether_it_has_ended_and_where_its_id_stands(status: JobStatus) -> None:
    assert status.has_ended is (status not in ("pending", "running"))
    assert status.may_be_retried is (status in ("failed", "cancelled"))
    states = states_of(status)
    assert len(states) == 1 or not status.has_ended
    assert {JobStatus.from_rq(state) for state in states} == {status}


LOGGED = {
    LogStatus.SUCCESS: JobStatus.COMPLETED,
    LogStatus.FAILED: JobStatus.FAILED,
    LogStatus.LOST: JobStatus.FAILED,
    LogStatus.CANCELLED: JobStatus.CANCELLED,
    LogStatus.REFUSED: JobStatus.FAILED,
}


@pytest.mark.parametrize("status", LogStatus)
def test_what_the_log_says_decides_what_the_job_is(status: LogStatus) -> None:
    assert status.job_status is LOGGED[status]


@pytest.mark.parametrize("status", LogStatus)
def test_an_attempt_that_ended_leaves_a_job_that_has(status: LogStatus) -> None:
    assert status.job_status.has_ended


ENDED = {
    Ending.SUCCESS: LogStatus.SUCCESS,
    Ending.FAILED: LogStatus.FAILED,
    Ending.CRASHED: LogStatus.LOST,
    Ending.UNBEGUN: LogStatus.LOST,
    Ending.CANCELLED: LogStatus.CANCELLED,
    Ending.BACK: LogStatus.LOST,
}


@pytest.mark.parametrize("ending", Ending)
def test_how_a_worker_ends_an_attempt_decides_what_the_log_says(ending: Ending) -> None:
    assert ending.log_status is ENDED[ending]


@pytest.mark.parametrize("ending", Ending)
def test_every_ending_is_in_the_log_s_words(ending: Ending) -> None:
    assert ending.log_status in LogStatus


@pytest.mark.parametrize("ending", Ending)
def test_an_ending_is_a_failure_when_its_job_has_failed(ending: Ending) -> None:
    assert ending.is_failure is (LOGGED[ENDED[ending]] is JobStatus.FAILED)


@pytest.mark.parametrize(
    ("outcome", "ending", "is_last"),
    [
        (Outcome(result="x"), Ending.SUCCESS, True),
        (Outcome(error="no"), Ending.FAILED, False),
        (Outcome(error=""), Ending.FAILED, False),
        (Outcome(error="no", retry=False), Ending.FAILED, True),
    ],
)
def test_an_outcome_says_how_the_attempt_ended_and_whether_another_follows(
    outcome: Outcome, ending: Ending, is_last: bool
) -> None:
    assert outcome.ending is ending
    assert outcome.succeeded is (ending is Ending.SUCCESS)
    assert outcome.failed is ending.is_failure
    assert outcome.is_last(1, 2) is is_last
    assert outcome.is_last(2, 2)
    assert outcome.fails_job(1, 2) is (is_last and outcome.failed)
    assert outcome.fails_job(2, 2) is outcome.failed


def test_an_attempt_that_neither_succeeded_nor_failed_is_the_last_and_fails_no_job() -> None:
    class TakenBack(Outcome):
        ending = Ending.CANCELLED

    outcome = TakenBack(error="taken back")
    assert not outcome.succeeded
    assert not outcome.failed
    assert outcome.is_last(1, 2)
    assert not outcome.fails_job(2, 2)


def test_an_id_is_a_random_uuid_of_version_4() -> None:
    ids = {new_id() for _ in range(200)}
    assert len(ids) == 200
    assert {(UUID(each).version, UUID(each).variant, UUID(each).hex == each) for each in ids} == {(4, RFC_4122, True)}
    assert {each[16] for each in ids} == {*"89ab"}
