"""The example shop: its own test, and the whole of it on a real PostgreSQL, a real server and a real worker."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import urllib.error
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from liquid_background import StoreUnavailable
from liquid_background.job import Job
from tests import warm
from tests.fastapi.servers import QUIETLY, ROOT, Served, serve
from tests.postgres import Database
from tests.worker.conftest import Bench, bench

__all__ = ["bench", "serve"]

EXAMPLE = ROOT / "examples/fastapi_shop"
APP = "tests.fastapi.shop_on_postgres"
# It refuses an order of poison, and does so at the commit.
SCHEMA = """
CREATE TABLE IF NOT EXISTS done (name text, pid int, backend int);
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN IF NEW.tea = 'poison' THEN RAISE EXCEPTION 'refused'; END IF; RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON orders DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION refuse();
"""


@pytest.mark.slow
def test_its_own_test_passes_without_a_store(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    environment["PYTHONPATH"] = str(EXAMPLE)
    given = ("-c", f"{ROOT}/pyproject.toml", "--rootdir", f"{EXAMPLE}", f"{EXAMPLE}")
    done = warm.run("pytest", *QUIETLY, *given, cwd=EXAMPLE, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed" in done.stdout


def test_a_send_that_fails_after_the_commit_keeps_no_other_back() -> None:
    spec = importlib.util.spec_from_file_location("shop_database", EXAMPLE / "shop/database.py")
    assert spec is not None
    assert spec.loader is not None
    database = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(database)
    sent: list[str] = []

    def fail() -> None:
        raise StoreUnavailable("away")

    async def commit() -> None:
        async with database.jobs_after(nullcontext()):
            for send in (fail, lambda: sent.append("second"), lambda: sent.append("third")):
                database.after_commit(send)

    with pytest.raises(StoreUnavailable, match="away"):
        asyncio.run(commit())
    assert sent == ["second", "third"]


@dataclass
class Shop:
    """The shop in business."""

    served: Served
    bench: Bench
    database: Database

    def order(self, tea: str) -> int:
        return self.post("/orders", tea=tea, grams="100")

    def post(self, path: str, **form: str) -> int:
        try:
            self.served.get(path, urlencode(form).encode())
        except urllib.error.HTTPError as error:
            return error.code
        return 200

    def names(self) -> list[str]:
        return sorted(job.source_name for job in self.bench.queue.list(limit=1000))

    def start(self, **options: Any) -> Any:
        return self.bench.start(app=f"{APP}:engine", **options)

    def done(self) -> list[list[str]]:
        return self.database.query("SELECT name, pid, backend FROM done")


@pytest.fixture
def shop(
    bench: Bench, postgres: Database, serve: Callable[..., Served], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Shop]:
    variables = {
        "DATABASE_URL": postgres.url,
        "LIQUID_BACKGROUND_DATA_DIR": str(bench.settings.data_dir),
        "PYTHONPATH": os.pathsep.join((str(EXAMPLE), str(ROOT))),
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    served = serve("uvicorn", "--host", "127.0.0.1", "--port", "0", f"{APP}:app", cwd=EXAMPLE)
    postgres.query(SCHEMA)
    yield Shop(served, bench, postgres)
    served.stop()


@pytest.mark.slow
def test_what_is_committed_is_done_and_what_is_rolled_back_is_not(shop: Shop) -> None:
    assert shop.order("Assam") == 200
    assert shop.names() == ["pack", "receipt"]
    assert shop.order("poison") == 500  # at the commit, behind the path function
    assert shop.post("/fails/commit") == 500
    assert shop.post("/fails/raise") == 409
    assert shop.post("/tasks-first/poison") == 500
    assert shop.names() == ["pack", "receipt"]
    assert shop.post("/fails/not") == 200
    assert shop.post("/tasks-first/Assam") == 200
    assert shop.names() == ["pack", "pack", "pack", "page", "receipt", "tasks-first"]

    worker = shop.start(processes=2)
    rows = "SELECT tea, packed, receipt FROM orders ORDER BY id"
    expected = [["Assam", "t", "Assam, 100 g: 8.00 EUR"], *[["Assam", "t", ""]] * 2]
    shop.bench.wait_until(lambda: shop.database.query(rows) == expected)
    assert "100 g of Assam, packed. Assam, 100 g: 8.00 EUR" in shop.served.get("/")
    assert worker.stop() == 0
    assert "socket" not in worker.text()


@pytest.mark.slow
def test_jobs_of_a_savepoint_that_is_rolled_back_are_not_sent(shop: Shop) -> None:
    assert shop.post("/savepoint") == 200
    sent = [job.parameters["kwargs"]["name"] for job in shop.bench.queue.list()]
    assert sorted(sent) == ["outer", "released"]


def _touch(shop: Shop, number: int, seconds: float, **fields: Any) -> list[str]:
    path = f"{APP}:touch"
    shared = {"source_name": "touch", "template": path, "line": 1, "function": path, **fields}
    jobs = [Job(**shared, parameters={"args": [], "kwargs": {"name": "x", "seconds": seconds}}) for _ in range(number)]
    assert shop.bench.queue.send(jobs) == []
    return [job.id for job in jobs]


@pytest.mark.slow
def test_children_never_share_a_connection(shop: Shop) -> None:
    _touch(shop, 40, 0.02)
    worker = shop.start(processes=3)
    shop.bench.wait_until(lambda: len(shop.done()) == 40)
    used = {(pid, backend) for _, pid, backend in shop.done()}
    assert {pid for pid, _ in used} == {str(pid) for pid in worker.children()}
    assert len({backend for _, backend in used}) == len(used)


@pytest.mark.slow
def test_a_restart_of_the_database_costs_those_that_ran_an_attempt(shop: Shop) -> None:
    sent = _touch(shop, 100, 0.05, max_attempts=3)
    shop.start(processes=2, retry_delays="3,3")
    shop.bench.wait_until(lambda: len(shop.done()) >= 20)
    begin = datetime.now(UTC)
    shop.database.server.restart()
    end = datetime.now(UTC)
    for job_id in sent:
        assert shop.bench.wait_for(job_id, timeout=60).status == "completed"
    failed = [entry for entry in shop.bench.log() if entry.status == "FAILED"]
    slack = timedelta(seconds=1)
    assert failed
    assert [entry for entry in failed if not begin - slack <= entry.time <= end + slack] == []
    assert {entry.job_id for entry in shop.bench.log() if entry.attempt > 1} == {entry.job_id for entry in failed}
    assert len(shop.done()) == 100
    assert shop.order("Assam") == 200  # the server's own pool goes on, too
