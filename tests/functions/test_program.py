"""`poscli` treats a job of a function like a job of a template."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from liquid_background import Engine, StoreUnavailable
from liquid_background.settings import Settings
from tests.functions import shop
from tests.functions.conftest import Bench

APP = "tests.functions.shop:engine"


def _poscli(settings: Settings, *arguments: str) -> str:
    environment = {**os.environ, "LIQUID_BACKGROUND_DATA_DIR": str(settings.data_dir)}
    command = [sys.executable, "-m", "poscli", *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=60)
    return done.stdout


def test_it_lists_shows_retries_and_logs_jobs_of_functions(engine: Engine, bench: Bench, settings: Settings) -> None:
    good = engine.enqueue("notify", {"order_id": 5})
    bad = engine.enqueue("refuse", {"message": "gone"})
    _poscli(settings, "worker", "--app", APP, "--burst", "--processes", "1")
    listed = [json.loads(line) for line in _poscli(settings, "jobs", "list", "--format", "json").splitlines()]
    assert [(job["id"], job["status"]) for job in listed] == [(bad.id, "failed"), (good.id, "completed")]
    shown = _poscli(settings, "jobs", "show", bad.id)
    assert "tests.functions.shop:refuse" in shown
    assert "NonRetryable: gone" in shown
    line = next(line for line in _poscli(settings, "logs").splitlines() if "refuse (attempt" in line)
    assert "refuse (attempt 1/7) - FAILED (" in line
    assert line.endswith(f"NonRetryable: gone (tests.functions.shop:refuse:{shop.refuse.line})")
    _poscli(settings, "jobs", "retry", bad.id)
    assert bad.job().status == "pending"


def test_a_store_that_is_away_is_told_at_once(tmp_path: Path) -> None:
    engine = Engine(redis_url="redis://127.0.0.1:1")
    engine.action(shop.notify)
    with pytest.raises(StoreUnavailable, match="cannot be reached"):
        engine.enqueue("notify", {"order_id": 5})
