"""A shop whose dashboard is mounted below a prefix, with a real worker, and a real browser that looks at it."""

from __future__ import annotations

import os
import shutil
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from liquid_background import Engine
from liquid_background.jobs.store import embedded
from tests import warm

expect.set_options(timeout=20_000)
PREFIX = "/ops/jobs"
FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--in-process-gpu"),  # there is none: its process costs a quarter more
    "--renderer-process-limit=1",  # and one for each tab another quarter
)
APP = f"""
from starlette.applications import Starlette
from starlette.routing import Mount
from liquid_background import Engine
from liquid_background.errors import NotSignedIn
from liquid_background.screens import ACTIONS
from liquid_background.web.dashboard import dashboard

engine = Engine(templates="templates", data_dir="store")


def authorize(request):
    if request.cookies.get("role") == "stranger":
        raise NotSignedIn()
    return {{"reader": "read", "nobody": None}}.get(request.cookies.get("role"), ACTIONS)


app = Starlette(routes=[Mount("{PREFIX}", dashboard(engine, authorize=authorize, name=lambda request: "ada"))])
"""


def chromium() -> str | None:
    """Return the browser of this machine."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def until(page: Page, condition: str) -> None:
    """Wait until JavaScript is true. (Playwright's own way has the page evaluate a text, which its policy forbids.)"""
    deadline = time.monotonic() + 20
    while not page.evaluate(f"Boolean({condition})"):
        assert time.monotonic() < deadline, condition
        page.wait_for_timeout(30)


@dataclass
class Shop:
    """What runs, and where."""

    folder: Path
    engine: Engine
    port: int
    server: warm.Started | None = None

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"{self.origin}{PREFIX}"

    def start(self, *options: str) -> None:
        """Start the server, and wait for it."""
        arguments = ("uvicorn", "app:app", "--port", str(self.port), "--log-level", "error", *options)
        self.server = _start(self.folder, *arguments)
        deadline = time.monotonic() + 60
        while not _answers(self.port):
            assert time.monotonic() < deadline, "the server does not start"
            time.sleep(0.05)

    def stop(self) -> None:
        """Kill the server, as a crash does."""
        if self.server is not None:
            self.server.kill()
            self.server.wait()

    def start_worker(self) -> warm.Started:
        """Start a worker, which says nothing."""
        return _start(self.folder, "poscli", "worker", "--app", "app:engine", "--quiet")


def _start(folder: Path, module: str, *arguments: str) -> warm.Started:
    """Start a program, whose errors are the test's."""
    env = {**os.environ, "PYTHONPATH": str(folder)}
    with open(os.devnull) as nothing, open(os.devnull, "w") as unread:
        err = sys.__stderr__ or unread
        return warm.start(module, *arguments, cwd=folder, env=env, streams=(nothing, unread, err))


@pytest.fixture(scope="session", autouse=True)
def _warm() -> None:
    warm.ahead.update(("uvicorn", "uvicorn.protocols.http.auto", "liquid_background.web.dashboard"))


@pytest.fixture(scope="module")
def shop(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """The shop, without a worker; `start_worker` gives it one."""
    folder = tmp_path_factory.mktemp("shop")
    (folder / "templates" / "pages").mkdir(parents=True)
    (folder / "app.py").write_text(APP, "utf-8")
    shop = Shop(folder, Engine(templates=folder / "templates", data_dir=folder / "store"), free_port())
    try:
        shop.start()
        yield shop
    finally:
        shop.stop()
        embedded.stop(folder / "store")


def free_port() -> int:
    """Return a port that nobody listens on."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


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
    path = chromium()
    if path is None:
        pytest.skip("no Chromium is installed: on Debian, apt install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def angry() -> list[str]:
    """What the console says in anger, which fails the test: it clears what it has expected."""
    return []


@pytest.fixture(scope="module")
def window(browser: Browser) -> Iterator[BrowserContext]:
    """What the tabs of a file's tests share: a window of its own costs as much as a test. Nothing is kept in it."""
    context = browser.new_context()
    yield context
    context.close()


@pytest.fixture(scope="module")
def tab(window: BrowserContext) -> Page:
    return window.new_page()


@pytest.fixture
def page(tab: Page, window: BrowserContext, shop: Shop, angry: list[str]) -> Iterator[Page]:
    """The file's tab, as a new one is; whatever its policy of content refused fails the test, too."""
    heard: list[tuple[Any, Any]] = []
    listen: Any = tab.on

    def on(event: Any, handler: Any) -> None:
        heard.append((event, handler))
        listen(event, handler)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tab, "on", on)
        _heed(tab, angry)
        yield tab
    for event, handler in heard:
        tab.remove_listener(event, handler)
    tab.unroute_all()
    if tab.url.startswith("http"):
        tab.evaluate("sessionStorage.clear(), localStorage.clear()")
    tab.goto("about:blank")
    tab.emulate_media(media="null", color_scheme="null", reduced_motion="null")
    tab.set_viewport_size({"width": 1280, "height": 720})
    window.clear_cookies()
    window.clear_permissions()
    assert not angry


@pytest.fixture
def page_alone(browser: Browser, shop: Shop, angry: list[str]) -> Iterator[Page]:
    """A tab in a window of its own, for tests that set its clock or add a script to all its pages."""
    with closing(browser.new_context()) as context:
        page = context.new_page()
        _heed(page, angry)
        yield page
    assert not angry


def _heed(page: Page, angry: list[str]) -> None:
    page.set_default_timeout(15_000)
    page.on("console", lambda message: angry.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: angry.append(str(error)))
