"""How many ids one call of the store looks at."""

from __future__ import annotations

from liquid_background.jobs.queue.chunks import MOST, Pace


def test_a_call_that_takes_long_is_followed_by_shorter_ones_and_quick_ones_by_longer() -> None:
    pace = Pace()
    assert pace.size < MOST
    for _ in range(10):
        pace.took(0.001)
    assert pace.size == MOST
    sizes = []
    for _ in range(10):
        pace.took(0.02)
        sizes.append(pace.size)
    assert sizes == sorted(sizes, reverse=True)
    assert 0 < sizes[-1] < MOST / 4
    pace.took(0.004)
    assert pace.size == sizes[-1]


def test_a_caller_may_ask_for_less() -> None:
    pace = Pace(7)
    pace.took(0.0)
    assert pace.size == 7
