"""`poscli` treats a job of a function like a job of a template."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from liquid_background import Engine, StoreUnavailable
from liquid_background.jobs.queue import keys
from liquid_background.python_jobs import EngineQueue
from liquid_background.settings import Settings
from tests import warm
from tests.python_jobs import shop
from tests.python_jobs.conftest import Bench

APP = "tests.python_jobs.shop:engine"


def _poscli(settings: Settings, *arguments: str) -> str:
    environment = {**os.environ, "LIQUID_BACKGROUND_DATA_DIR": str(settings.data_dir)}
    done = warm.run("poscli", *arguments, cwd=Path.cwd(), env=environment)
    done.check_returncode()
    return done.stdout


def test_it_lists_shows_retries_and_logs_jobs_of_functions(engine: Engine, bench: Bench, settings: Settings) -> None:
    good = engine.enqueue("notify", {"order_id": 5})
    bad = engine.enqueue("refuse", {"message": "gone"})
    _poscli(settings, "worker", "--app", APP, "--burst", "--processes", "1")
    listed = [json.loads(line) for line in _poscli(settings, "jobs", "list", "--format", "json").splitlines()]
    assert [(job["id"], job["status"]) for job in listed] == [(bad.id, "failed"), (good.id, "completed")]
    shown = _poscli(settings, "jobs", "show", bad.id)
    assert "tests.python_jobs.shop:refuse" in shown
    assert "NonRetryable: gone" in shown
    line = next(line for line in _poscli(settings, "logs").splitlines() if "refuse (attempt" in line)
    assert "refuse (attempt 1/7) - FAILED (" in line
    raised = shop.refuse.line + 3
    where = f"(tests/python_jobs/shop.py:{raised}) (tests.python_jobs.shop:refuse:{shop.refuse.line})"
    assert line.endswith(f"NonRetryable: gone {where}")
    _poscli(settings, "jobs", "retry", bad.id)
    assert bad.job().status == "pending"


def test_it_shows_what_jobs_wait_for(
    engine: Engine, bench: Bench, settings: Settings, tmp_path: Path, wait_until: Callable[..., Any]
) -> None:
    bench.start(app=APP, processes=2)
    first, second = (engine.enqueue("wait_for", {"until": str(tmp_path / "go")}, queue="crm") for _ in range(2))
    later = engine.enqueue("notify", {"order_id": 5}, start_at="2124-04-03T12:00:00Z")
    wait_until(lambda: first.job().status == "running")
    wait_until(lambda: engine.store.client.zcard(keys.deferred("default")))
    heading, *rows = _poscli(settings, "jobs", "list").splitlines()
    assert heading.split()[-3:] == ["WAITS", "FOR", "ERROR"]
    about = {row.split()[0]: row for row in rows}
    assert "group crm" in about[second.id]
    assert "group crm" not in about[first.id]
    assert "2124-04-03 12:00:00" in about[later.id]
    assert "Group:       crm, at most 1 at once, waits for its turn there\n" in _poscli(
        settings, "jobs", "show", second.id
    )
    assert "Due:         2124-04-03 12:00:00\n" in _poscli(settings, "jobs", "show", later.id)
    shown = json.loads(_poscli(settings, "jobs", "show", second.id, "--format", "json"))
    assert (shown["group"], shown["max_concurrency"], shown["waits_for_group"]) == ("crm", 1, True)
    assert ["crm", "1", "1"] in [line.split() for line in _poscli(settings, "status").splitlines()]
    status = json.loads(_poscli(settings, "status", "--format", "json"))
    assert status["groups"] == [{"name": "crm", "running": 1, "waiting": 1}]
    (tmp_path / "go").touch()
    assert second.result(timeout=20) == "waited"


def test_it_knows_the_ids_that_a_queue_with_a_prefix_gives(engine: Engine, settings: Settings) -> None:
    mine, other = EngineQueue(engine, prefix="mine:"), EngineQueue(engine, prefix="other:")
    job_id = mine.enqueue_sync("order-5", shop.notify, (5,), {})
    assert "notify" in _poscli(settings, "jobs", "show", job_id)
    assert "cancelled" in _poscli(settings, "jobs", "cancel", job_id)
    assert "retried" in _poscli(settings, "jobs", "retry", job_id)
    other.enqueue_sync("order-5", shop.notify, (5,), {})  # now the id alone does not tell which
    with pytest.raises(subprocess.CalledProcessError) as error:
        _poscli(settings, "jobs", "show", job_id)
    assert "several jobs have ids that begin with 'order-5': " in error.value.stderr


def test_a_store_that_is_away_is_told_at_once(tmp_path: Path) -> None:
    engine = Engine(redis_url="redis://127.0.0.1:1")
    engine.action(shop.notify)
    with pytest.raises(StoreUnavailable, match="cannot be reached"):
        engine.enqueue("notify", {"order_id": 5})
