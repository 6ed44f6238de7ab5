"""The examples of docs/hooks.md and docs/bring-your-environment.md run as they stand there."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import flask
import pytest

from liquid_background import Engine
from liquid_background.job import Job
from liquid_background.testing import fake_jobs
from tests.worker.conftest import Bench

DOCS = Path(__file__).parents[2] / "docs"
EXAMPLE = re.compile(r"(?:<!-- example: (\S+) -->\n)?```python\n(.*?)```", re.DOTALL)


def _blocks(page: str) -> list[tuple[str, str]]:
    return EXAMPLE.findall((DOCS / page).read_text(encoding="utf-8"))


@pytest.mark.parametrize("page", ["hooks.md", "bring-your-environment.md"])
def test_every_snippet_is_python(page: str) -> None:
    for _, text in _blocks(page):
        compile(text, page, "exec")


@pytest.fixture
def folder(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that workers import from."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("LIQUID_BACKGROUND_DATA_DIR", str(bench.settings.data_dir))
    return tmp_path


def test_the_example_of_hooks(bench: Bench, folder: Path) -> None:
    ((_, text),) = [block for block in _blocks("hooks.md") if block[0] == "shop.py"]
    (folder / "shop.py").write_text(text.replace("shop.db", str(folder / "shop.db")))
    mails = [
        Job(
            source_name="send_mail",
            template="shop:send_mail",
            line=1,
            function="shop:send_mail",
            parameters={"args": [], "kwargs": {"to": to}},
        )
        for to in ("Ada", "")
    ]
    bench.queue.send(mails)
    told = bench.burst(app="shop:engine")
    assert bench.queue.get(mails[0].id).result == "sent to Ada"
    assert bench.queue.get(mails[1].id).status == "failed"
    with closing(sqlite3.connect(folder / "shop.db")) as database:
        assert database.execute("SELECT * FROM sent").fetchall() == [(mails[0].id, 1)]  # the other was rolled back
    assert "the shop's worker starts" in told
    assert "send_mail has failed for good: ValueError: nobody to send it to" in told
    assert 'raise ValueError("nobody to send it to")' in told
    assert "costs no job" not in told


RENDER = """
import json, liquid
from shop import engine
from shop_liquid import configured
ours = engine.render("order", {"total": 1250, "note": "<b>"})
theirs = configured(liquid.Environment).from_string("{% stamp %} {{ 5 | money }} {{ shop }}").render()
print(json.dumps([ours, theirs]))
"""


def test_the_example_of_an_environment(bench: Bench, folder: Path) -> None:
    for name, text in _blocks("bring-your-environment.md"):
        (folder / name).write_text(text)
    command = [sys.executable, "-c", RENDER]
    done = subprocess.run(command, cwd=folder, env={**os.environ}, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == ["#shop Tea &amp; Co: 12.50 EUR", "#shop 0.05 EUR Tea &amp; Co"]
    bench.burst(app="shop:engine")
    (record,) = bench.queue.list()
    assert record.error is None
    assert record.result == "#shop &lt;b&gt; Tea &amp; Co: 12.50 EUR"


def test_the_recipe_for_flask(monkeypatch: pytest.MonkeyPatch) -> None:
    ((_, text),) = [block for block in _blocks("hooks.md") if "app.app_context()" in block[1]]
    app, engine = flask.Flask("shop"), Engine()
    names: dict[str, Any] = {"app": app, "engine": engine}
    exec(compile(text, "hooks.md", "exec"), names)
    engine.environment.add_filter("site", lambda _: flask.current_app.name)
    with fake_jobs(engine) as jobs:
        engine.render_string("{% background source_name: 'a' %}{{ '' | site }}{% endbackground %}")
        assert [record.result for record in jobs.run_all()] == ["shop"]
