"""Templates that are compiled when they are first rendered."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.language.compiled.differ import at_once


@pytest.fixture(autouse=True)
def _compiled_at_once() -> Iterator[None]:
    with at_once():
        yield
