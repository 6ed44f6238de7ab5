"""The example of docs/alerts.md runs as it stands there, and its tables are whole."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from liquid_background.events import EVERY, SYSTEM_EVENTS
from liquid_background.jobs.queue import keys
from tests.worker.conftest import Bench, bench

__all__ = ["bench"]

PAGE = (Path(__file__).parents[2] / "docs" / "alerts.md").read_text(encoding="utf-8")
EXAMPLES = dict(re.findall(r"<!-- example: (\S+) -->\n```\w+\n(.*?)```", PAGE, re.DOTALL))


def test_every_event_and_each_of_its_values_is_told() -> None:
    rows = {row[0]: row for row in re.findall(r"^\| `([\w.]+)` \| (.*) \| (.*) \|$", PAGE, re.M)}
    assert set(rows) == set(SYSTEM_EVENTS)
    for name, event in SYSTEM_EVENTS.items():
        named = {*re.findall(r"`(\w+)`", rows[name][2])} or {*re.findall(r"`(\w+)`", rows["job.failed"][2])}
        assert named == {*event.sample}, name
        assert ("hooks only" in rows[name][1]) == event.for_hooks_only
    assert f"`{EVERY}/`" in PAGE


def test_the_example(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    folder = tmp_path / "alerts"
    for name, text in EXAMPLES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.replace('alerts="alerts"', f"alerts={str(folder)!r}"))
    path = "app:charge"
    given = {"source_name": "charge", "template": path, "line": 1, "source": None, "function": path}
    options = {"app": "app:engine", "alerts": str(folder)}
    bench.burst(**options)
    bench.queue.send([bench.job(**given, given={"args": [4711], "kwargs": {}})])
    told = bench.burst(**options)
    assert "mail to ops@example.com: charge failed: ValueError: card 4711 was declined" in told
    assert "\n1 since " in told
    (group,) = re.findall(r"poscli failures show ([0-9a-f]{12})", told)
    assert bench.store.client.exists(keys.failure_about(group))
