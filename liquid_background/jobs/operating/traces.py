"""Whether a text is in what the store keeps of a job or a log entry, however that is packed."""

from __future__ import annotations

import json
import zlib
from base64 import b64decode
from collections.abc import Iterable, Iterator
from typing import Any, Final

_LARGEST: Final = 16 * 1024 * 1024  # bytes that packed values are unpacked to: what is larger was planted


class Traces:
    """Looks for one text, exactly as it is given: in text, in JSON whatever it escapes, in what is packed.

    Args:
        text: what is looked for.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._bytes = text.encode("utf-8", "surrogateescape")

    def are_in(self, values: Iterable[bytes]) -> bool:
        """Return whether one of the values holds it."""
        return any(self._is_in(value) for value in values)

    def _is_in(self, value: bytes) -> bool:
        return any(self._is_in_form(form) for form in _forms(value))

    def _is_in_form(self, form: bytes) -> bool:
        stands_there = self._bytes in form
        if not stands_there and b"\\" not in form:
            return False  # JSON that escapes nothing has all text as it is
        try:
            said = json.loads(form)
        except (ValueError, RecursionError):
            return stands_there
        return any(self._text in word for word in _words(said))  # and not in what stands between them


def _forms(value: bytes) -> Iterator[bytes]:
    """Yield a value as it stands, and unpacked: RQ packs data and tracebacks, and writes results as base64."""
    yield value
    unpacked = _inflated(value)
    if unpacked:
        yield unpacked
    try:
        decoded = b64decode(value, validate=True)
    except ValueError:
        return
    if decoded:
        yield decoded
        yield from filter(None, [_inflated(decoded)])


def _inflated(value: bytes) -> bytes:
    if value[:1] != b"\x78":
        return b""
    try:
        return zlib.decompressobj().decompress(value, _LARGEST)
    except zlib.error:
        return b""


def _words(said: Any) -> Iterator[str]:
    """Yield all text in a value of JSON: names, texts, and numbers as they are written."""
    todo = [said]
    while todo:
        each = todo.pop()
        if isinstance(each, str):
            yield each
        elif isinstance(each, dict):
            todo += each.keys()
            todo += each.values()
        elif isinstance(each, list):
            todo += each
        elif isinstance(each, int | float) and not isinstance(each, bool):
            yield repr(each)
