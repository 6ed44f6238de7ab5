"""`engine.on_event`: which names it takes, and what becomes of a hook that raises."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Any

import pytest

from liquid_background import Engine, Event
from liquid_background.errors import SettingsError
from liquid_background.events import SYSTEM_EVENTS


@pytest.fixture
def engine() -> Engine:
    return Engine()


@pytest.mark.parametrize(
    ("name", "hint"),
    [("job.faild", "did you mean 'job.failed'?"), ("order.created", "events are job.failed, job.lost")],
)
def test_another_name_is_refused(engine: Engine, name: str, hint: str) -> None:
    with pytest.raises(SettingsError) as raised:
        engine.on_event(name)
    assert f"on_event: {name!r} is no event of the system; {hint}" in str(raised.value)


def test_a_function_that_takes_no_event_is_refused(engine: Engine) -> None:
    with pytest.raises(SettingsError, match=r"on_event hook .* is called with the event, which it does not take"):
        engine.on_event("job.failed")(lambda: None)


def test_those_of_an_event_are_called_whatever_others_raise(engine: Engine, caplog: pytest.LogCaptureFixture) -> None:
    heard: list[Any] = []

    @engine.on_event("job.failed")
    def bad(event: Event) -> None:
        raise ValueError("trouble")

    @engine.on_event("job.failed")
    async def good(event: Event) -> None:
        heard.append(event)

    engine.on_event("job.lost")(heard.append)
    event = Event("job.failed", "7", datetime.now(UTC), {"count": 2})
    with caplog.at_level(logging.ERROR):
        engine.hooks.happened(event)
    assert heard == [event]
    assert "bad raised ValueError; that costs no job" in caplog.text
    assert {name for name in SYSTEM_EVENTS if engine.hooks.tells(name)} == {"job.failed", "job.lost"}
