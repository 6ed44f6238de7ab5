"""The examples of docs/flask.md and examples/flask_shop run as they stand there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests import warm
from tests.gunicorn import serving, visit
from tests.postgres import Database
from tests.worker.conftest import ROOT, Bench

EXAMPLE = re.compile(r"<!-- example: (\S+) -->\n```\w+\n(.*?)```", re.DOTALL)
SHOP = ROOT / "examples" / "flask_shop"


def _run(*words: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Do what Python does with `-m` and a module, or with `-c` and a program."""
    kind, what, *arguments = words
    if kind == "-c":
        (folder / "given_with_c.py").write_text(what, encoding="utf-8")
        what = "given_with_c"
    environment = {**os.environ, "PYTHONPATH": str(folder), **variables}
    return warm.run(what, *arguments, cwd=folder, env=environment)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in EXAMPLE.findall((ROOT / "docs" / "flask.md").read_text(encoding="utf-8")):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return tmp_path


@pytest.mark.slow
def test_the_examples_of_the_page(folder: Path, bench: Bench) -> None:
    done = _run("-m", "pytest", "-q", "-p", "no:cacheprovider", folder=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    assert _run("-c", "import commit", folder=folder).returncode == 0
    store = {"LIQUID_BACKGROUND_DATA_DIR": str(bench.settings.data_dir)}
    visit = "from shop import create_app; print(create_app().test_client().get('/thanks/Ada').status)"
    assert _run("-c", visit, folder=folder, **store).stdout == "200 OK\n"
    ran = _run("-m", "flask", "--app", "shop", "jobs", "worker", "--burst", folder=folder, **store)
    assert ran.returncode == 0, ran.stderr
    (job,) = bench.queue.list()
    assert (job.source_name, job.status) == ("mail", "completed")


# The example.


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A copy of the example, which keeps its database in its own folder."""
    return Path(
        shutil.copytree(SHOP, tmp_path / "flask_shop", ignore=shutil.ignore_patterns("instance", "__pycache__"))
    )


@pytest.mark.slow
def test_the_example_passes_its_own_test(shop: Path) -> None:
    done = _run("-m", "pytest", "-q", "-p", "no:cacheprovider", folder=shop)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed" in done.stdout
    assert len((shop / "README.md").read_text(encoding="utf-8").splitlines()) <= 12


BUY = """
from shop import create_app
client = create_app().test_client()
for quantity in (2, 11):
    print(client.post("/orders", data={"item": "Tea", "quantity": quantity}).status_code)
"""


@pytest.mark.slow
@pytest.mark.parametrize("database", ["sqlite", "postgres"])
def test_the_example_with_a_real_worker(
    shop: Path, bench: Bench, request: pytest.FixtureRequest, database: str
) -> None:
    variables = {"LIQUID_BACKGROUND_DATA_DIR": str(bench.settings.data_dir)}
    if database == "postgres":
        postgres: Database = request.getfixturevalue("postgres")
        variables["DATABASE_URL"] = postgres.url
    bought = _run("-c", BUY, folder=shop, **variables)
    assert bought.stdout.split() == ["200", "409"], bought.stderr
    ran = _run("-m", "flask", "--app", "shop", "jobs", "worker", "--burst", folder=shop, **variables)
    assert ran.returncode == 0, ran.stderr
    (job,) = bench.queue.list()
    assert job.status == "completed", job.error
    see = "from shop import create_app; print(create_app().test_client().get('/').text)"
    page = _run("-c", see, folder=shop, **variables).stdout
    assert re.findall("<li>(.*?)</li>", page) == ["2 x Tea: Receipt 1: 2 x Tea, see https://shop.example/"]


# gunicorn.


SERVED = """
import os
from sqlalchemy import func, text
from liquid_background.flask import get_engine
from tests.flask.flask_app import create_app as create, db


def create_app():
    app = create()
    with app.app_context():
        get_engine().jobs.list()
        db.session.execute(text("SELECT 1"))  # both are connected before the fork

    @app.get("/")
    def who():
        backend = db.session.scalar(db.select(func.pg_backend_pid()))
        db.session.execute(text("SELECT pg_sleep(0.02)"))
        get_engine().enqueue("visit", {"name": "a"})
        return f"{os.getpid()} {backend}"

    return app
"""


@pytest.mark.slow
def test_workers_of_gunicorn_share_no_connection(
    folder: Path, bench: Bench, postgres: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", postgres.url)
    monkeypatch.setenv("LIQUID_BACKGROUND_DATA_DIR", str(bench.settings.data_dir))
    monkeypatch.setenv("PYTHONPATH", f"{folder}{os.pathsep}{ROOT}")
    (folder / "shop.py").write_text(SERVED)
    with serving(folder, bench.wait_until) as address:
        seen = visit(address, 60)
    assert len({pid for pid, _ in seen}) >= 2
    assert len({backend for _, backend in seen}) == len(seen)
    assert sum(count.queued for count in bench.queue.counts()) == 60
