"""The front matter that is read at a start: the oldest first, as much as there is time for."""

from __future__ import annotations

import time
from typing import Any

import pytest

from liquid_background.language.pages import files, starting

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


@pytest.mark.parametrize("written", ["schedule", '"schedule"', "'schedule'", r'"sched\u0075le"', r'"\x73chedule"'])
def test_a_schedule_is_found_however_its_key_is_written(site: Any, written: str) -> None:
    site.write({"pages/a": f"---\n{written}: '@daily'\n---\n", "pages/b": f"---\n{{{written}: '@daily'}}\n---\n"})
    found = dict(site.engine.environment.loader.front_matters())
    assert found == {"pages/a": {"schedule": "@daily"}, "pages/b": {"schedule": "@daily"}}


def test_what_has_no_schedule_takes_no_time_of_what_has(site: Any) -> None:
    large = "---\nmetadata:\n" + "".join(f"  k{number}: [{'a, ' * 30}b]\n" for number in range(6)) + "---\n"
    site.write({f"pages/a{number}": large for number in range(400)})
    site.write({"pages/z": CRON})
    started = time.process_time()
    assert dict(site.engine.environment.loader.front_matters()) == {"pages/z": {"schedule": "@daily"}}
    assert time.process_time() - started < 2  # of 8 that reading all of them as YAML takes


def test_what_cannot_be_read_and_has_no_schedule_is_not_told_of(site: Any, caplog: pytest.LogCaptureFixture) -> None:
    site.write({"pages/a": "---\n[\n---\n", "pages/b": "---\n[schedule\n---\n"})
    assert dict(site.engine.environment.loader.front_matters()) == {}
    (line,) = caplog.messages
    assert line.startswith("pages/b:")


def test_many_files_leave_time_for_those_that_were_there_before(site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    site.write({"pages/a": CRON})
    time.sleep(0.02)
    site.write({f"pages/b{number}": "x" for number in range(30)})
    now = 0.0

    def looked_at(path: str) -> int:  # a second for each file
        nonlocal now
        now += 1.0
        return files.changed_at(path)

    monkeypatch.setattr(starting, "changed_at", looked_at)
    monkeypatch.setattr(starting, "monotonic", lambda: now)
    assert dict(site.engine.environment.loader.front_matters()) == {"pages/a": {"schedule": "@daily"}}
