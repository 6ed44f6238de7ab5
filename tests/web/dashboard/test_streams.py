"""Event streams of a mounted dashboard: how many a visitor may have open, and what a page does beyond them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from starlette.types import ASGIApp, Message

from liquid_background import Engine
from liquid_background.web.dashboard import dashboard
from liquid_background.web.live import OF_ONE


class Tab:
    """A page that asks for what changes, and stays open."""

    def __init__(self, app: ASGIApp, client: str = "10.0.0.1", **headers: str) -> None:
        self.status = 0
        self.headers: dict[bytes, bytes] = {}
        self.body = b""
        self._closed = asyncio.Event()
        self._answered = asyncio.Event()
        rows = [
            (b"host", b"testserver"),
            *((name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()),
        ]
        scope = {
            "type": "http",
            "asgi": {"spec_version": "2.1"},
            "method": "GET",
            "path": "/live/jobs",
            "headers": rows,
        }
        given: dict[str, Any] = {**scope, "root_path": "", "query_string": b"", "client": (client, 1), "scheme": "http"}
        self._running = asyncio.create_task(app(given, self._receive, self._send))

    async def _receive(self) -> Message:
        await self._closed.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], dict(message["headers"])
        self.body += message.get("body", b"")
        if self.body:
            self._answered.set()

    async def answered(self) -> int:
        """Return its status, once it has been told something."""
        await asyncio.wait_for(self._answered.wait(), 20)
        return self.status

    async def close(self) -> None:
        self._closed.set()
        await self._running


async def _statuses(*tabs: Tab) -> list[int]:
    return [await tab.answered() for tab in tabs]


@pytest.mark.parametrize(
    ("name", "mine", "others"),
    [
        ("name", {"x_user": "ada"}, {"x_user": "grace"}),
        ("", {"cookie": "session=1"}, {"cookie": "session=2"}),
        ("", {"client": "10.0.0.1"}, {"client": "10.0.0.2"}),
    ],
    ids=["name", "cookies", "address"],
)
def test_a_visitor_has_so_many_and_then_asks_now_and_then(
    engine: Engine, name: str, mine: dict[str, str], others: dict[str, str]
) -> None:
    def named(request: Any) -> str:
        return request.headers.get("x-user", "") if name else ""

    async def open_many() -> None:
        app = dashboard(engine, authorize=lambda request: "read", name=named)
        tabs = [Tab(app, **mine) for _ in range(OF_ONE)]
        assert await _statuses(*tabs) == [200] * OF_ONE
        beyond, other, asking = Tab(app, **mine), Tab(app, **others), Tab(app, **mine, x_asks="now and then")
        assert await _statuses(beyond, other, asking) == [429, 200, 200]
        assert beyond.headers[b"retry-after"] == b"10"
        assert b"asks now and then" in beyond.body
        assert asking.headers[b"content-type"].startswith(b"text/html")
        assert b"No jobs yet" in asking.body
        assert other.headers[b"content-type"].startswith(b"text/event-stream")
        await tabs.pop().close()
        again = Tab(app, **mine)
        assert await again.answered() == 200
        for tab in (*tabs, beyond, other, asking, again):
            await tab.close()

    asyncio.run(open_many())
