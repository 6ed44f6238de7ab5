"""The examples of docs/dashboard.md do what the page says."""

from __future__ import annotations

import base64
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from starlette.testclient import TestClient

from liquid_background import Engine
from liquid_background.screens.access import Action
from liquid_background.screens.routing import ROUTES

PAGE = (Path(__file__).parents[3] / "docs" / "dashboard.md").read_text(encoding="utf-8")
SNIPPETS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


def example(mark: str) -> str:
    (found,) = (text for text in SNIPPETS if mark in text)
    return found


@pytest.mark.parametrize("snippet", SNIPPETS)
def test_every_snippet_is_python(snippet: str) -> None:
    compile(snippet, "dashboard.md", "exec")


@pytest.fixture
def shop(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("shop")
    vars(module)["engine"] = engine
    monkeypatch.setitem(sys.modules, "shop", module)


@pytest.mark.usefixtures("shop")
def test_fastapis() -> None:
    names: dict[str, Any] = {}
    exec(example("FastAPI()"), names)
    with TestClient(names["app"], follow_redirects=False) as client:
        assert client.get("/jobs/").headers["location"] == "/login"
    assert names["authorize"](_Signed("ada@shop.example")) == names["ACTIONS"]
    assert names["authorize"](_Signed("eve@shop.example")) is None


class _Signed:
    def __init__(self, user: str) -> None:
        self.session = {"user": user}


def test_the_one_with_a_password(mounted: Any) -> None:
    names: dict[str, Any] = {}
    exec(example("Basic"), names)
    client = mounted(authorize=names["authorize"])
    assert client.get("/ops/").headers["www-authenticate"] == 'Basic realm="jobs"'
    right = base64.b64encode(b"ops:change me").decode()
    for sent, status in ((f"Basic {right}", 200), ("Basic eA==", 401), ("", 401), ("Basic ö", 401)):
        assert client.get("/ops/", headers={"authorization": sent.encode()}).status_code == status


def test_flasks(monkeypatch: pytest.MonkeyPatch, settings: Any, tmp_path: Path) -> None:
    monkeypatch.setenv("LIQUID_BACKGROUND_DATA_DIR", str(settings.data_dir))
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"__name__": "documented"}
    exec(example("Flask(__name__)"), names)
    assert names["app"].test_client().get("/jobs/").headers["location"] == "/login"


def test_every_action_screen_and_key_is_told() -> None:
    for action in Action:
        assert f"`{action}`" in PAGE or f'"{action}"' in PAGE
    first = {pattern[0] for pattern in ROUTES if pattern}
    assert first == {"jobs", "failures", "names", "queues", "schedules", "workers", "logs", "operations"}
    rows = PAGE.partition("## Screens")[2].partition("| key |")[0]
    assert len(re.findall("^\\| [A-Z]", rows, re.M)) == 2 + len(first)  # with the overview and one job
