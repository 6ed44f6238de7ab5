"""Ends that the store answers with an error: said again alone, then as failures, then given up."""

from __future__ import annotations

import logging

import pytest

from liquid_background.job import Outcome
from liquid_background.queue.moves import Ending, Running, finish
from liquid_background.settings import load_settings
from liquid_background_worker.endings import MOST_ANSWERS, Endings, Report

SETTINGS = load_settings()


def test_an_end_is_said_again_as_it_was_then_as_a_failure_then_given_up(caplog: pytest.LogCaptureFixture) -> None:
    job = Running("a", "token", "default", "mail", "pages/x", 3, 1)
    endings = Endings(SETTINGS)
    report = Report(finish(job, Outcome(result="done"), SETTINGS))
    said = [report]
    with caplog.at_level(logging.ERROR):
        for _ in range(MOST_ANSWERS):
            endings.came_back(said[-1], "ERR no")
            said += endings.to_say()
    assert [each.finish.arguments[2] for each in said] == [Ending.SUCCESS, Ending.SUCCESS, Ending.FAILED]
    assert b"ERR no" in bytes(said[-1].finish.arguments[4])  # type: ignore[arg-type]
    assert caplog.messages == ["job a: its end could not be written: ERR no"]
