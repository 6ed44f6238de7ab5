"""A request's parameters, from its query and its body; what cannot be read without guessing is refused."""

from __future__ import annotations

import re
import string
from typing import Any, Final
from urllib.parse import parse_qsl, quote, unquote_to_bytes

from liquid_background.errors import NotPlain
from liquid_background.variables import parse_variables

MAX_FIELDS: Final = 1000  # of a query or a form

_FORM: Final = "application/x-www-form-urlencoded"
_JSON: Final = "application/json"
_BROKEN: Final = re.compile(rb"%(?![0-9A-Fa-f]{2})")


class Malformed(ValueError):
    """Raised for a request that is not what it says it is; the message is for the visitor.

    Attributes:
        reason: for the access log, where the message repeats a part of the request, which may be secret; else "".
    """

    def __init__(self, message: str, reason: str = "") -> None:
        super().__init__(message)
        self.reason = reason


class NotTaken(Malformed):
    """Raised for a body of a type that is not taken."""


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
        NotTaken: for a form as browsers send it with files.
    """
    kind = content_type.partition(";")[0].strip().lower()
    if kind == _FORM:
        return _fields(body, "form")
    if kind == _JSON and body:
        try:
            return parse_variables(body)
        except NotPlain as error:
            raise Malformed(f"The body {error}.") from error
    if kind.startswith("multipart/"):  # a form without its fields would be worse than none
        raise NotTaken(f"A multipart body is not taken: send the form as {_FORM}, or a JSON object as {_JSON}.")
    return {}


def check_escapes(text: bytes, what: str) -> None:
    """Refuse percent-encoding that stands for no text.

    Raises:
        Malformed: naming what is wrong.
    """
    broken = _BROKEN.search(text)
    if broken:
        shown = text[broken.start() : broken.start() + 3].decode("ascii", "replace")
        message = f"The {what} holds {shown!r}, which is not percent-encoding; a percent sign is %25."
        raise Malformed(message, f"the {what} holds what is not percent-encoding")
    try:
        unquote_to_bytes(text).decode("utf-8")
    except UnicodeDecodeError:
        raise Malformed(f"The {what} is not UTF-8 text.") from None


def _fields(sent: bytes, what: str) -> dict[str, str]:
    check_escapes(sent, what)
    text = quote(sent, string.printable)  # bytes that were sent as they are, beside others that were encoded
    try:
        return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_FIELDS))
    except ValueError:
        raise Malformed(f"The {what} holds more than {MAX_FIELDS} fields.") from None
