"""A dashboard mounted in an ASGI application, on a real store."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient

from liquid_background import Engine
from liquid_background.screens import ACTIONS
from liquid_background.settings import Settings
from liquid_background.web.dashboard import dashboard

ORIGIN = "http://testserver"


@pytest.fixture
def engine(settings: Settings) -> Iterator[Engine]:
    made = Engine(settings=settings)
    yield made
    made.store.close()


@pytest.fixture
def mounted(engine: Engine) -> Callable[..., TestClient]:
    """`mounted(authorize=…)` returns a client of an application that has the dashboard at /ops."""

    def mount(at: str = "/ops", *, root_path: str = "", middleware: Any = None, **arguments: Any) -> TestClient:
        given = {"authorize": lambda request: ACTIONS, **arguments}
        app = Starlette(routes=[Mount(at, dashboard(engine, **given))], middleware=middleware or [])
        return TestClient(app, root_path=root_path, follow_redirects=False)

    return mount
