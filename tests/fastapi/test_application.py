"""The engine of an application: there for its life, whatever lifespan the application has beside it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route

from liquid_background import Engine, SettingsError, StoreUnavailable
from liquid_background.fastapi import get_engine, lifespan
from liquid_background.settings import Settings
from liquid_background.web import application
from tests.fastapi import shop


def test_the_engine_is_there_beside_the_applications_own_lifespan(client: TestClient, stored: Engine) -> None:
    assert client.get("/color").json() == "blue"
    assert shop.app.state.liquid_background is shop.engine
    handle = client.get("/enqueue", params={"file": "x"}).json()
    assert stored.jobs.get(handle).source_name == "note"
    client.__exit__()
    assert shop.app.state.log == ["up", "down"]


def test_it_stands_inside_of_a_lifespan_of_the_applications_own(settings: Settings) -> None:
    engine, events = Engine(settings=settings), []

    @asynccontextmanager
    async def own(app: Starlette) -> AsyncIterator[None]:
        async with lifespan(engine)(app):
            events.append(get_engine(Request({"type": "http", "app": app})) is engine)
            yield
        events.append(_connections(engine))

    with TestClient(Starlette(lifespan=own)):
        assert _connections(engine) == 1  # it has asked the store at the start
    assert events == [True, 0]


def _connections(engine: Engine) -> int:
    pool = engine.store.client.connection_pool
    return len([each for each in pool._available_connections if isinstance(each._sock, socket.socket)])


def test_an_application_whose_store_is_away_does_not_start() -> None:
    app = FastAPI(lifespan=lifespan(Engine(redis_url="redis://127.0.0.1:1")))
    with pytest.raises(StoreUnavailable, match=r"127\.0\.0\.1:1"), TestClient(app):
        pass


def test_an_application_without_an_engine_says_so() -> None:
    with pytest.raises(SettingsError, match=r"no engine .*lifespan=lifespan\(engine\)"):
        TestClient(shop.app_without_engine).get("/")


def test_a_site_is_mounted_beside_path_functions(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages/index.liquid").write_text("front {{ session.name }}")
    engine = Engine(templates=tmp_path, data_dir=settings.data_dir)
    app = FastAPI(lifespan=lifespan(engine))
    app.get("/api")(lambda: "api")
    app.mount("/", application(engine))
    with TestClient(app) as client:
        assert client.get("/api").json() == "api"
        assert client.get("/").text == "front "
        assert client.get("/none").status_code == 404


WITHOUT_FASTAPI = """
import sys
sys.modules["fastapi"] = None
from liquid_background.fastapi import JobTasks, LiquidResponse, LiquidTemplates, get_engine, lifespan
from liquid_background import fastapi
try:
    fastapi.EngineDep
except ImportError:
    print("starlette is enough")
"""


def test_starlette_is_enough_without_fastapi() -> None:
    done = subprocess.run([sys.executable, "-c", WITHOUT_FASTAPI], capture_output=True, text=True, check=True)
    assert done.stdout == "starlette is enough\n"


def test_the_library_loads_neither(tmp_path: Path) -> None:
    code = "import sys, liquid_background.engine, liquid_background_worker as worker"
    code += "; print({'fastapi', 'starlette'} & set(sys.modules))"
    environment = {**os.environ, "LIQUID_BACKGROUND_DATA_DIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout == "set()\n"


def test_a_mounted_page_makes_links_by_a_filter_that_asks_the_application(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages/link.liquid").write_text("{{ 'order' | url_for: id: 7 }}")
    site = Engine(settings=settings.model_copy(update={"templates": tmp_path}))
    app = FastAPI()

    @app.get("/orders/{id}", name="order")
    def order(id: int) -> int:
        return id

    site.environment.add_filter("url_for", lambda name, **path: str(app.url_path_for(name, **path)))
    app.mount("/", application(site))
    with TestClient(app) as client:
        assert client.get("/link").text == "/orders/7"
        assert client.get("/orders/7").text == "7"


def test_a_mounted_application_is_given_the_engine(settings: Settings) -> None:
    engine = Engine(settings=settings)
    inner = Starlette(routes=[Route("/", lambda request: PlainTextResponse(str(get_engine(request) is engine)))])
    inner.state.liquid_background = engine
    with TestClient(Starlette(routes=[Mount("/inner", inner)], lifespan=lifespan(engine))) as client:
        assert client.get("/inner/").text == "True"
