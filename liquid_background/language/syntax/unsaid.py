"""What an error means whose text is meant for programmers or says nothing: Python's own, and of filters' arguments."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import DecimalException
from typing import Final

from liquid_background.wording import a

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

_CALLED: Final = re.compile(
    r"(?:\w+: )?(?:[\w.<>]+\.)?(?P<name>\w+|<lambda>)\(\) (?P<what>missing|takes|got) (?P<rest>.*)"
)
_MOST: Final = re.compile(r"(?:from \d+ to )?(\d+) positional")
_NAMES: Final = re.compile(r"'(\w+)'")
_COMPARED: Final = re.compile(r"'(\S+)' and '(\S+)' are not supported between '(\w+)' and '(\w+)'")
_FOUND: Final = re.compile(r"(expected .+, found )(\w+)")
_KINDS: Final[Mapping[str, str]] = {
    "Decimal": "a number",
    "NoneType": "nil",
    "Undefined": "a variable without a value",
    "bool": "true or false",
    "dict": "an object",
    "float": "a number",
    "int": "a number",
    "list": "a list",
    "range": "a range",
    "str": "text",
    "tuple": "a list",
}
"""What an author calls values of Python's classes."""


def plainly(message: str, filter_name: str) -> str:
    """Return the message of an error of rendering, without what only a programmer knows.

    Args:
        message: of python-liquid, or of Python's call of a filter.
        filter_name: the word of the template that the error is at: the filter's name if it is one's.
    """
    compared = _COMPARED.fullmatch(message)
    if compared:
        left, right = map(_kind, compared.groups()[2:])
        return f"{left} and {right} cannot be compared by `{compared[1]}` or `{compared[2]}`"
    called = _CALLED.fullmatch(message)
    if called and called["name"].strip("_") in (filter_name, "call", "<lambda>"):
        return f"{filter_name}: {_of_call(filter_name, called)}"
    return _FOUND.sub(lambda found: found[1] + _kind(found[2]), message) if _FOUND.search(message) else message


def _of_call(name: str, called: re.Match[str]) -> str:
    if called["what"] == "missing":
        missing = ", ".join(_NAMES.findall(called["rest"]))
        return f"an argument is missing: write `| {name}: {missing}`"
    if called["what"] == "got":
        return f"it has no argument `{', '.join(_NAMES.findall(called['rest']))}`: leave it out"
    most = _MOST.match(called["rest"])
    count = int(most[1]) - 1 - (called["name"] == "__call__") if most else 0
    return f"it is given too many arguments: it takes {count or 'none'}"


def _kind(name: str) -> str:
    return _KINDS.get(name, a(name))


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
