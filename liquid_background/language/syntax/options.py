"""The options of the tag: type, range, default, and what a tolerant environment makes of a wrong value."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from liquid.builtin.expressions import FilteredExpression, Path
from liquid.builtin.expressions.primitive import Literal, StringLiteral
from liquid.expression import Expression

from liquid_background.job import MAX_ATTEMPTS, MAX_DELAY, SOURCE_NAME, Priority, plain_name
from liquid_background.language.syntax.shown import seen, show
from liquid_background.nearest import nearest

_NUMBER: Final = re.compile(r"\s*[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?\s*", re.ASCII)
_INTEGER: Final = re.compile(r"\s*[+-]?\d{1,20}\s*", re.ASCII)
_WITH_UNIT: Final = re.compile(r"(\d+(?:\.\d+)?)[\s.]*([A-Za-z]+)\s*", re.ASCII)
_COUNT: Final = re.compile(r"(\d{1,20})(?:\.0*)?[\s.]*[A-Za-z]*", re.ASCII)
_MARKS: Final = " :'\"\t\r\n"
_ODD_NUMBER: Final = re.compile(r"\s*(?:\d{1,5},\d{1,9}|\.\d{1,9}|\d{1,3}_\d{3})\s*", re.ASCII)
_WORD: Final = re.compile(r"[\w-]+")
_LONGEST_NAME: Final = 100
_LONGEST_SHOWN: Final = 80
_MINUTES: Final = {
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), 1 / 60),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), 1.0),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), 60.0),
    **dict.fromkeys(("d", "day", "days"), 24 * 60.0),
}
"""What authors write behind a number, in the minutes that a delay is given in."""


@dataclass(frozen=True, slots=True)
class Option:
    """One option: `read` returns its value or raises ValueError; `nearest` is used where errors are tolerated."""

    name: str  # also of the field of a Job that holds its value
    says: str  # what it is; as the next two, for errors and for the tables of the documentation
    allowed: str
    default: str
    read: Callable[[object], Any]
    nearest: Callable[[object], Any]
    near: Callable[[str], str]  # what to do about a text that is nearly right; "" for others
    remark: Callable[[object], str] = field(default=lambda _: "")  # what to warn of a value that is read as another
    numeric: bool = False  # so front matter, which is text, reads its value as a number
    words: tuple[str, ...] = ()  # all that it may be, where that are a few words

    def complaint(self, value: object, expression: Expression | None = None) -> str:
        """Return what to say about a wrong value: the argument, the value, what is allowed and what to do.

        Args:
            value: what was given.
            expression: that it came from, if it was not written out.
        """
        if value is None and expression is not None:
            return self._without_value(expression)
        remedy = self.near(str(value)) if isinstance(value, str | float) else ""
        if value is None or (isinstance(value, str) and not value.strip()):
            remedy = "leave the option out for its default"
            if expression is not None:
                remedy = f"give `{_written(expression)}` a default, or leave the option out"
        return f"{self.name} is {show(value)}; it must be {self.allowed}{f': {remedy}' if remedy else ''}"

    def _without_value(self, expression: Expression) -> str:
        """Return what to say about an expression that is nil: most often it is text, or a number with its unit."""
        name, written = bare_name(expression), _written(expression)
        what = "is a variable without a value" if isinstance(unfiltered(expression), Path) else "has no value"
        return f"{self.name}: {written}: `{written}` {what}; {self._instead(name)}"

    def unreadable(self, written: str) -> str:
        """Return what to say about a value that is no expression, such as `10 s`."""
        shown = seen(written if len(written) <= _LONGEST_SHOWN else f"{written[: _LONGEST_SHOWN - 1]}…")
        what = "is no number" if self.numeric else "is not one text in quotes"
        bare = written.strip(_MARKS)
        remedy = self.near(bare) if not set(bare) & {"'", '"'} else ""
        return f"{self.name}: `{shown}` {what}; {remedy or f'it must be {self.allowed}'}"

    def is_meant(self, name: str) -> bool:
        """Return whether a name without quotes surely is a value, and no variable."""
        return name in self.words or (self.numeric and name[0].isdigit())

    def _instead(self, name: str) -> str:
        """Return what to write instead of a name without quotes, or of an expression that is none."""
        if not name:
            return f"it must be {self.allowed}: give it a default, or leave the option out"
        with suppress(ValueError):
            value = self.read(name)
            return f"write {value:.10g}" if self.numeric else f"quote it: '{name}'"
        return self.near(name) or f"it must be {self.allowed}"


def _written(expression: Expression) -> str:
    """Return an expression as a template has it, cut short."""
    written = bare_name(expression) or seen(str(expression))
    return written if len(written) <= _LONGEST_SHOWN else f"{written[: _LONGEST_SHOWN - 1]}…"


def unfiltered(expression: object) -> Expression | None:
    """Return the path or the literal that an expression is; None for one with filters, or of two values."""
    if isinstance(expression, FilteredExpression):
        return None if expression.filters else expression.left
    return expression if isinstance(expression, Path | Literal) else None


def written_text(expression: object) -> str:
    """Return the text that an expression is, where it is written out and has no filters; else ""."""
    value = unfiltered(expression)
    return value.value if isinstance(value, StringLiteral) else ""


def bare_name(expression: Expression) -> str:
    """Return the name of a variable that stands alone, as text does that lacks its quotes; else ""."""
    path = unfiltered(expression)
    root = path.path[0] if isinstance(path, Path) and len(path.path) == 1 else None
    return root if isinstance(root, str) and _WORD.fullmatch(root) else ""


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


def _near_delay(text: str) -> str:
    """Return the minutes that numbers with units stand for, such as `10s` or `1h30m`; `1,5`, `.5`, `1_000` as such."""
    if _ODD_NUMBER.fullmatch(text):
        return f"write {float(text.replace(',', '.')):.10g}"
    minutes = minutes_of(text)
    return f"write {round(minutes, 4):.10g}, in minutes" if minutes is not None and minutes <= MAX_DELAY else ""


def minutes_of(text: str) -> float | None:
    """Return the minutes that numbers with units stand for, such as `10s` or `1h30m`; None of other text."""
    parts = _WITH_UNIT.findall(text)
    if not parts or _WITH_UNIT.sub("", text.strip()) or any(unit.lower() not in _MINUTES for _, unit in parts):
        return None
    return sum(float(number) * _MINUTES[unit.lower()] for number, unit in parts)


def _read_max_attempts(value: object) -> int:
    if isinstance(value, str) and _INTEGER.fullmatch(value):
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MAX_ATTEMPTS:
        return int(value)
    raise ValueError


def _nearest_max_attempts(value: object) -> int:
    try:
        count = _number(value)
    except ValueError:
        return 1
    return 1 if math.isnan(count) else int(min(max(count, 1), MAX_ATTEMPTS))


def _near_max_attempts(text: str) -> str:
    found = _COUNT.fullmatch(text.strip())
    try:
        return f"write {_read_max_attempts(found[1])}" if found is not None else ""
    except ValueError:
        return ""


def _read_priority(value: object) -> Priority:
    if not isinstance(value, str):
        raise ValueError
    return Priority(str(value))


def _near_priority(text: str) -> str:
    near = nearest(text.strip().lower(), tuple(Priority))
    return f"did you mean '{near}'?" if near else ""


def _read_source_name(value: object) -> str:
    if isinstance(value, str) and SOURCE_NAME.fullmatch(value):
        return str(value)
    raise ValueError


def _near_source_name(text: str) -> str:
    near = plain_name(text.strip())[:_LONGEST_NAME].strip("_")
    said = f"write '{near}'" if near else ""
    return said or ("letters are a to z here" if any(map(str.isalpha, text)) else "")


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
            near=_near_delay,
            numeric=True,
        ),
        Option(
            name="priority",
            says="the queue: high before default before low",
            allowed="'low', 'default' or 'high'",
            default="'default'",
            read=_read_priority,
            nearest=lambda _: Priority.DEFAULT,
            near=_near_priority,
            words=tuple(Priority),
        ),
        Option(
            name="max_attempts",
            says="attempts in all, the first one included",
            allowed=f"an integer from 1 to {MAX_ATTEMPTS}",
            default="1",
            read=_read_max_attempts,
            nearest=_nearest_max_attempts,
            near=_near_max_attempts,
            numeric=True,
        ),
        Option(
            name="source_name",
            says="the name in the log",
            allowed="1 to 100 letters, digits, - and _",
            default="the template and line, `pages_checkout_12`; of a partial form the partial, `emails_welcome`",
            read=_read_source_name,
            nearest=lambda _: None,  # the tag has a default of its own
            near=_near_source_name,
        ),
    )
}
"""Ranges: the platformOS API page. Tags, consumers, checks and the documentation all take the options from here."""


def default_source_name(template: str, line: int) -> str:
    """Return the source name of a block that gives none: `pages_checkout_12`."""
    suffix = f"_{line}"
    return plain_name(template)[: _LONGEST_NAME - len(suffix)] + suffix


def partial_source_name(partial: str) -> str:
    """Return the source name of a partial form that gives none: `emails_welcome`.

    What does not fit has a digest of the whole name behind it, so that two partials never share theirs by that.
    """
    name = plain_name(partial)
    if len(name) <= _LONGEST_NAME and partial.isascii():
        return name
    digest = hashlib.sha1(partial.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest()[:8]
    return f"{name[: _LONGEST_NAME - len(digest) - 1]}_{digest}"
