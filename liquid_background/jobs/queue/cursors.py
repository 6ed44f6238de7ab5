"""Cursors: how far a reading of jobs has come, as text that people and programs hand back. They hold nothing secret."""

from __future__ import annotations

import binascii
import json
import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from typing import Any, Final, TypeAlias

from liquid_background.errors import FilterError

Position: TypeAlias = tuple[str, ...]
"""Where in a place a reading goes on: words for the script `scan`, empty at its beginning."""

_VERSION: Final = 1
_LONGEST: Final = 16 * 1024  # characters of a cursor
_LARGEST: Final = 64 * 1024  # bytes of what it says
_MOST_WORDS: Final = 12  # of one position
_LONGEST_WORD: Final = 1_100  # an id's, and a token's before it; see LONGEST_ID


def write(kind: str, said: Mapping[str, Any]) -> str:
    """Return a cursor of a kind of reading."""
    packed = zlib.compress(json.dumps([_VERSION, kind, said], separators=(",", ":")).encode("ascii"), 9)
    return urlsafe_b64encode(packed).decode("ascii").rstrip("=")


def read(kind: str, cursor: str) -> dict[str, Any]:
    """Return what a cursor says.

    Raises:
        FilterError: when it is none of that kind.
    """
    try:
        if len(cursor) > _LONGEST:
            raise ValueError("too long")
        packed = urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
        text = zlib.decompressobj().decompress(packed, _LARGEST)
        version, of, said = json.loads(text)
        if (version, of) != (_VERSION, kind) or not isinstance(said, dict):
            raise ValueError("another kind")
    except (ValueError, TypeError, binascii.Error, zlib.error, RecursionError) as error:
        raise no_cursor(cursor) from error
    return said


def no_cursor(cursor: str) -> FilterError:
    """Return the error that says that a text is no cursor."""
    return FilterError(f"{cursor[:40]!r} is no cursor of such a list: give one as it was shown, or none")


def position(words: object) -> Position:
    """Return a position of a cursor.

    Raises:
        ValueError: when it is none.
    """
    if not isinstance(words, list) or len(words) > _MOST_WORDS:
        raise ValueError("no position")
    if not all(isinstance(word, str) and len(word) <= _LONGEST_WORD for word in words):
        raise ValueError("no word of a position")
    return tuple(words)
