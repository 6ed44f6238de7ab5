"""Errors whose text shows a part of a line: python-liquid's shows all of it, which may be the whole template."""

from __future__ import annotations

from typing import Final, TypeVar

from liquid import Token
from liquid.exceptions import LiquidError

from liquid_background.language.syntax.location import column_of, line_of

_WIDEST: Final = 160  # characters of a line
_BEFORE: Final = 60  # of them before the place
_LONGEST: Final = 4_000  # characters of a message: it may show the value that was wrong, however large

_Error = TypeVar("_Error", bound=LiquidError)


def cut(error: _Error) -> _Error:
    """Return an error whose text is short enough for a log, however long its line is and what its message shows."""
    message, token = error.message, error.token
    if isinstance(message, str) and len(message) > _LONGEST:
        error.args = (f"{message[:_LONGEST]}…", *error.args[1:])
    if token is not None and token.start_index >= 0:
        start = token.start_index - column_of(token)
        end = token.source.find("\n", token.start_index)
        line = token.source[start : end if end >= 0 else None]
        if max(len(line), len(token.value)) > _WIDEST:
            # Python looks for it here first, and only then in the class, which is python-liquid's or an application's.
            error.__dict__["detailed_message"] = _drawn(error, token, line.rstrip()).__str__
    return error


def _drawn(error: LiquidError, token: Token, line: str) -> str:
    """Return the text of an error, laid out as python-liquid's."""
    number, column = line_of(token), column_of(token)
    first = max(0, column - _BEFORE)
    shown = f"{'…' if first else ''}{line[first : first + _WIDEST]}{'…' if len(line) > first + _WIDEST else ''}"
    at = column - first + (1 if first else 0)
    marked = "^" * max(1, min(len(token.value), len(shown) - at))
    where = f"{error.template_name}:{number}:{column}" if error.template_name else f"'{shown}' {number}:{column}"
    pad = " " * len(str(number))
    return (
        f"{error.message}\n{pad} -> {where}\n{pad} |\n{number} | {shown}\n"
        f"{pad} | {' ' * at}{marked} {error._pointer_message()}\n"
    )
