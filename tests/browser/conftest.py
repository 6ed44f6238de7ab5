"""A shop whose dashboard is mounted below a prefix, with a real worker, and a real browser that looks at it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from liquid_background import Engine

PREFIX = "/ops/jobs"
APP = f"""
from starlette.applications import Starlette
from starlette.routing import Mount
from liquid_background import Engine
from liquid_background.screens import ACTIONS
from liquid_background.web.dashboard import dashboard

engine = Engine(templates="templates", data_dir="store")


def authorize(request):
    return {{"reader": "read", "nobody": None}}.get(request.cookies.get("role"), ACTIONS)


app = Starlette(routes=[Mount("{PREFIX}", dashboard(engine, authorize=authorize, name=lambda request: "ada"))])
"""


def _chromium() -> str | None:
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@dataclass
class Shop:
    """What runs, and where."""

    folder: Path
    engine: Engine
    origin: str

    @property
    def url(self) -> str:
        return f"{self.origin}{PREFIX}"

    def start_worker(self) -> subprocess.Popen[bytes]:
        """Start a worker of two children."""
        return _start(self.folder, "poscli", "worker", "--app", "app:engine")


def _start(folder: Path, module: str, *arguments: str) -> subprocess.Popen[bytes]:
    env = {**os.environ, "PYTHONPATH": str(folder)}
    return subprocess.Popen([sys.executable, "-m", module, *arguments], cwd=folder, env=env)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, wait_until: Callable[..., Any]) -> Iterator[Shop]:
    """The shop, without a worker; `start_worker` gives it one."""
    folder = tmp_path_factory.mktemp("shop")
    (folder / "templates" / "pages").mkdir(parents=True)
    (folder / "app.py").write_text(APP, "utf-8")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    engine = Engine(templates=folder / "templates", data_dir=folder / "store")
    server = _start(folder, "uvicorn", "app:app", "--port", str(port), "--log-level", "warning")
    try:
        wait_until(lambda: _answers(port))
        yield Shop(folder, engine, f"http://127.0.0.1:{port}")
    finally:
        server.kill()
        server.wait()


def _answers(port: int) -> bool:
    with closing(socket.socket()) as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="module")
def worker(shop: Shop) -> Iterator[None]:
    started = shop.start_worker()
    yield
    started.terminate()
    started.wait(30)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = _chromium()
    if path is None:
        pytest.skip("no Chromium is installed: on Debian, apt install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser, shop: Shop) -> Iterator[Page]:
    """A tab; what its console says in anger fails the test, as does whatever its policy of content refused."""
    context = browser.new_context(base_url=shop.url)
    page = context.new_page()
    page.set_default_timeout(15_000)
    angry: list[str] = []
    page.on("console", lambda message: angry.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: angry.append(str(error)))
    yield page
    context.close()
    assert not angry
