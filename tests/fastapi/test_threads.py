"""Threads of one engine: those that wait for its store hold up neither each other nor another engine's."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from starlette.requests import Request

from liquid_background import Engine, StoreUnavailable, background
from liquid_background.fastapi import JobTasks, LiquidTemplates
from liquid_background.settings import Settings

MANY = 200  # requests: many times the threads of an engine
TIMEOUT = 0.5
SOON = 2 * TIMEOUT + 1.5  # with what a busy machine takes


@background
def nothing() -> None:
    pass


@pytest.fixture(params=[TIMEOUT])
def silent(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """An engine whose store accepts and says nothing, with the pages `page` and `plain`."""
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "page.liquid").write_text("{% background source_name: 'x' %}{% endbackground %}")
    (tmp_path / "pages" / "plain.liquid").write_text("plain")
    with closing(socket.create_server(("127.0.0.1", 0), backlog=1024)) as hole:
        url = f"redis://127.0.0.1:{hole.getsockname()[1]}/0"
        yield Engine(templates=tmp_path, redis_url=url, store_timeout=request.param)


def _request() -> Request:
    return Request({"type": "http", "method": "GET", "path": "/", "headers": [], "query_string": b""})


async def _page(engine: Engine, name: str = "page", *, on_loop: bool = False) -> bytes:
    return bytes((await LiquidTemplates(engine, on_loop=on_loop).TemplateResponse(_request(), name)).body)


async def _tasks(engine: Engine) -> None:
    tasks = JobTasks(engine)
    tasks.add_task(nothing)
    await tasks.send()


@pytest.mark.parametrize("work", [_page, lambda engine: _page(engine, on_loop=True), _tasks])
def test_all_who_wait_are_told_soon(silent: Engine, work: object) -> None:
    async def all_of_them() -> list[object]:
        return list(await asyncio.gather(*(work(silent) for _ in range(MANY)), return_exceptions=True))  # type: ignore[operator]

    for _ in range(2):
        began = time.monotonic()
        ended = asyncio.run(all_of_them())
        assert time.monotonic() - began < SOON
        assert all(isinstance(each, StoreUnavailable) and not each.maybe_done for each in ended), ended


@pytest.mark.parametrize("silent", [2.0], indirect=True)
def test_other_engines_and_pages_without_jobs_go_on(silent: Engine, settings: Settings, tmp_path: Path) -> None:
    well = Engine(settings=settings.model_copy(update={"templates": tmp_path}))

    async def together() -> float:
        waiting = [asyncio.create_task(work(silent)) for work in (_page, _tasks) for _ in range(MANY)]
        await asyncio.sleep(0.1)
        began = time.monotonic()
        assert await _page(well) == b""
        await _tasks(well)
        took = time.monotonic() - began
        assert await _page(silent, "plain") == b"plain"
        assert time.monotonic() - began < 5
        await asyncio.gather(*waiting, return_exceptions=True)
        return took

    assert asyncio.run(together()) < 1.5
    assert len(well.jobs.list()) == 2
    well.store.close()
