"""The options of the tag: type, range, default, and what a tolerant environment makes of a wrong value."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from liquid_background.job import MAX_ATTEMPTS, MAX_DELAY, SOURCE_NAME, Priority, plain_name
from liquid_background.language.syntax.shown import show

_NUMBER: Final = re.compile(r"\s*[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?\s*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Option:
    """One option: `read` returns its value or raises ValueError; `nearest` is used where errors are tolerated."""

    name: str  # also of the field of a Job that holds its value
    says: str  # what it is; as the next two, for errors and for the tables of the documentation
    allowed: str
    default: str
    read: Callable[[object], Any]
    nearest: Callable[[object], Any]
    remark: Callable[[object], str] = field(default=lambda _: "")  # what to warn of a value that is read as another
    numeric: bool = False  # so front matter, which is text, reads its value as a number

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
        Option(
            name="delay",
            says="how long to wait before the first attempt; fractions are fine",
            allowed=f"minutes from 0 to {MAX_DELAY:.0f}",
            default="0",
            read=_read_delay,
            nearest=_nearest_delay,
            numeric=True,
        ),
        Option(
            name="priority",
            says="the queue: high before default before low",
            allowed="'low', 'default' or 'high'",
            default="'default'",
            read=_read_priority,
            nearest=lambda _: Priority.DEFAULT,
        ),
        Option(
            name="max_attempts",
            says="attempts in all, the first one included",
            allowed=f"an integer from 1 to {MAX_ATTEMPTS}",
            default="1",
            read=_read_max_attempts,
            nearest=_nearest_max_attempts,
            numeric=True,
        ),
        Option(
            name="source_name",
            says="the name in the log",
            allowed="1 to 100 letters, digits, - and _",
            default="the template and line, `pages_checkout_12`",
            read=_read_source_name,
            nearest=lambda _: None,  # the tag has a default of its own
        ),
    )
}
"""Ranges: the platformOS API page. Tags, consumers, checks and the documentation all take the options from here."""


def default_source_name(template: str, line: int) -> str:
    """Return the source name of a block that gives none: `pages_checkout_12`."""
    suffix = f"_{line}"
    return plain_name(template)[: 100 - len(suffix)] + suffix
