"""`poscli gui` in a real browser: its link, its cookie, and a button under its policies."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from liquid_background import Engine
from liquid_background.settings import Settings


@pytest.fixture
def link(settings: Settings, tmp_path: Path) -> Iterator[str]:
    env = {**os.environ, "LIQUID_BACKGROUND_DATA_DIR": str(settings.data_dir)}
    command = [sys.executable, "-P", "-m", "poscli", "gui", "--no-browser"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=tmp_path, env=env) as gui:
        assert gui.stdout is not None
        yield gui.stdout.readline().removeprefix("Dashboard: ").strip()
        gui.terminate()


@pytest.mark.parametrize("javascript", [True, False])
def test_the_link_opens_it_and_its_buttons_work(
    browser: Browser, link: str, settings: Settings, javascript: bool
) -> None:
    context = browser.new_context(java_script_enabled=javascript)
    page = context.new_page()
    page.goto(link)
    origin = link.partition("/?")[0]
    assert page.url == f"{origin}/"
    (cookie,) = context.cookies()
    assert (cookie["httpOnly"], cookie["sameSite"], cookie["path"]) == (True, "Strict", "/")
    page.goto(f"{origin}/queues")
    page.get_by_role("textbox", name="Name").fill("sync_*")
    page.get_by_role("button", name="Pause", exact=True).first.click()
    page.get_by_role("status").first.wait_for()
    engine = Engine(settings=settings)
    assert [pause.name for pause in engine.queues.paused()] == ["sync_*"]
    engine.store.close()
    context.close()
    other = browser.new_context()
    answer = other.new_page().goto(link)
    assert answer is not None
    assert answer.status == 401
    other.close()
