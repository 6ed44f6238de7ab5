"""How values and other people's texts are shown in messages: without what escapes twice, and without server paths."""

from __future__ import annotations

import os
import re
import sys
import unicodedata
from decimal import Decimal
from pathlib import Path
from typing import Final

from liquid_background.wording import a

_LONGEST: Final = 80  # characters of a value
_NAMES: Final = {"\t": "<tab>", "\n": "<newline>", "\r": "<return>"}
_UNSEEN: Final = frozenset(("Cc", "Cf", "Cs", "Zl", "Zp"))

_ESCAPED: Final = re.compile(r"'(\\(?:x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8}|[tnr\\]))'")

_SOCKET: Final = re.compile(r"\b(unix|file)://[^\s'\"]*/")
_QUOTED: Final = re.compile(r"(['\"])((?:/[^/'\"\n]+)+/?)\1")
_BARE: Final = re.compile(r"(?<![\w.:/~-])(?:/[^\s/'\"`<>|:;,()\[\]{}]+){2,}/?")


def show(value: object) -> str:
    """Return a value as a template author would know it, cut short.

    Characters that nobody sees are named instead of escaped: what displays the message escapes backslashes.
    """
    if value is None:
        return "nil"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        quote = '"' if "'" in value and '"' not in value else "'"
        inside = seen(value[:_LONGEST])
        room = _LONGEST - 2 * len(quote)
        return f"{quote}{inside if len(inside) <= room else f'{inside[: room - 2]}…'}{quote}"
    text = repr(value) if isinstance(value, int | float | Decimal) else a(type(value).__name__)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}…"


def seen(text: str) -> str:
    """Return text with the characters that nobody sees named."""
    return text if text.isascii() and text.isprintable() else "".join(map(_seen, text))


def unescaped(message: str) -> str:
    """Return the message of a library that shows a character as Python does, with the character as `show` does."""
    if "\\" not in message:
        return message
    return _ESCAPED.sub(lambda found: show(found[1].encode("ascii").decode("unicode_escape")), message)


def _seen(character: str) -> str:
    if unicodedata.category(character) not in _UNSEEN:
        return character
    return _NAMES.get(character) or f"<U+{ord(character):04X}>"


def without_paths(text: str) -> str:
    """Return a message without the folders that tell where on the server it was raised.

    What merely looks like a path stays, such as that of a URL: its first folder is none of this server's.
    """
    if "/" not in text:
        return text
    for folder in (Path.cwd(), Path(sys.prefix), Path.home()):
        if folder != Path(folder.anchor):
            text = text.replace(f"{folder}/", "")
    text = _SOCKET.sub(r"\1://", text)
    text = _QUOTED.sub(lambda match: f"{match[1]}{_base(match[2])}{match[1]}", text)
    return _BARE.sub(lambda match: _base(match[0]), text)


def _base(path: str) -> str:
    parts = path.rstrip("/").split("/")
    return parts[-1] if len(parts) > 2 and os.path.isdir(f"/{parts[1]}") else path
