"""The front matter that is read at a start: the oldest first, as much as there is time for."""

from __future__ import annotations

import time
from typing import Any

import pytest

from liquid_background.language.pages import starting

CRON = "---\nschedule: '@daily'\n---\n"


def test_new_files_take_no_time_of_older_ones(
    site: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("partials/z", "pages/y"):
        site.write({name: CRON})
        time.sleep(0.02)  # which a file's time of change shows
    site.write({f"partials/a{number}": CRON for number in range(30)})
    clock = iter(range(1000))
    monkeypatch.setattr(starting, "monotonic", lambda: float(next(clock)))  # a second for each file
    found = dict(site.engine.environment.loader.front_matters())
    assert len(found) == 9
    assert next(iter(found)) == "pages/y"
    assert "z" in found
    (line,) = caplog.messages
    assert line.startswith("23 pages and partials are not read for schedules: the others")


def test_all_are_told_by_path_when_there_is_time(site: Any, caplog: pytest.LogCaptureFixture) -> None:
    site.write({"partials/b": CRON, "partials/a/c": CRON, "pages/z": CRON, "partials/none": "x"})
    site.write({"partials/both.html": CRON, "partials/both": CRON})
    assert [name for name, _ in site.engine.environment.loader.front_matters()] == ["pages/z", "a/c", "b", "both"]
    assert caplog.messages == []
