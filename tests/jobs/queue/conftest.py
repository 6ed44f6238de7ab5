"""A queue on the session's store."""

from __future__ import annotations

import pytest

from liquid_background.jobs.queue import Queue
from liquid_background.jobs.store import Store
from liquid_background.settings import Settings


@pytest.fixture
def queue(store: Store, settings: Settings) -> Queue:
    return Queue(store, settings)
