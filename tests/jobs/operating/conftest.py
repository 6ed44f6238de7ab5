"""What an operator and a worker do in the session's store."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from liquid_background.job import Job
from liquid_background.jobs.store import Store
from liquid_background.settings import Settings
from tests.jobs.operating.desk import Desk


@pytest.fixture
def desk(store: Store, settings: Settings, job: Callable[..., Job]) -> Desk:
    return Desk(store, settings, job)
