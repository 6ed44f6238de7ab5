"""The examples of the pages on jobs in Python run as they stand there."""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from liquid_background import Engine
from tests import warm
from tests.rapidai.conftest import Load

DOCS = Path(__file__).parents[2] / "docs"
EXAMPLE = re.compile(r"<!-- example(?:: (\S+))? -->\n```python\n(.*?)```", re.DOTALL)


def _examples(page: str) -> list[tuple[str, str]]:
    text = (DOCS / page).read_text(encoding="utf-8")
    found = EXAMPLE.findall(text)
    assert len(found) == text.count("```python\n")
    return found


def _call(app: Any, method: str, path: str) -> tuple[int, Any]:
    """Send one request to an ASGI application; return the status and the JSON."""
    parts = urlsplit(path)
    scope = {
        "type": "http",
        "method": method,
        "path": parts.path,
        "query_string": parts.query.encode(),
        "headers": [],
        "http_version": "1.1",
        "scheme": "http",
    }
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b""}

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(app(scope, receive, send))
    return sent[0]["status"], json.loads(b"".join(message.get("body", b"") for message in sent[1:]))


def test_the_rapidai_example(
    load: Load, url: str, start_worker: Callable[[str], Any], wait_until: Callable[..., Any]
) -> None:
    [(name, text)] = _examples("rapidai.md")
    app = load(name.removesuffix(".py"), text.replace("redis://localhost:6379", url)).app
    status, started = _call(app, "POST", "/process?data_id=d1")
    assert (status, started["status"]) == (200, "queued")
    _, waiting = _call(app, "POST", "/process?data_id=d2")
    assert _call(app, "GET", "/jobs?status=pending")[1]["jobs"] == [
        {"job_id": waiting["job_id"], "status": "pending"},
        {"job_id": started["job_id"], "status": "pending"},
    ]
    assert _call(app, "DELETE", f"/jobs/{waiting['job_id']}") == (200, {"status": "cancelled"})
    assert _call(app, "DELETE", f"/jobs/{waiting['job_id']}") == (400, {"error": "Cannot cancel job"})
    assert _call(app, "GET", "/jobs/unknown") == (404, {"error": "Job not found"})
    start_worker("app:queue")
    wait_until(lambda: _call(app, "GET", started["check_url"])[1]["status"] == "completed", timeout=30)
    _, done = _call(app, "GET", started["check_url"])
    assert done["result"] == {"data_id": "d1", "result": "D1"}
    assert done["attempts"] == 1
    assert done["duration"] > 0.05


def test_the_gadget_snippets(
    load: Load,
    url: str,
    monkeypatch: pytest.MonkeyPatch,
    start_worker: Callable[[str], Any],
    wait_until: Callable[..., Any],
) -> None:
    monkeypatch.setenv("LIQUID_BACKGROUND_REDIS_URL", url)
    (name, text), *snippets = _examples("gadget.md")
    shop = load(name.removesuffix(".py"), text)
    for _, snippet in snippets:
        exec(compile(snippet, "gadget.md", "exec"), vars(shop))
    engine: Engine = shop.engine
    assert [schedule.cron for schedule in engine.schedules()] == ["0 9 * * mon-fri"]
    engine.render_string(
        "{% background source_name: 'crm' %}{% action synced = 'product.sync', id: product.id %}"
        "{% log synced.shop_id %}{% endbackground %}",
        {"product": {"id": 7}},
    )
    start_worker("shop:engine")
    assert shop.handle.result(timeout=30) == {"shop_id": 700, "title": "Tea"}
    assert [handle.result(timeout=30) for handle in shop.handles] == ["published 1", "published 2"]
    wait_until(lambda: sum(count.completed for count in engine.jobs.counts()) == 12, timeout=30)
    assert [entry.message for entry in engine.log.entries(source_name="crm")] == ["700", ""]


def test_the_testing_example(tmp_path: Path) -> None:
    for name, text in _examples("testing.md"):
        (tmp_path / name).write_text(text, encoding="utf-8")
    environment = {**os.environ, "LIQUID_BACKGROUND_REDIS_URL": "redis://127.0.0.1:1", "PYTHONPATH": str(tmp_path)}
    done = warm.run("pytest", "-q", "-p", "no:cacheprovider", cwd=tmp_path, env=environment)
    assert "4 passed" in done.stdout, done.stdout
