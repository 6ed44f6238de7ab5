"""What is kept of how an attempt ended, as RQ keeps it: a result in so many bytes, or a traceback."""

from __future__ import annotations

import json
import zlib
from base64 import b64decode, b64encode
from binascii import b2a_base64
from typing import Final

from liquid_background.errors import JobRefused
from liquid_background.job import MAX_TRACEBACK, Encoded

MAX_RESULT: Final = 1024 * 1024
"""Bytes of JSON of a result that are kept."""
MAX_VALUE: Final = 4 * ((MAX_RESULT + 2) // 3)
"""Bytes of a result as the store keeps it: base64 adds a third."""
MAX_TRACE: Final = 8 * 1024
"""Bytes of a traceback as the store keeps it: far more than those of code take, as they hold the same words often."""
NOT_KEPT: Final = b"!"
"""In the place of a result that takes no room in the store: None, or what KEEP_RESULTS leaves out."""
NOT_KEPT_FINAL: Final = 2
"""What `lb_final` says of a job with such a result. Where it says 1, and no result is there, the text is blank."""
_WIDEST: Final = 12  # bytes of a character in JSON

_dump: Final = json.JSONEncoder().encode
_dump_text: Final = json.encoder.encode_basestring_ascii  # what it does with text, after some questions


def encode_result(result: Encoded) -> bytes:
    """Return a result as RQ keeps it; text that is too long is cut.

    Raises:
        JobRefused: when it is no text, and takes too much.
    """
    text = _dump_text(cut(result, MAX_RESULT)) if isinstance(result, str) else _dump(result)
    if len(text) > MAX_RESULT:
        raise JobRefused(f"the result takes over {MAX_RESULT // 1024} KB of JSON: return an id")
    return b2a_base64(text.encode("ascii"), newline=False)


def kept_result(result: Encoded, keep: str, is_function: bool) -> bytes:
    """Return what a worker sends of a result: next to nothing where the record alone tells it.

    Args:
        result: a function's None, and a blank text of a template, which is read back as an empty one, take none.
        keep: as `Settings.keep_results` has it.
        is_function: whether a function returned it.

    Raises:
        JobRefused: as `encode_result`.
    """
    if not is_kept(keep, is_function) or (is_function and result is None):
        return NOT_KEPT
    is_blank = not is_function and isinstance(result, str) and not result.strip()
    return b"" if is_blank else encode_result(result)


def is_kept(keep: str, is_function: bool) -> bool:
    """Return whether KEEP_RESULTS keeps the results of functions, or of templates."""
    return keep == "all" or (keep == "functions" and is_function)


def json_size(text: str) -> int:
    """Return the bytes that text takes as JSON."""
    return len(_dump(text))


def cut(text: str, most: int) -> str:
    """Return as much of a text as takes so many bytes of JSON; what was cut ends in …."""
    if len(text) * _WIDEST + len('""') <= most:
        return text
    written = _dump(text[: most + 1])
    return text if len(written) <= most else _beginning(written, most) + "…"


def _beginning(written: str, most: int) -> str:
    end = most - len('\\u2026""')
    while True:  # back to where no escape is cut through
        try:
            found: str = json.loads(written[:end] + '"')
        except ValueError:
            end -= 1
        else:
            return found[:-1] if "\ud800" <= found[-1:] < "\udc00" else found


def traceback_of(kept: bytes) -> str:
    """Return a traceback that RQ keeps so, its end if it is long; blank when it is none."""
    try:
        text = zlib.decompressobj().decompress(b64decode(kept), 16 * MAX_TRACEBACK)
    except (ValueError, zlib.error):
        return ""
    return text.decode("utf-8", "backslashreplace")[-MAX_TRACEBACK:]


def exc_string(text: str | None) -> bytes:
    """Return a traceback as RQ keeps it in a result; of one that takes too much, the end, where the error is."""
    text = text or ""
    while len(kept := b64encode(zlib.compress(text.encode("utf-8", "backslashreplace")))) > MAX_TRACE:
        text = text[len(text) // 2 :]
    return kept
