"""When spans begin that screens are about."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from liquid_background.screens.spans import since_of


@pytest.mark.parametrize(("hours", "unit"), [(1, 60), (3, 60), (24, 3600), (24 * 31, 3600)])
def test_a_span_begins_at_a_whole_minute_or_hour_and_has_so_many_of_them(hours: int, unit: int) -> None:
    before = datetime.now(UTC)
    since = since_of(hours)
    assert since.timestamp() % unit == 0
    wanted = timedelta(hours=hours, seconds=-unit)
    assert wanted <= before - since < wanted + timedelta(seconds=unit + 60)
