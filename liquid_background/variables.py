"""Values for a page that somebody gives as a JSON object; what a page could not work with is refused."""

from __future__ import annotations

import json
import math
import re
from typing import Any, Final, NoReturn

from liquid_background.errors import NotPlain

MAX_DEPTH: Final = 100  # of lists and objects in each other

_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_TOO_DEEP: Final = f"is nested too deep: at most {MAX_DEPTH} lists and objects may be in each other"
_TOO_LARGE: Final = "holds a number that is too large"


def parse_variables(text: bytes) -> dict[str, Any]:
    """Return the values of a JSON object by their names; the text may begin with a byte order mark.

    Raises:
        NotPlain: saying what is wrong with it; the caller says before that what was read.
    """
    try:
        values = json.loads(text, parse_constant=_refuse_constant, parse_float=_finite)
    except NotPlain:
        raise
    except RecursionError:
        raise NotPlain(_TOO_DEEP) from None
    except UnicodeDecodeError as error:
        raise NotPlain("is not JSON: it cannot be decoded as UTF-8 text") from error
    except json.JSONDecodeError as error:
        raise NotPlain(f"is not JSON: {error}") from error
    except ValueError:  # an integer of thousands of digits
        raise NotPlain(_TOO_LARGE) from None
    if not isinstance(values, dict):
        raise NotPlain(f"holds a {type(values).__name__}, not a JSON object")
    _check(values)
    return values


def _check(values: Any) -> None:
    """Refuse nesting that a page's filters could not follow, and text that cannot be written out again."""
    level = [values]
    for _ in range(MAX_DEPTH):
        below: list[Any] = []
        for value in level:
            if isinstance(value, str):
                _check_text(value)
            elif isinstance(value, dict):
                for name in value:
                    _check_text(name)
                below += value.values()
            elif isinstance(value, list):
                below += value
        if not below:
            return
        level = below
    raise NotPlain(_TOO_DEEP)


def _check_text(text: str) -> None:
    if not text.isascii() and _SURROGATE.search(text):
        raise NotPlain("holds half of a surrogate pair, which is no character")


def _refuse_constant(name: str) -> NoReturn:
    raise NotPlain(f"holds {name}, which is not JSON")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise NotPlain(_TOO_LARGE)
    return value
