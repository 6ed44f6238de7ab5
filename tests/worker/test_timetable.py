"""A worker's timetable: what schedules take of the time in which it looks at its jobs."""

from __future__ import annotations

import time
from time import monotonic

from liquid_background.job import Job
from liquid_background.python_jobs import Schedule
from liquid_background.settings import Settings
from liquid_background_worker.timetable import Timetable

ASKED: list[str] = []


class _Slow(Schedule):
    """A schedule whose next time takes its time to be worked out."""

    def next_time(self, now: float) -> int:
        ASKED.append(self.name)
        time.sleep(0.005)
        return super().next_time(now)


def _timetable(settings: Settings, cron: str, number: int) -> Timetable:
    job = Job(source_name="s", template="t", line=1, partial="t")
    made = Timetable([_Slow(f"s{index}", cron, "UTC", job) for index in range(number)], settings)
    ASKED.clear()
    made.calls()  # asks for the clock
    made.heard(round(time.time() * 1000))
    return made


def test_many_schedules_take_a_share_of_a_look_and_all_have_their_turn(settings: Settings) -> None:
    timetable = _timetable(settings, "@yearly", 40)
    longest, calls = 0.0, 0
    while calls < 40:
        started = monotonic()
        calls += len(timetable.calls())
        longest = max(longest, monotonic() - started)
        assert len(ASKED) < 100
    assert sorted(ASKED) == sorted({f"s{index}" for index in range(40)})
    assert longest < 0.15  # all of them take 0.2 s
    assert timetable.calls() == []


def test_a_time_is_worked_out_once_until_it_has_come(settings: Settings) -> None:
    timetable = _timetable(settings, "@yearly", 2)
    assert len(timetable.calls()) == 2
    timetable.heard(None)  # an outage, after which all is asked for again
    time.sleep(1.05)
    assert len(timetable.calls()) == 2
    assert len(ASKED) == 2


def test_a_clock_that_was_put_back_has_times_worked_out_anew(settings: Settings) -> None:
    timetable = _timetable(settings, "0 * * * *", 1)
    timetable.calls()
    timetable.heard(round((time.time() - 86_400) * 1000))
    timetable.heard(None)
    time.sleep(1.05)
    assert len(timetable.calls()) == 1
    assert len(ASKED) == 2


def test_after_a_new_connection_the_clock_and_all_times_are_asked_for(settings: Settings) -> None:
    """It may be to another server, which has another clock and lacks the jobs that it was not sent."""
    timetable = _timetable(settings, "@yearly", 3)
    sent = timetable.calls()
    while len(sent) < 3:  # it stops where its share of the time is used up
        sent += timetable.calls()
    assert timetable.calls() == []
    timetable.connected()
    [(_, asks)] = timetable.calls()
    assert asks == ["", "", ""]  # for the clock
    assert timetable.calls() == []
    timetable.heard(round((time.time() + 100) * 1000))
    again = timetable.calls()
    assert {arguments[0] for _, arguments in again} == {"s0", "s1", "s2"}
