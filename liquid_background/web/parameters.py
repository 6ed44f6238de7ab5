"""A request's parameters, from its query and its body; what cannot be read without guessing is refused."""

from __future__ import annotations

import re
import string
from typing import Any, Final
from urllib.parse import parse_qsl, quote, unquote_to_bytes

from liquid_background.errors import NotPlain
from liquid_background.variables import parse_variables

MAX_FIELDS: Final = 1000  # of a query or a form

_ESCAPED: Final = re.compile(r"\\(?:([0-3][0-7][0-7])|(.))", re.DOTALL)  # in the quoted value of a cookie
_BROKEN: Final = re.compile(rb"%(?![0-9A-Fa-f]{2})")


class Malformed(ValueError):
    """Raised for a request that is not what it says it is; the message is for the visitor."""


def parse_query(query: str) -> dict[str, str]:
    """Return the parameters of a query string; the last one of a name counts.

    Raises:
        Malformed: naming what is wrong.
    """
    return _fields(query.encode("latin-1"), "query")


def parse_body(body: bytes, content_type: str) -> dict[str, Any]:
    """Return the parameters of a form or a JSON object; other bodies have none.

    Raises:
        Malformed: naming what is wrong.
    """
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "application/x-www-form-urlencoded":
        return _fields(body, "form")
    if kind == "application/json" and body:
        try:
            return parse_variables(body)
        except NotPlain as error:
            raise Malformed(f"The body {error}.") from error
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


def _fields(sent: bytes, what: str) -> dict[str, str]:
    check_escapes(sent, what)
    text = quote(sent, string.printable)  # bytes that were sent as they are, beside others that were encoded
    try:
        return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_FIELDS))
    except ValueError:
        raise Malformed(f"The {what} holds more than {MAX_FIELDS} fields.") from None
