"""Log entries as lines for people and programs; one entry is one line whatever its fields hold."""

from __future__ import annotations

import json
import re
import unicodedata
from typing import Final, Literal, TypeAlias

from liquid_background.job import LogEntry

Format: TypeAlias = Literal["text", "short", "json"]

# No white space, nor a letter that looks like it: what is around a name, as in `(attempt 1/3) - SUCCESS`, has some.
_WORD: Final = re.compile(r"[^\s\u115f\u1160\u2800\u3164\uffa0]*")


def format_entry(entry: LogEntry, style: Format = "text") -> str:
    """Return an entry as one line, without the newline."""
    return {"text": _text, "short": _short, "json": _json}[style](entry)


def _text(entry: LogEntry) -> str:
    time = entry.time.strftime("[%Y-%m-%d %H:%M:%S] ") if entry.time else ""
    name = _word(entry.source_name)
    message = printable(entry.message)
    if entry.status is None:
        kind = "" if entry.type == "info" else f" ({_word(entry.type)})"
        return f"{time}log{kind}: {name} - {message}"
    line = f"{time}background job: {name} (attempt {entry.attempt}/{entry.max_attempts}) - {entry.status}"
    line += f" ({entry.duration}ms)"
    if message:
        line += f": {message}"
        if entry.template and f"{entry.template}:" not in entry.message:
            line += f" ({printable(entry.template)}:{entry.line})"
    return line


def _short(entry: LogEntry) -> str:
    name = _word(entry.source_name)
    if entry.status is None:
        return f"[{_word(entry.type)}] - {name} - {printable(entry.message)}"
    return f"[attempt {entry.attempt}/{entry.max_attempts}] - {name} - {entry.status}"


def _json(entry: LogEntry) -> str:
    # ASCII output: every character that could move a cursor or turn the text around is escaped by JSON itself.
    values = {
        "id": entry.id,
        "time": entry.time.isoformat(timespec="milliseconds").replace("+00:00", "Z") if entry.time else None,
        "type": entry.type,
        "status": entry.status,
        "job_id": entry.job_id,
        "source_name": entry.source_name,
        "template": entry.template,
        "line": entry.line,
        "attempt": entry.attempt,
        "max_attempts": entry.max_attempts,
        "duration_ms": entry.duration,
        "message": entry.message,
        "final": entry.final,
    }
    return json.dumps(values, ensure_ascii=True).replace("\x7f", "\\u007f")


def _word(text: str) -> str:
    """Return a name or a type as one word, else in quotes: then it cannot pass for the pieces of another line."""
    shown = printable(text)
    return shown if _WORD.fullmatch(shown) else '"' + shown.replace('"', '\\"') + '"'


def printable(text: str) -> str:
    """Return text with every control, newline, format and bidi character, and the backslash, shown escaped."""
    if text.isascii() and text.isprintable() and "\\" not in text:
        return text
    return "".join(_escape(character) for character in text)


def _escape(character: str) -> str:
    if character == "\\":
        return "\\\\"
    if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp"):
        return character.encode("unicode_escape").decode("ascii")
    return character
