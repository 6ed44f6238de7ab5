"""JSON that templates read: of a limited size and depth, with errors that say where in the text something is wrong."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, Final, NoReturn

from liquid import Environment

from liquid_background.language.filters import made
from liquid_background.language.filters.result import refuse
from liquid_background.language.syntax import show

MAX_JSON: Final = 1_000_000
"""Characters of JSON that is read: what a few more of them say may take a hundred times their memory, and seconds."""
_NEAR: Final = 20  # characters behind the place of an error that are shown
_WORDS: Final[Mapping[str, str]] = {
    "Expecting value": "a value is missing, or is no JSON: of a variable write {{ name | json }}",
    "Expecting property name": "a key in double quotes is missing",
    "Expecting ':'": "a colon is missing behind a key",
    "Expecting ','": "a comma is missing, or the bracket that closes",
    "Extra data": "more follows behind the value",
    "Unterminated string": "the quotes of a text are never closed",
    "Invalid control character": "a line break or tab stands in a text: of a variable write {{ name | json }}",
    "Invalid \\escape": "a backslash stands for nothing there: write two",
    "Invalid \\uXXXX": "four hex digits stand behind \\u",
}
"""What an author is told for each error of Python's parser, by how that begins."""


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{show(text)} is larger than a number can be")
    return value


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:  # Python tells of a setting of its own there
        raise ValueError(f"{show(text)} has {len(text):,} digits, more than a number can have") from None


_decode: Final = json.JSONDecoder(parse_float=_finite, parse_int=_whole, parse_constant=_no_constant).decode


def read_json(env: Environment, text: str) -> Any:
    """Return what JSON says; blank text says nothing.

    Raises:
        ValueError: saying what is wrong with it, and in which line.
        LimitReached: when it is too long, holds too much, or is nested too deep.
    """
    if len(text) > MAX_JSON:
        refuse(f"JSON has {len(text):,} characters; at most {MAX_JSON:,} are read")
    if not text.strip():
        return None
    try:
        return made(env, _decode(str(text)))
    except json.JSONDecodeError as error:
        near = error.doc[error.pos : error.pos + _NEAR]
        where = f"line {error.lineno}, column {error.colno}"
        found = f", at {show(near)}" if near else ", where the text ends"
        raise ValueError(f"{_in_words(error, near)} ({where} of the text{found})") from None
    except RecursionError:
        raise ValueError("it is nested too deep") from None


def _in_words(error: json.JSONDecodeError, near: str) -> str:
    is_closed = near.startswith(("}", "]")) and error.doc[: error.pos].rstrip().endswith(",")
    if is_closed or error.msg.startswith("Illegal trailing comma"):  # by the version of Python
        return "remove the last comma: nothing follows it"
    if near.startswith("'"):
        return "text stands in double quotes"
    return next((words for begin, words in _WORDS.items() if error.msg.startswith(begin)), error.msg)
