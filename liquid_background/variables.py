"""Values for a page that somebody gives as a JSON object or in cookies; what a page could not work with is refused."""

from __future__ import annotations

import json
import math
import re
from typing import Any, Final, NoReturn

from liquid_background.errors import NotPlain
from liquid_background.wording import a

MAX_DEPTH: Final = 100  # of lists and objects in each other

_ESCAPED: Final = re.compile(r"\\(?:([0-3][0-7][0-7])|(.))", re.DOTALL)  # in the quoted value of a cookie
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
        raise NotPlain(f"holds {a(type(values).__name__)}, not a JSON object")
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


def parse_cookies(header: str) -> dict[str, str]:
    """Return the cookies of a request's header, as browsers write them; the last one of a name counts."""
    cookies = {}
    for part in header.split(";"):
        name, equals, value = part.partition("=")
        if not equals:
            name, value = "", part
        if name.strip() or value.strip():
            cookies[name.strip()] = _unquoted(value.strip())
    return cookies


def _unquoted(value: str) -> str:
    # Not http.cookies' own: before Python 3.11.10 it takes half a minute for 60 KB of backslashes.
    if len(value) < 2 or value[0] != '"' or value[-1] != '"':
        return value
    return _ESCAPED.sub(lambda found: chr(int(found[1], 8)) if found[1] else found[2], value[1:-1])
