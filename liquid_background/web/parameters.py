"""A request's parameters, from its query and its body; what cannot be read without guessing is refused."""

from __future__ import annotations

import json
import math
import re
from typing import Any, Final, NoReturn
from urllib.parse import parse_qsl, unquote_to_bytes

MAX_FIELDS: Final = 1000  # of a query or a form
MAX_DEPTH: Final = 100  # of lists and objects in a JSON body

_BROKEN: Final = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_SURROGATE: Final = re.compile("[\ud800-\udfff]")


class Malformed(ValueError):
    """Raised for a request that is not what it says it is; the message is for the visitor."""


def parse_query(query: str) -> dict[str, str]:
    """Return the parameters of a query string; the last one of a name counts.

    Raises:
        Malformed: naming what is wrong.
    """
    check_escapes(query.encode("latin-1"), "query")
    return _fields(query, "query")


def parse_body(body: bytes, content_type: str) -> dict[str, Any]:
    """Return the parameters of a form or a JSON object; other bodies have none.

    Raises:
        Malformed: naming what is wrong.
    """
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "application/x-www-form-urlencoded":
        check_escapes(body, "form")
        return _fields(body.decode("utf-8"), "form")
    if kind == "application/json" and body:
        return _parse_json(body)
    return {}


def check_escapes(text: bytes, what: str) -> None:
    """Refuse percent-encoding that stands for no text.

    Raises:
        Malformed: naming what is wrong.
    """
    broken = _BROKEN.search(text)
    if broken:
        shown = text[broken.start() : broken.start() + 3].decode("ascii", "replace")
        raise Malformed(f"The {what} holds {shown!r}, which is not percent-encoding; a percent sign is %25.")
    try:
        unquote_to_bytes(text).decode("utf-8")
    except UnicodeDecodeError:
        raise Malformed(f"The {what} is not UTF-8 text.") from None


def _fields(text: str, what: str) -> dict[str, str]:
    try:
        return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_FIELDS))
    except ValueError:
        raise Malformed(f"The {what} holds more than {MAX_FIELDS} fields.") from None


def _parse_json(body: bytes) -> dict[str, Any]:
    try:
        values = json.loads(body, parse_constant=_refuse_constant, parse_float=_finite)
    except Malformed:
        raise
    except RecursionError:
        raise Malformed(_TOO_DEEP) from None
    except ValueError:  # not JSON, not UTF-8, or an integer of thousands of digits
        raise Malformed("The body is not the JSON that its content type says.") from None
    if not isinstance(values, dict):
        raise Malformed("The body's JSON is not an object.")
    _check_values(values)
    return values


_TOO_DEEP: Final = f"The body's JSON is nested more than {MAX_DEPTH} deep."


def _check_values(values: Any) -> None:
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
    raise Malformed(_TOO_DEEP)


def _check_text(text: str) -> None:
    if not text.isascii() and _SURROGATE.search(text):
        raise Malformed("The body's JSON holds half of a surrogate pair, which is no character.")


def _refuse_constant(name: str) -> NoReturn:
    raise Malformed(f"The body holds {name}, which is not JSON.")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise Malformed("The body holds a number that is too large.")
    return value
