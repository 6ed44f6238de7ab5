"""Times as people write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from liquid_background.errors import FilterError
from liquid_background.moments import moment, moment_to_come


def test_spans_are_ago_or_to_come() -> None:
    now = datetime.now(UTC)
    for text, seconds in (("10m", 600), ("2h30m", 9000), ("1.5d", 129_600), ("1w", 604_800), ("7s", 7)):
        assert abs(now - moment(text) - timedelta(seconds=seconds)) < timedelta(seconds=5)
        assert abs(moment_to_come(text) - now - timedelta(seconds=seconds)) < timedelta(seconds=5)


def test_times_are_in_utc_unless_they_say_more() -> None:
    assert moment("2024-01-15T14:32") == datetime(2024, 1, 15, 14, 32, tzinfo=UTC)
    assert moment("2024-01-15T14:32+02:00") == datetime(2024, 1, 15, 12, 32, tzinfo=UTC)
    assert moment("14:00") <= datetime.now(UTC)
    assert (moment("14:00").hour, moment("14:00").minute) == (14, 0)


@pytest.mark.parametrize(
    "text",
    [
        *("", "10", "10 m", "25:00", "yesterday", "9" * 400 + "d", "2024-13-01", "\u0661\u0660m"),
        *("0001-01-01T00:00+14:00", "9999-12-31T23:59-12:00"),  # no time in UTC
    ],
)
def test_what_is_no_time_is_told(text: str) -> None:
    for parse in (moment, moment_to_come):
        with pytest.raises(FilterError):
            parse(text)


def test_what_is_past_is_not_to_come() -> None:
    with pytest.raises(FilterError, match="is past"):
        moment_to_come("2024-01-15")
