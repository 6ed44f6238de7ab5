"""What an error of Python's own means, where its text is meant for programmers or says nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import DecimalException
from typing import Final

_TOO_LARGE: Final = "a number is too large for this"
_NO_NUMBER: Final = "a value is no number"
_BY_ZERO: Final = "something is divided by zero"

_SIGNALS: Final[Mapping[str, str]] = {
    "ConversionSyntax": _NO_NUMBER,
    "DivisionByZero": _BY_ZERO,
    "DivisionUndefined": _BY_ZERO,
    "DivisionImpossible": _TOO_LARGE,
    "InvalidOperation": "a number is too large for this, or is none",
    "Overflow": _TOO_LARGE,
}
"""Decimal errors have no text but the list of these classes, by their names."""

_TEXTS: Final = (
    (OverflowError, re.compile(r"infinity|too (?:large|big)|out of range|range error"), _TOO_LARGE),
    (ValueError, re.compile(r"cannot convert (?:float )?NaN"), _NO_NUMBER),
    (ValueError, re.compile(r"year -?\d+ is out of range|timestamp out of range"), "a date is out of range"),
)
_WITHOUT_TEXT: Final[Mapping[type[BaseException], str]] = {
    AssertionError: "an assertion of Python code does not hold",
    NotImplementedError: "this is not implemented",
    RecursionError: "Python code calls itself without an end",
    TimeoutError: "it took too long",
}


def unsaid(error: BaseException) -> str:
    """Return in words what an error means that does not say so itself; "" when its own text is to be shown."""
    if not error.args:
        return _WITHOUT_TEXT.get(type(error), "")
    classes = error.args[0] if isinstance(error.args[0], list) else error.args
    if classes and all(isinstance(each, type) for each in classes):
        names = [each.__name__ for each in classes]
        means = _SIGNALS if isinstance(error, DecimalException) else {}
        return next((means[name] for name in names if name in means), ", ".join(names))
    said = error.args[-1]  # behind a number, of an error of C's
    text = said if isinstance(said, str) else ""
    return next((words for kind, raw, words in _TEXTS if type(error) is kind and raw.search(text)), "")
