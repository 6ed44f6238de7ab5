"""Sentinels for tests: a group of the test's own, which has ended with it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from benchmarks.sentinels import Sentinels


@pytest.fixture
def start_sentinels() -> Iterator[Callable[..., Sentinels]]:
    """`start_sentinels(replicas=1, sentinels=1)`: a primary, replicas and Sentinels; one of those decides alone."""
    with ExitStack() as groups:

        def start(**given: Any) -> Sentinels:
            folder = groups.enter_context(tempfile.TemporaryDirectory(prefix="lb-", dir="/tmp"))
            return groups.enter_context(closing(Sentinels(Path(folder), **{"sentinels": 1, **given})))

        yield start
