"""The four options of the tag: type, range, default, and what a tolerant environment makes of a wrong value."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from liquid_background.job import MAX_ATTEMPTS, MAX_DELAY, SOURCE_NAME, Priority
from liquid_background.syntax.shown import show

_NUMBER: Final = re.compile(r"\s*[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?\s*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Option:
    """One option: `read` returns its value or raises ValueError; `nearest` is used where errors are tolerated."""

    name: str
    allowed: str
    read: Callable[[object], Any]
    nearest: Callable[[object], Any]

    def complaint(self, value: object) -> str:
        """Return what to say about a wrong value: the argument, the value and what is allowed."""
        return f"{self.name} is {show(value)}; it must be {self.allowed}"


def _number(value: object) -> float:
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        return float(value)
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        try:
            return float(value)
        except OverflowError:
            return math.inf
    raise ValueError


def _read_delay(value: object) -> float:
    minutes = _number(value)
    if not 0 <= minutes <= MAX_DELAY:  # false for NaN too
        raise ValueError
    return minutes + 0.0  # no -0.0


def _nearest_delay(value: object) -> float:
    try:
        minutes = _number(value)
    except ValueError:
        return 0.0
    return 0.0 if math.isnan(minutes) else min(max(minutes, 0.0), MAX_DELAY)


def _read_max_attempts(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MAX_ATTEMPTS:
        return int(value)
    raise ValueError


def _nearest_max_attempts(value: object) -> int:
    try:
        count = _number(value)
    except ValueError:
        return 1
    return 1 if math.isnan(count) else int(min(max(count, 1), MAX_ATTEMPTS))


def _read_priority(value: object) -> Priority:
    if not isinstance(value, str):
        raise ValueError
    return Priority(str(value))


def _read_source_name(value: object) -> str:
    if isinstance(value, str) and SOURCE_NAME.fullmatch(value):
        return str(value)
    raise ValueError


OPTIONS: Final[Mapping[str, Option]] = {
    option.name: option
    for option in (
        Option("delay", "minutes from 0 to 65535", _read_delay, _nearest_delay),
        Option("priority", "'low', 'default' or 'high'", _read_priority, lambda _: Priority.DEFAULT),
        Option("max_attempts", "an integer from 1 to 5", _read_max_attempts, _nearest_max_attempts),
        Option("source_name", "1 to 100 letters, digits, - and _", _read_source_name, lambda _: None),
    )
}
"""Ranges: the platformOS API page. `nearest` of source_name is None: the tag has a default of its own."""


def default_source_name(template: str, line: int) -> str:
    """Return the source name of a block that gives none: `pages_checkout_12`."""
    suffix = f"_{line}"
    return re.sub(r"[^A-Za-z0-9_-]+", "_", template)[: 100 - len(suffix)] + suffix
