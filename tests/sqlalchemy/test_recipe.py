"""The recipes of docs/hooks.md for SQLAlchemy and gunicorn, as they stand there, on a real PostgreSQL."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from liquid_background.job import Job
from tests.gunicorn import serving, visit
from tests.postgres import Database
from tests.worker.conftest import ROOT, Bench, bench

__all__ = ["bench"]

RECIPE = re.compile(r"<!-- example: (orders\.py|gunicorn\.conf\.py) -->\n```python\n(.*?)```", re.DOTALL)
JOBS = """
import os
from orders import Session, database, engine
from sqlalchemy import text

with database.begin() as connection:  # while the application is loaded
    connection.execute(text("CREATE TABLE IF NOT EXISTS sent (name text, pid int, backend int)"))


@engine.action
def write(name, seconds=0.0, commit=True):
    insert = text("INSERT INTO sent SELECT :name, :pid, pg_backend_pid() FROM pg_sleep(:seconds)")
    Session.execute(insert, {"name": name, "pid": os.getpid(), "seconds": seconds})
    if commit:
        Session.commit()
"""
SEND = """
from order_jobs import Session, engine, text
for name, end in (("kept", Session.commit), ("rolled-back", Session.rollback), ("read", Session.remove)):
    Session.execute(text("SELECT 1"))
    engine.render_string("{% background source_name: '" + name + "' %}{% endbackground %}")
    end()
"""


@pytest.fixture
def folder(tmp_path: Path, postgres: Database, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that workers import the recipe and its jobs from."""
    recipes = RECIPE.findall((ROOT / "docs" / "hooks.md").read_text(encoding="utf-8"))
    assert len(recipes) == 2
    for name, text in recipes:
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "order_jobs.py").write_text(JOBS, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("LIQUID_BACKGROUND_DATA_DIR", str(bench.settings.data_dir))
    monkeypatch.setenv("DATABASE_URL", postgres.url.replace("postgresql", "postgresql+psycopg", 1))
    return tmp_path


SERVED = """
import os
from order_jobs import Session, engine, text

engine.jobs.list()
Session.execute(text("SELECT 1"))
Session.remove()


def serve(environ, start_response):
    backend = Session.scalar(text("SELECT pg_backend_pid() FROM pg_sleep(0.02)"))
    engine.render_string("{% background source_name: 'a' %}{% endbackground %}")
    Session.remove()
    start_response("200 OK", [])
    return [f"{os.getpid()} {backend}".encode()]
"""


def _writes(*names: str, **given: object) -> list[Job]:
    path = "order_jobs:write"
    return [
        Job(
            source_name="write",
            template=path,
            line=1,
            function=path,
            parameters={"args": [], "kwargs": {"name": name, **given}},
        )
        for name in names
    ]


def test_a_commit_sends_and_a_rollback_does_not(folder: Path, bench: Bench) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SEND], cwd=folder, env={**os.environ}, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert sorted(job.source_name for job in bench.queue.list()) == ["kept", "read"]


@pytest.mark.slow
def test_children_and_jobs_have_their_own_and_a_restart_between_jobs_costs_nothing(
    folder: Path, bench: Bench, postgres: Database
) -> None:
    worker = bench.start(app="order_jobs:engine", processes=3)
    for turn in range(2):
        jobs = _writes(*(f"{turn}-{number}" for number in range(30)), seconds=0.02)
        jobs += _writes("not committed", commit=False)
        bench.queue.send(jobs)
        for job in jobs:
            assert bench.wait_for(job.id).status == "completed", bench.queue.get(job.id).error
        postgres.server.restart()
    assert worker.stop() == 0
    assert "holds a socket" not in worker.text()
    assert postgres.query("SELECT count(*) FROM sent WHERE name <> 'not committed'") == [["60"]]
    assert postgres.query("SELECT count(*) FROM sent WHERE name = 'not committed'") == [["0"]]
    pairs = postgres.query("SELECT DISTINCT pid, backend FROM sent")
    assert len({backend for _, backend in pairs}) == len(pairs)
    assert {story[0][0] for story in bench.stories().values()} == {"SUCCESS"}


@pytest.mark.slow
def test_workers_of_gunicorn_share_no_connection(folder: Path, bench: Bench) -> None:
    (folder / "served.py").write_text(SERVED, encoding="utf-8")
    with (folder / "gunicorn.conf.py").open("a", encoding="utf-8") as stream:
        stream.write('wsgi_app = "served:serve"\n')
    with serving(folder, bench.wait_until) as address:
        seen = visit(address, 60)
    assert len({pid for pid, _ in seen}) >= 2
    assert len({backend for _, backend in seen}) == len(seen)
    assert sum(count.queued for count in bench.queue.counts()) == 60
