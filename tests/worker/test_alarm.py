"""The soft limit of a job: rung at its own time, never at that of the job before."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator

import pytest

from liquid_background.errors import JobTimeout
from liquid_background_worker.alarm import Alarm


@pytest.fixture
def alarm() -> Iterator[Alarm]:
    before = signal.getsignal(signal.SIGALRM)
    yield Alarm()
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


def _ring() -> str:
    os.kill(os.getpid(), signal.SIGALRM)
    return "done"


def test_a_call_is_stopped_at_its_limit_again_and_again(alarm: Alarm) -> None:
    def swallow() -> None:
        for _ in range(2):
            with pytest.raises(JobTimeout):
                time.sleep(5)

    with pytest.raises(JobTimeout, match=r"limit of 0\.05 s"):
        alarm.run(0.05, swallow)


def test_the_ring_of_the_call_before_stops_nothing(alarm: Alarm) -> None:
    assert alarm.run(60, _ring) == "done"
    assert not alarm.rang


def test_a_ring_between_two_calls_turns_the_timer_off(alarm: Alarm) -> None:
    alarm.run(60, lambda: None)
    _ring()
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_a_timer_that_a_call_before_set_is_set_anew_by_its_ring(alarm: Alarm) -> None:
    assert alarm.run(0.1, lambda: "done") == "done"
    started = time.monotonic()
    with pytest.raises(JobTimeout, match=r"limit of 0\.4 s"):
        alarm.run(0.4, lambda: time.sleep(5))
    assert time.monotonic() - started >= 0.4


def test_a_call_with_a_shorter_limit_than_that_before_is_stopped_at_its_own(alarm: Alarm) -> None:
    alarm.run(60, lambda: None)
    with pytest.raises(JobTimeout, match=r"limit of 0\.05 s"):
        alarm.run(0.05, lambda: time.sleep(5))


def test_a_timer_that_a_call_turned_off_is_set_for_those_that_begin_a_moment_later(alarm: Alarm) -> None:
    alarm.run(0.3, lambda: signal.setitimer(signal.ITIMER_REAL, 0))
    time.sleep(0.06)
    with pytest.raises(JobTimeout):
        alarm.run(0.3, lambda: time.sleep(5))
