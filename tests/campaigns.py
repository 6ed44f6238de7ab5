"""How much the tests that draw at random draw: little in the suite, `FUZZ` times as much in `make fuzz`.

The same holds for tables of each thing with each other thing: the suite takes a sample of their rows, always the same
one, which has each thing in it; `make fuzz` takes all.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import Final, TypeVar

import pytest

TIMES: Final = int(os.environ.get("FUZZ", "1"))

fuzz = pytest.mark.fuzz
"""The mark of these tests, by which `make fuzz` finds them."""

A = TypeVar("A")
B = TypeVar("B")


def seeds(few: int) -> range:
    """Return the seeds to draw by, of which the suite has few."""
    return range(few * TIMES)


def pairs(ones: Iterable[A], others: Sequence[B], few: int) -> list[tuple[A, B]]:
    """Return each of the ones with each of the others; in the suite, with a few of them, in turn."""
    count = len(others)
    few = count if TIMES > 1 else few
    return [(one, others[(row * few + turn) % count]) for row, one in enumerate(ones) for turn in range(few)]
