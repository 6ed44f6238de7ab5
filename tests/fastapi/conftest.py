"""The engine of the application in `shop`, with the test's own store."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from liquid_background import Engine
from liquid_background.fastapi import get_engine
from liquid_background.jobs.contract import JobStore
from liquid_background.settings import Settings
from tests import warm
from tests.fastapi import shop


@pytest.fixture(scope="session", autouse=True)
def _warm() -> None:
    warm.ahead.update(("fastapi", "liquid_background.fastapi", "sqlalchemy.ext.asyncio", "uvicorn.main"))


@pytest.fixture
def stored(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """An engine on the session's store, whose jobs and log the shop's own engine uses."""
    engine = Engine(settings=settings)
    monkeypatch.setattr(shop.engine, "job_store", JobStore(engine.jobs, engine.log))
    yield engine
    engine.store.close()


@pytest.fixture
def client(stored: Engine) -> Iterator[TestClient]:
    with TestClient(shop.app, raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def overridden(client: TestClient) -> Iterator[Engine]:
    """Another engine, which the shop's path functions get instead of their own."""
    engine = Engine()
    shop.app.dependency_overrides[get_engine] = lambda: engine
    yield engine
    shop.app.dependency_overrides.clear()
