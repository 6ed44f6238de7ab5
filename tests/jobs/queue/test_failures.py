"""Attempts that failed, as the replies of moves tell of them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from liquid_background.job import Job, LogStatus, Outcome
from liquid_background.jobs.queue import Queue, finishing, keys, moves
from liquid_background.jobs.queue.failures import Failure, failure_of_step, failures_of_tick
from liquid_background.jobs.store import Store
from liquid_background.settings import Settings
from tests.jobs.queue.hands import WORKER, Hands


@pytest.fixture
def hands(store: Store, settings: Settings) -> Hands:
    return Hands(store, settings)


def test_a_failure_whose_reply_was_lost_is_told_of_when_the_step_is_sent_again(
    hands: Hands, queue: Queue, job: Callable[..., Job]
) -> None:
    queue.send([job(id="a", max_attempts=2)])
    running = hands.take()
    done = finishing.finish(running, Outcome(error="no", traceback="Trace\nno", retry=False), hands.settings)
    call = moves.step(WORKER, hands.settings, done)
    first, again = (failure_of_step(done, hands.call(call)) for _ in range(2))
    assert first is not None
    assert first == again
    assert (first.entry.status, first.entry.attempt, first.entry.final) == (LogStatus.FAILED, 1, True)
    assert (first.entry.message, first.traceback) == ("no", "Trace\nno")


def test_a_tick_tells_of_the_jobs_that_fail_in_it(hands: Hands, queue: Queue, job: Callable[..., Job]) -> None:
    queue.send([job(id="a", source_name="pay")])
    hands.take()
    assert list(failures_of_tick(hands.tick())) == []
    hands.store.client.hset(keys.job("a"), keys.LOSSES, 9)
    hands.expire_leases()
    (failure,) = failures_of_tick(hands.tick())
    assert (failure.entry.job_id, failure.entry.source_name, failure.entry.status) == ("a", "pay", LogStatus.LOST)
    assert failure.entry.final
    assert Failure.decoded(failure.encoded()) == failure
