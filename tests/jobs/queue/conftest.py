"""A queue on the session's store, and jobs with every field that a test does not care about filled in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from liquid_background.job import Job
from liquid_background.jobs.queue import Queue
from liquid_background.jobs.store import Store
from liquid_background.settings import Settings


@pytest.fixture
def queue(store: Store, settings: Settings) -> Queue:
    return Queue(store, settings)


@pytest.fixture
def job() -> Callable[..., Job]:
    def make(**fields: Any) -> Job:
        return Job(**{"source_name": "mail", "template": "pages/x", "line": 3, "source": "hi", **fields})

    return make
