"""Where in a template something stands, and what to say about an error there."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextvars import ContextVar
from pathlib import Path
from traceback import walk_tb
from types import TracebackType
from typing import Any, Final

from liquid import BoundTemplate, Expression, Node, Token
from liquid.builtin.expressions import Filter
from liquid.exceptions import LiquidError, LiquidTypeError, TemplateNotFoundError

from liquid_background.language.exposed import words_of
from liquid_background.language.syntax.shown import show, unescaped, without_paths
from liquid_background.language.syntax.unsaid import plainly, unsaid

LINES: Final = "__liquid_tokens__"
"""What the module of a compiled template calls the tokens that its lines stand for."""

parsing: ContextVar[str] = ContextVar("parsing", default="inline")
"""The name of the template that is being parsed; a tag's node keeps it, since python-liquid's tokens do not."""

in_liquid_tag: ContextVar[bool] = ContextVar("in_liquid_tag", default=False)
"""Whether what is being parsed are the lines of a `{% liquid %}` tag, which have no delimiters."""

_last: list[tuple[str, int, int]] = [("", 0, 1)]
"""A source, an index in it and the line there. Tags ask one after the other: each counts on from the one before."""


_LONGEST_NAME: Final = 100  # characters of a template's name in an error: what was not found may be named by an author


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


def token_in(*tracebacks: TracebackType | None) -> tuple[Token | None, str]:
    """Return the token of the innermost node or expression that tracebacks go through, and its template's name.

    Args:
        tracebacks: of one error, or of one and its cause, which was raised further in.
    """
    found: Token | None = None
    templates: list[BoundTemplate] = []
    for traceback in tracebacks:
        frame = traceback
        while frame is not None:
            here: Any = frame.tb_frame.f_locals.get("self")
            found = token_at(frame) or found
            if issubclass(type(here), BoundTemplate):  # what is strictly undefined refuses isinstance
                templates.append(here)
            frame = frame.tb_next
    # A block that replaces one of its layout's is rendered from there, and is in the template that extends it.
    holds = (template for template in reversed(templates) if found is not None and is_of(template, found))
    template = next(holds, templates[-1] if templates else None)
    return found, getattr(template, "display_name", "")


def is_of(template: BoundTemplate, token: Token) -> bool:
    """Return whether a token is of the text that a template was parsed from."""
    return bool(template.nodes) and template.nodes[0].token.source is token.source


def token_at(traceback: TracebackType) -> Token | None:
    """Return the token of what a frame renders: a node or an expression, or a line of a compiled template."""
    lines: Sequence[Token | None] | None = traceback.tb_frame.f_globals.get(LINES)
    if lines is None:
        return token_of(traceback.tb_frame.f_locals.get("self"))
    line = traceback.tb_lineno if traceback.tb_lasti >= 0 else -traceback.tb_lasti  # its line is the template's then
    token = lines[line - 1]
    return token if token is not None and token.start_index >= 0 else None


def token_of(rendered: object) -> Token | None:
    """Return the token of a node or an expression; None for anything else, whose attributes may do anything."""
    token = getattr(rendered, "token", None) if issubclass(type(rendered), Node | Expression | Filter) else None
    return token if isinstance(token, Token) and token.start_index >= 0 else None


def explain(error: BaseException) -> str:
    """Return one line that says what was wrong and where: `partial 'x' not found (pages/checkout:14)`."""
    message = what_was_wrong(error)
    name, line = locate(error)
    name = name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"
    places = [f"{name}:{line}" if line else name] if name else [f"line {line}"] if line else []
    places += map(without_paths, getattr(error, "__notes__", ()))
    return f"{message} ({', '.join(places)})" if places else message


def what_was_wrong(error: BaseException) -> str:
    """Return one line that says what was wrong, without the place."""
    if isinstance(error, LiquidTypeError) and isinstance(error.__cause__, TypeError) and _is_foreign(error.__cause__):
        return what_was_wrong(error.__cause__)  # python-liquid takes a filter's own for one of a wrong argument
    if isinstance(error, TemplateNotFoundError):
        message = _not_found(error)
    elif isinstance(error, LiquidError):
        word = error.token.value if error.token is not None else ""
        message = plainly(unescaped(str(error.message or type(error).__name__)), word)
    else:
        said = text_of(error)
        message = f"{type(error).__name__}: {said}" if said else type(error).__name__
    return " ".join(message.split())


def _not_found(error: TemplateNotFoundError) -> str:
    name = str(error.message or "")
    if not name:
        return "the name of a partial is empty: what names it has no value"
    near = getattr(error, "near", "")  # that of a site's loader
    return f"partial {show(name)} not found" + (f"; did you mean {show(near)}?" if near else "")


def _is_foreign(error: BaseException) -> bool:
    """Return whether an application's code raised an error."""
    *_, (frame, _) = walk_tb(error.__traceback__)
    return not str(frame.f_globals.get("__name__")).startswith(("liquid.", "liquid_background."))


def text_of(error: BaseException) -> str:
    """Return the message of an error that is not python-liquid's, without the server's folders.

    Template authors see it, in the job log and by `catch`; the traceback of a job has the paths.
    """
    try:
        if isinstance(error, OSError) and type(error).__str__ is OSError.__str__ and error.filename is not None:
            names = " -> ".join(repr(_base(name)) for name in (error.filename, error.filename2) if name is not None)
            return f"{error.strerror}: {names}"
        return unsaid(error) or without_paths(words_of(error))
    except Exception as reason:  # noqa: BLE001  an application's own class may do anything here
        return f"its message cannot be shown, str() raised {type(reason).__name__}"


def _base(path: object) -> str:
    """Return the last part of an absolute path; a relative one says nothing of the server."""
    name = os.fsdecode(path) if isinstance(path, str | bytes | os.PathLike) else str(path)
    return os.path.basename(name) if os.path.isabs(name) else name
