"""Times as people give them to options."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import click
import pytest

from poscli.times import since


@pytest.mark.parametrize("text", ["00:00", "14:00", "23:59", "9:05"])
def test_a_time_of_day_is_the_last_one(text: str) -> None:
    now = datetime.now(UTC)
    time = since(text)
    assert now - timedelta(days=1) <= time <= now + timedelta(seconds=1)
    assert (time.hour, time.minute) == tuple(map(int, text.split(":")))


@pytest.mark.parametrize("text", ["24:00", "14:60", "14:0", "14:00:00:00", "-1:00", "٣:00"])
def test_what_is_no_time_of_day_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter):
        since(text)
