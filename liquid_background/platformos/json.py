"""JSON that templates read: of a limited size and depth, with errors that say where in the text something is wrong."""

from __future__ import annotations

import json
import math
from typing import Any, Final, NoReturn

from liquid import Environment

from liquid_background.language.filters import made
from liquid_background.language.syntax import show

_NEAR: Final = 20  # characters behind the place of an error that are shown


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{show(text)} is larger than a number can be")
    return value


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_decode: Final = json.JSONDecoder(parse_float=_finite, parse_constant=_no_constant).decode


def read_json(env: Environment, text: str) -> Any:
    """Return what JSON says; blank text says nothing.

    Raises:
        ValueError: saying what is wrong with it, and in which line.
        LimitReached: when it holds too much, or is nested too deep.
    """
    if not text.strip():
        return None
    try:
        return made(env, _decode(str(text)))
    except json.JSONDecodeError as error:
        near = error.doc[error.pos : error.pos + _NEAR]
        where = f"line {error.lineno}, column {error.colno}"
        found = f", at {show(near)}" if near else ", where the text ends"
        raise ValueError(f"{error.msg[:1].lower()}{error.msg[1:]} ({where} of the text{found})") from None
    except RecursionError:
        raise ValueError("it is nested too deep") from None
