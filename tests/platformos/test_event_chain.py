"""Events of a real module's forms go from consumer to consumer, in jobs of a worker."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from liquid_background import Engine
from liquid_background.jobs.log.lines import format_entry
from liquid_background.jobs.log.stream import entries
from tests.platformos import shop
from tests.platformos.module import APPLICATION, MODULE
from tests.worker.conftest import Bench, bench

__all__ = ["bench"]

_CREATED = "modules/bus/commands/events/create:"


@pytest.fixture
def engine(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Engine:
    for name, text in {**MODULE, **APPLICATION}.items():
        file = tmp_path / f"{name}.liquid"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    monkeypatch.setenv("LIQUID_BACKGROUND_TEMPLATES", str(tmp_path))
    monkeypatch.setenv("LIQUID_BACKGROUND_DIALECT", "platformos")
    monkeypatch.setenv("LIQUID_BACKGROUND_DATA_DIR", str(settings.data_dir))
    return shop.make_engine()


@pytest.mark.filterwarnings("ignore:max_attempts is 9")
def test_a_consumer_publishes_the_next_event(engine: Engine, bench: Bench) -> None:
    assert engine.render("order", {"type": "order_placed"}, params={"order_id": 42}).strip() == "published"
    (made,) = engine.jobs.list()
    assert (made.source_name, made.priority) == (f"{_CREATED}order_placed", "high")
    told = bench.burst(app="tests.platformos.shop:make_engine", templates=None)
    found = entries(engine.store.client, limit=100)
    ended = [(entry.source_name, str(entry.status), entry.max_attempts) for entry in found if entry.status]
    assert sorted(ended) == [
        ("consumers_order_confirmed_thank", "SUCCESS", 5),
        ("consumers_order_placed_confirm", "SUCCESS", 2),
        ("consumers_order_placed_count", "SUCCESS", 5),
        (f"{_CREATED}order_confirmed", "SUCCESS", 1),
        (f"{_CREATED}order_placed", "SUCCESS", 1),
    ], told
    assert {entry.type: entry.message for entry in found if entry.type == "counted"} == {"counted": "42"}
    (thanked,) = [entry for entry in found if entry.type == "thanked"]
    assert '"order_id": 42, "confirmed": true' in thanked.message
    assert "max_attempts is 9: a job has 5 attempts at most" in told

    line = next(format_entry(entry) for entry in found if entry.source_name == f"{_CREATED}order_placed")
    assert f"background job: {_CREATED}order_placed (attempt 1/1) - SUCCESS" in line
    assert json.loads(format_entry(found[0], "json"))["source_name"]


def test_an_event_that_nobody_defined_is_told_of(engine: Engine) -> None:
    text = engine.render("order", {"type": "order_lost"}, params={"order_id": 42})
    assert "There is no such event: order_lost" in text
    assert "cannot be blank" in engine.render("order", {"type": "order_placed"})
    assert engine.jobs.list() == []
