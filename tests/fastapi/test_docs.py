"""docs/fastapi.md and the page on the example: what stands there runs as it stands there."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from tests import warm
from tests.fastapi.servers import QUIETLY, ROOT

DOCS = ROOT / "docs/fastapi.md"
EXAMPLE = re.compile(r"(?:<!-- example: (\S+) -->\n)?```python\n(.*?)```", re.DOTALL)

MORE = """
from fastapi.testclient import TestClient

import main


def test_no_page_is_there_without_its_endpoint_and_no_job_that_is_not(background_jobs):
    background_jobs(main.engine)
    with TestClient(main.app) as client:
        assert client.get("/order").status_code == 404
        assert client.get("/jobs/none").status_code == 404
"""


@pytest.mark.slow
def test_the_examples_run(tmp_path: Path) -> None:
    for name, text in EXAMPLE.findall(DOCS.read_text(encoding="utf-8")):
        compile(text, name or "fastapi.md", "exec")
        if name:
            (tmp_path / name).write_text(text)
    pages = tmp_path / "templates/pages"
    pages.mkdir(parents=True)
    (pages / "order.liquid").write_text("{{ order.total }}")
    (tmp_path / "test_more.py").write_text(MORE)
    (tmp_path / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    environment["PYTHONPATH"] = str(tmp_path)
    done = warm.run("pytest", *QUIETLY, cwd=tmp_path, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed" in done.stdout


def test_the_readme_of_the_example_is_short() -> None:
    text = (ROOT / "examples/fastapi_shop/README.md").read_text(encoding="utf-8")
    assert len([line for line in text.splitlines() if line and not line.startswith("```")]) <= 10
