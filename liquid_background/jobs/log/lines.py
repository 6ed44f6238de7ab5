"""Log entries as lines for people and programs; one entry is one line whatever its fields hold."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable
from typing import Final, Literal, TypeAlias

from liquid_background.job import LogEntry, LogStatus

Format: TypeAlias = Literal["text", "short", "json"]

# Beside letters and digits: nothing that is around a name, as in `[attempt 1/3] - pay - SUCCESS`, or looks like it.
_IN_WORDS: Final = frozenset("_-./\\:@+#%=,~*")
_KEPT: Final = frozenset(("Lu", "Ll", "Lt", "Lm", "Lo", "Nd"))  # categories of what a name is made of, beyond ASCII
_BLANK: Final = frozenset("\u115f\u1160\u3164\uffa0")  # letters that look like white space
# Letters drawn into the one before, without a column of their own: vowels and finals of Hangul, vowels of Kirat Rai.
_JOINED: Final = re.compile("[\u1160-\u11ff\ud7b0-\ud7ff\U00016d63\U00016d67-\U00016d6a]")
_UNSEEN: Final = frozenset(("Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp", "Me"))  # categories that are shown by number
_MOST_MARKS: Final = 4  # combining marks on one character, as scripts have them; a stack of them covers other lines
_RIGHT_TO_LEFT: Final = frozenset(("R", "AL", "AN"))
_LEFT_TO_RIGHT: Final = "\u200e"  # a mark without width

Paint: TypeAlias = Callable[[str], str]


def format_entry(entry: LogEntry, style: Format = "text", paint: Paint = str) -> str:
    """Return an entry as one line, without the newline.

    Args:
        entry: what is shown.
        style: how.
        paint: gives the status a colour, but in JSON.
    """
    return _json(entry) if style == "json" else {"text": _text, "short": _short}[style](entry, paint)


def _text(entry: LogEntry, paint: Paint) -> str:
    time = entry.time.strftime("[%Y-%m-%d %H:%M:%S] ") if entry.time else ""
    name = _word(entry.source_name)
    message = printable(entry.message)
    if entry.status is None:
        kind = "" if entry.type == "info" else f" ({_word(entry.type)})"
        return f"{time}log{kind}: {name} - {message}"
    line = f"{time}background job: {name} (attempt {entry.attempt}/{entry.max_attempts}) - {paint(entry.status)}"
    line += f" ({entry.duration}ms)"
    if message:
        line += f": {message}"
        if entry.template and f"{entry.template}:" not in entry.message:
            # Text that runs from right to left would take the place with it.
            turn = _LEFT_TO_RIGHT if any(map(_runs_left, message)) else ""
            line += f"{turn} ({steady(entry.template)}:{entry.line})"
    return line


def _short(entry: LogEntry, paint: Paint) -> str:
    name = _word(entry.source_name)
    if entry.status is None:
        return f"[{_word(entry.type)}] - {name} - {printable(entry.message)}"
    return f"[attempt {entry.attempt}/{entry.max_attempts}] - {name} - {paint(entry.status)}"


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
    shown = steady(text)
    return shown if is_word(text) else '"' + shown.replace('"', '\\"') + '"'


def is_word(text: str) -> bool:
    """Return whether a name that an author chose is one word, so that it cannot pass for what stands beside it."""
    looks = unicodedata.normalize("NFKC", text).upper()
    return all(each in _IN_WORDS or _is_plain(each) for each in text) and looks not in LogStatus.__members__


def steady(text: str) -> str:
    """Return text that stays where it stands, such as a name: all but ASCII, letters and digits is shown escaped, too.

    So is what runs from right to left. What is left cannot pass for white space, nor move what stands beside it.
    """
    shown = printable(text)
    if shown.isascii():
        return shown
    return "".join(each if each.isascii() or _is_plain(each) else _number(each) for each in shown)


def _is_plain(character: str) -> bool:
    """Return whether a character is a letter or digit that is seen as one."""
    if character.isascii():
        return character.isalnum()
    return unicodedata.category(character) in _KEPT and not _is_mark(character) and not _runs_left(character)


def printable(text: str) -> str:
    """Return text with every control, newline, format and bidi character, and the backslash, shown escaped."""
    if text.isascii() and text.isprintable() and "\\" not in text:
        return text
    shown, marks = [], _MOST_MARKS  # one at the start would stand on what comes before the text
    for character in text:
        marks = marks + 1 if _is_mark(character) else 0
        if character == "\\":
            shown.append("\\\\")
        elif marks > _MOST_MARKS or unicodedata.category(character) in _UNSEEN:
            shown.append(_number(character))
        else:
            shown.append(character)
    return "".join(shown)


def printable_once(text: str) -> str:
    """Return text as `printable` does, of which parts may have been made printable before: backslashes stay."""
    return "\\".join(map(printable, text.split("\\")))


def _is_mark(character: str) -> bool:
    """Return whether a character may be drawn onto the one before it, or not at all."""
    if unicodedata.category(character) in ("Mn", "Mc", "Me"):
        return True
    return character in _BLANK or _JOINED.match(character) is not None


def _runs_left(character: str) -> bool:
    return unicodedata.bidirectional(character) in _RIGHT_TO_LEFT


def _number(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
