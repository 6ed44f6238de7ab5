"""The places where jobs may be, for what must hold in each; jobs with the fields filled in that don't matter."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest

from liquid_background import Engine
from liquid_background.job import Job
from liquid_background.jobs.store import Store
from liquid_background.settings import load_settings
from liquid_background.testing import fake_jobs
from tests.jobs.places import InMemory, InStore, Place


@pytest.fixture
def job() -> Callable[..., Job]:
    def make(**fields: Any) -> Job:
        return Job(**{"source_name": "mail", "template": "pages/x", "line": 3, "source": "hi", **fields})

    return make


@contextmanager
def _in_store(kind: str, request: pytest.FixtureRequest) -> Iterator[InStore]:
    store: Store = request.getfixturevalue("external_store" if kind == "external" else "store")
    settings = load_settings(redis_url=store.url) if kind == "external" else request.getfixturevalue("settings")
    if kind == "site":
        settings = settings.model_copy(update={"site": "shop"})
    engine = Engine(settings=settings)
    with closing(engine.store):
        yield InStore(engine)


@pytest.fixture(params=["embedded", "external"])
def in_store(request: pytest.FixtureRequest) -> Iterator[InStore]:
    """An engine on each kind of store, with a worker's hands."""
    with _in_store(request.param, request) as place:
        yield place


@pytest.fixture(params=["embedded", "site", "external", "memory"])
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    """The same, one of a site that shares a store with others, and one on the double."""
    if request.param != "memory":
        with _in_store(request.param, request) as place:
            yield place
        return
    engine = Engine(redis_url="redis://127.0.0.1:1")  # whatever touches a store fails
    with fake_jobs(engine) as jobs:
        yield InMemory(engine, jobs)
