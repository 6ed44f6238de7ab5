"""Where in a template something stands, and what to say about an error there."""

from __future__ import annotations

from contextvars import ContextVar
from pathlib import Path
from types import TracebackType

from liquid import BoundTemplate, Token
from liquid.exceptions import LiquidError, TemplateNotFoundError

parsing: ContextVar[str] = ContextVar("parsing", default="inline")
"""The name of the template that is being parsed; a tag's node keeps it, since python-liquid's tokens do not."""

in_liquid_tag: ContextVar[bool] = ContextVar("in_liquid_tag", default=False)
"""Whether what is being parsed are the lines of a `{% liquid %}` tag, which have no delimiters."""

_last: list[tuple[str, int, int]] = [("", 0, 1)]
"""A source, an index in it and the line there. Tags ask one after the other: each counts on from the one before."""


def line_of(token: Token) -> int:
    """Return the 1-based line of a token; only newlines count, as in an editor."""
    source, index = token.source, max(token.start_index, 0)
    known, at, line = _last[0]  # one tuple, so that threads can do it no harm
    if known is not source or index < at:
        at, line = 0, 1
    line += source.count("\n", at, index)
    _last[0] = (source, index, line)
    return line


def column_of(token: Token) -> int:
    """Return the 0-based column of a token in its line, in characters."""
    return token.start_index - (token.source.rfind("\n", 0, token.start_index) + 1)


def template_name(name: str | Path | None) -> str:
    """Return the name that people use for a template: without the file's ending."""
    text = str(name) if name else "inline"
    return text.removesuffix(".liquid").removesuffix(".html") or "inline"


def locate(error: BaseException) -> tuple[str, int]:
    """Return (template, line) of an error; ("", 0) when nothing tells.

    An error that a filter or a tag raised of its own carries no token: then the innermost frame that
    renders a node or an expression tells where it was.
    """
    if isinstance(error, LiquidError):
        name = template_name(error.template_name) if error.template_name else ""
        if error.token is not None and error.token.start_index >= 0:
            return name, line_of(error.token)
        if name:
            return name, 0
    token, name = token_in(error.__traceback__)
    return (name, line_of(token)) if token is not None else ("", 0)


def token_in(traceback: TracebackType | None) -> tuple[Token | None, str]:
    """Return the token of the innermost node or expression that a traceback goes through, and its template's name."""
    found: Token | None = None
    name = ""
    while traceback is not None:
        here = traceback.tb_frame.f_locals.get("self")
        token = getattr(here, "token", None)
        if isinstance(token, Token) and token.start_index >= 0:
            found = token
        if isinstance(here, BoundTemplate):
            name = getattr(here, "display_name", name)
        traceback = traceback.tb_next
    return found, name


def explain(error: BaseException) -> str:
    """Return one line that says what was wrong and where: `partial 'x' not found (pages/checkout:14)`."""
    if isinstance(error, TemplateNotFoundError):
        message = f"partial {str(error.message)!r} not found"
    elif isinstance(error, LiquidError):
        message = str(error.message or type(error).__name__)
    else:
        said = _text(error)
        message = f"{type(error).__name__}: {said}" if said else type(error).__name__
    message = " ".join(message.split())
    name, line = locate(error)
    places = [f"{name}:{line}" if line else name] if name else [f"line {line}"] if line else []
    places += getattr(error, "__notes__", ())
    return f"{message} ({', '.join(places)})" if places else message


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception as reason:  # noqa: BLE001  an application's own class may do anything here
        return f"its message cannot be shown, str() raised {type(reason).__name__}"
