"""Where a dashboard may be: behind a proxy that takes a prefix off, in Flask, on one's own machine by a link."""

from __future__ import annotations

import http.client
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import BaseServer
from threading import Thread
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, expect
from werkzeug.serving import WSGIRequestHandler, make_server

from liquid_background.flask import dashboard_blueprint
from liquid_background.job import Job
from liquid_background.screens import ACTIONS
from tests.browser.conftest import PREFIX, Shop, free_port, until

OUTSIDE = "/intern"


def _proxy(port: int) -> ThreadingHTTPServer:
    """Return a proxy that takes a prefix off, as they do, and passes each piece of an answer on as it comes."""

    class Passed(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            behind = http.client.HTTPConnection("127.0.0.1", port)
            behind.request(self.command, self.path.removeprefix(OUTSIDE), body, dict(self.headers))
            answer = behind.getresponse()
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in ("transfer-encoding", "connection", "date", "server"):
                    self.send_header(name, value)
            self.end_headers()
            with suppress(ConnectionError, http.client.HTTPException):  # one side has gone
                while piece := answer.read1():
                    self.wfile.write(piece)
            behind.close()
            self.close_connection = True

        def do_POST(self) -> None:
            self.do_GET()

        def log_message(self, *args: Any) -> None:
            pass

    proxy = ThreadingHTTPServer(("127.0.0.1", 0), Passed)
    proxy.daemon_threads = True
    return proxy


class _Silent(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:
        pass


@contextmanager
def _serving(server: Any) -> Iterator[BaseServer]:
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_behind_a_proxy_that_takes_a_prefix_off(shop: Shop, browser: Browser) -> None:
    shop.stop()
    shop.start("--root-path", OUTSIDE)
    with _serving(_proxy(shop.port)) as proxy:
        url = f"http://127.0.0.1:{proxy.server_address[1]}{OUTSIDE}{PREFIX}"
        page = browser.new_page()
        wrong: list[str] = []
        page.on("response", lambda answer: wrong.append(answer.url) if answer.status >= 400 else None)
        [job] = [Job(source_name="proxied", template="pages/x", line=1, source="x", delay=60)]
        shop.engine.jobs.send([job])
        page.goto(url)
        page.click("header nav >> text=Jobs")
        page.click("main >> text=proxied")
        expect(page.locator("h1")).to_have_text("proxied")
        page.click(".acts button:has-text('Cancel')")
        expect(page.locator(".told")).to_contain_text("cancelled")
        page.goto(f"{url}/jobs?source_name=proxied")
        until(page, "document.querySelector('#stream')._htmx?.sse?.reader")
        shop.engine.jobs.send([Job(source_name="proxied", template="pages/x", line=1, source="x")])
        expect(page.locator("main tbody tr")).to_have_count(2)
        page.close()
        assert wrong == []
    shop.stop()
    shop.start()


@pytest.fixture
def in_flask(shop: Shop) -> Iterator[str]:
    app = Flask("shop")
    app.register_blueprint(dashboard_blueprint(shop.engine, authorize=lambda request: ACTIONS), url_prefix=PREFIX)
    with _serving(make_server("127.0.0.1", free_port(), app, threaded=True, request_handler=_Silent)) as server:
        yield f"http://127.0.0.1:{server.server_address[1]}{PREFIX}"


def test_a_page_of_flask_asks_again_and_gets_each_line_once(in_flask: str, shop: Shop, page_alone: Page) -> None:
    page = page_alone

    def write(*lines: str) -> None:
        for line in lines:
            shop.engine.render_string("{% log text, type: 'flask' %}", {"text": line})

    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/live/" in request.url else None)
    page.clock.install()
    page.goto(f"{in_flask}/logs?type=flask")
    texts = page.locator("#entries .text")
    write("one", "two")
    for lines, expected in ((), ["two", "one"]), (("three",), ["three", "two", "one"]), ((), ["three", "two", "one"]):
        write(*lines)
        with page.expect_response("**/live/**"):
            page.clock.fast_forward(3_100)
        expect(texts).to_have_text(expected)
    page.evaluate("Object.defineProperty(document, 'hidden', {value: true, configurable: true})")
    before = len(asked)
    page.clock.fast_forward(60_000)
    page.clock.fast_forward(60_000)
    assert len(asked) == before
    [job] = [Job(source_name="flask", template="pages/x", line=1, source="x", delay=60)]
    page.goto(f"{in_flask}/jobs?source_name=flask")
    shop.engine.jobs.send([job])
    with page.expect_response("**/live/**"):
        page.clock.fast_forward(3_100)
    expect(page.locator("main tbody tr")).to_have_count(1)
    page.click("main tbody a >> nth=0")
    page.click(".acts button:has-text('Cancel')")
    expect(page.locator(".told")).to_contain_text("cancelled")


@pytest.mark.slow
def test_a_link_of_poscli_gui_opens_one_browser_once(shop: Shop, browser: Browser) -> None:
    command = [sys.executable, "-m", "poscli", "gui", "--no-browser"]
    env = {**os.environ, "LIQUID_BACKGROUND_DATA_DIR": str(shop.folder / "store")}
    with subprocess.Popen(command, cwd=shop.folder, env=env, stdout=subprocess.PIPE, text=True) as gui:
        assert gui.stdout is not None
        link = gui.stdout.readline().removeprefix("Dashboard: ").strip()
        try:
            mine, other = browser.new_page(), browser.new_page()
            mine.goto(link)
            expect(mine.locator("h1")).to_have_text("Overview")
            assert re.fullmatch(r"http://jobs-[0-9a-f]+\.localhost:\d+/", mine.url)  # no token is left in it
            mine.click("header nav >> text=Queues")
            mine.click("tr:has-text('low') button:has-text('Pause')")
            expect(mine.locator("main")).to_contain_text("paused")
            assert shop.engine.queues.resume(queue="low")
            refused = other.goto(link)
            assert refused is not None
            assert refused.status == 401
            assert "works once" in other.content()
            mine.goto(link)  # the browser that has it may open it again
            expect(mine.locator("h1")).to_have_text("Overview")
            for page in (mine, other):
                page.context.close()
        finally:
            gui.terminate()
