"""Ends that the store answers with an error are said again until they are heard, after a while as failures."""

from __future__ import annotations

import pytest

from liquid_background.job import Ending, Outcome
from liquid_background.jobs.queue.finishing import Running, finish
from liquid_background.settings import load_settings
from liquid_background_worker import endings
from liquid_background_worker.endings import Endings, Report

SETTINGS = load_settings()
JOB = Running("a", "token", "default", "mail", "pages/x", 3, 1)


def _again(kept: Endings, report: Report) -> Report:
    kept.came_back(report, "ERR no")
    assert kept.jobs == [JOB]
    (again,) = kept.to_say()
    assert kept.jobs == []
    return again


def test_an_end_is_said_again_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    report = Report(finish(JOB, Outcome(result="done"), SETTINGS))
    kept = Endings(SETTINGS)
    for _ in range(3):
        report = _again(kept, report)
    assert report.finish.arguments[2] == Ending.SUCCESS
    monkeypatch.setattr(endings, "_PATIENCE", -1.0)
    for _ in range(2):  # a failure right behind it, then the end itself again
        report = _again(kept, report)
        assert report.finish.arguments[2] == Ending.FAILED
        assert b"ERR no" in bytes(report.finish.arguments[4])  # type: ignore[arg-type]
        report = _again(kept, report)
        assert report.finish.arguments[2] == Ending.SUCCESS
