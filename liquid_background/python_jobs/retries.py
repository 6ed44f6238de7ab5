"""How often and when a Python job that fails runs again."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from typing import Final

from liquid_background.errors import EnqueueError
from liquid_background.job import MAX_RETRIES, MAX_RETRYING

RETRIES: Final = 6
"""Runs after the first when nothing else is said; Gadget's page."""
RETRIES_IN_DEVELOPMENT: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """When a job that fails runs again; worked out when it is enqueued, and stored with it.

    Retries that would start more than seven days after the first failure are left out.

    Raises:
        EnqueueError: when a value is out of its range.
    """

    count: int = RETRIES  # runs after the first, from 0 to 100
    initial_interval: float = 1.0  # seconds before the first retry
    backoff_factor: float = 2.0  # of each wait to the one before; at least 1
    max_interval: float | None = None  # seconds
    randomize: bool = False  # each wait is made up to twice as long, so that failures don't come back together

    def __post_init__(self) -> None:
        check_count(self.count, "retries")
        _check("initial_interval", self.initial_interval, 0, MAX_RETRYING, "seconds from 0 to 7 days")
        _check("backoff_factor", self.backoff_factor, 1, 1000, "from 1 to 1000")
        if self.max_interval is not None:
            _check("max_interval", self.max_interval, 0, MAX_RETRYING, "seconds from 0 to 7 days")

    def waits(self) -> tuple[float, ...]:
        """Return the seconds before each retry."""
        waits: list[float] = []
        for number in range(self.count):
            wait = self._wait(number)
            if sum(waits) + wait > MAX_RETRYING:
                break
            waits.append(wait)
        return tuple(waits)

    def _wait(self, number: int) -> float:
        try:
            wait = self.initial_interval * self.backoff_factor**number
        except OverflowError:
            wait = math.inf
        if self.randomize:
            wait *= random.uniform(1, 2)
        return wait if self.max_interval is None else min(wait, self.max_interval)


def check_count(count: object, name: str) -> int:
    """Return a number of retries.

    Raises:
        EnqueueError: when it is not one from 0 to 100.
    """
    if isinstance(count, int) and not isinstance(count, bool) and 0 <= count <= MAX_RETRIES:
        return count
    raise EnqueueError(f"{name} is {count!r}; it must be a number of runs after the first, from 0 to {MAX_RETRIES}")


def _check(name: str, value: object, least: float, most: float, allowed: str) -> None:
    if not isinstance(value, int | float) or isinstance(value, bool) or not least <= value <= most:
        raise EnqueueError(f"retries: {name} is {value!r}; it must be {allowed}")
