"""A queue with a worker's hands, and what carries operations out there."""

from __future__ import annotations

import pytest

from liquid_background.jobs.operating.carrying import Carrier
from liquid_background.jobs.operating.operations import Operations
from liquid_background.jobs.queue import Queue
from liquid_background.jobs.store import Store
from liquid_background.settings import Settings
from tests.jobs.queue.hands import Hands


@pytest.fixture
def queue(store: Store, settings: Settings) -> Queue:
    return Queue(store, settings)


@pytest.fixture
def hands(store: Store, settings: Settings) -> Hands:
    return Hands(store, settings)


@pytest.fixture
def operations(store: Store, settings: Settings) -> Operations:
    return Operations(store, settings)


@pytest.fixture
def carrier(store: Store, settings: Settings) -> Carrier:
    return Carrier(store, settings)
