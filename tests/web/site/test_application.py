"""The pages mounted in another application: one ASGI application, in its process."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.types import ASGIApp, Message, Scope

from liquid_background import Engine
from liquid_background.settings import Settings
from liquid_background.web import application
from liquid_background.web.site.messages import PageRequest
from liquid_background.web.site.page import answer_page


def _ask(app: ASGIApp, **scope: Any) -> tuple[int, str]:
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": scope.pop("body", b""), "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    given: Scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": [], "root_path": ""}
    asyncio.run(_run(app, {**given, **scope}, receive, send))
    return sent[0].get("status", 0), b"".join(message.get("body", b"") for message in sent).decode()


async def _run(app: ASGIApp, scope: Scope, *channels: Any) -> None:
    await app(scope, *channels)


@pytest.fixture
def make_app(tmp_path: Path, settings: Settings) -> Callable[..., ASGIApp]:
    def make(**pages: str) -> ASGIApp:
        for name, text in pages.items():
            path = tmp_path / f"pages/{name}.liquid"
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        engine = Engine(templates=tmp_path, data_dir=settings.data_dir)
        engine.environment.add_filter("leave", lambda value: sys.exit(3))
        return application(engine)

    return make


def test_a_site_answers_below_its_mount_with_the_sessions_of_its_host(make_app: Callable[..., ASGIApp]) -> None:
    app = make_app(index="front", cart="---\nslug: my/cart\n---\n{{ session.name }}")
    host = Starlette(routes=[Mount("/shop", app=app)])
    assert _ask(host, path="/shop/") == (200, "front")
    assert _ask(host, path="/shop/my/cart", session={"name": "Ada"}) == (200, "Ada")
    assert _ask(host, path="/shop/cart")[0] == 404
    assert _ask(host, path="/cart")[0] == 404


def test_neither_a_request_nor_a_page_raises_into_the_host(
    make_app: Callable[..., ASGIApp], caplog: pytest.LogCaptureFixture
) -> None:
    app = make_app(index="{{ params | json }}", leave="{{ 1 | leave }}")
    json = [(b"content-type", b"application/json")]
    with caplog.at_level(logging.INFO, "liquid_background.web"):
        assert _ask(app, method="POST", headers=json, body=b'{"a": "\\ud800"}')[0] == 400
        assert _ask(app, method="POST", headers=json, body=b"[" * 100_000)[0] == 400
        assert _ask(app, path="/leave") == (500, "This page has an error.\n")
    access = [record.getMessage() for record in caplog.records if record.levelno == logging.INFO]
    assert [line.partition(" (")[0] for line in access] == ["POST / 400", "POST / 400", "GET /leave 500"]


def test_a_line_about_a_page_s_error_does_not_begin_with_the_page_s_words(
    make_app: Callable[..., ASGIApp], caplog: pytest.LogCaptureFixture
) -> None:
    words = "GET /admin 200 (3ms)"
    unit, concat = (f"{{{{ 'x' | {name}: '{words}' }}}}" for name in ("unit", "concat"))
    app = make_app(unit=unit, concat=concat, leave="{{ 1 | leave }}")
    for page in ("unit", "concat", "leave"):
        with caplog.at_level(logging.ERROR, "liquid_background.web"):
            assert _ask(app, path=f"/{page}")[0] == 500
        assert caplog.records[-1].getMessage().startswith(f"error in pages/{page}: ")


def test_what_is_no_request_is_declined(make_app: Callable[..., ASGIApp]) -> None:
    sent: list[Message] = []
    coming = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]

    async def receive() -> Message:
        return coming.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    app = make_app(index="x")
    asyncio.run(_run(app, {"type": "lifespan"}, receive, send))
    asyncio.run(_run(app, {"type": "websocket"}, receive, send))
    assert [message["type"] for message in sent] == [
        "lifespan.startup.complete",
        "lifespan.shutdown.complete",
        "websocket.close",
    ]


def test_a_page_that_goes_once_it_is_found_is_answered_all_the_same(tmp_path: Path) -> None:
    page = tmp_path / "pages/p.liquid"
    page.parent.mkdir()
    page.write_text("there")
    engine = Engine(str(tmp_path))
    asked = PageRequest("GET", "p", page="p")
    assert asyncio.run(answer_page(engine, asked, rendering=page.unlink)).body == b"there"
    assert asyncio.run(answer_page(engine, asked)).status == 404


@pytest.mark.parametrize("shows", [True, False])
def test_where_there_is_no_page_a_developer_is_told_which_there_are(tmp_path: Path, shows: bool) -> None:
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages/hello.liquid").write_text("x")
    engine = Engine(templates=tmp_path, redis_url="redis://127.0.0.1:1")
    asked = PageRequest("GET", "helo", "", (), b"", {})
    answer = asyncio.run(answer_page(engine, asked, show_errors=shows))
    assert (answer.status, b"\n  hello\n" in answer.body) == (404, shows)
