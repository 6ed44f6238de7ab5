"""How much the tests that draw at random draw: little in the suite, `FUZZ` times as much in `make fuzz`."""

from __future__ import annotations

import os
from typing import Final

import pytest

TIMES: Final = int(os.environ.get("FUZZ", "1"))

fuzz = pytest.mark.fuzz
"""The mark of these tests, by which `make fuzz` finds them."""


def seeds(few: int) -> range:
    """Return the seeds to draw by, of which the suite has few."""
    return range(few * TIMES)
