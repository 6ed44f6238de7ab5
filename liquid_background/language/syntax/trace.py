"""The way that a render took to an error: from the page through each template that was included."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

from liquid import BoundTemplate, Token
from liquid.exceptions import LiquidError

from liquid_background.language.syntax.location import column_of, line_of, template_name, token_at


@dataclass(frozen=True, slots=True)
class Place:
    """One place in a template; line 0 when only the template is known."""

    template: str
    line: int
    column: int = 0  # 0-based, in characters
    source: str = field(default="", repr=False)

    def __str__(self) -> str:
        return f"{self.template}:{self.line}" if self.line else self.template


@dataclass(slots=True)
class _Level:
    template: object
    name: str
    token: Token | None = None


def trace(error: BaseException) -> tuple[Place, ...]:
    """Return where an error was, outermost template first: the tags that included, then the place itself."""
    levels = _levels(error.__traceback__)
    if isinstance(error, LiquidError):
        _add_own(levels, error)
    return tuple(_place(level) for level in levels if level.name or level.token)


def _levels(traceback: TracebackType | None) -> list[_Level]:
    """Return the templates that a traceback goes through, each with its innermost node or expression."""
    levels: list[_Level] = []
    while traceback is not None:
        here: Any = traceback.tb_frame.f_locals.get("self")
        if issubclass(type(here), BoundTemplate):  # what is strictly undefined refuses isinstance
            # A template that includes itself is a level more, once it has come to a tag.
            if not levels or levels[-1].template is not here or levels[-1].token is not None:
                levels.append(_Level(here, template_name(here.path or here.name)))
        elif levels:
            levels[-1].token = token_at(traceback) or levels[-1].token
        traceback = traceback.tb_next
    return levels


def _add_own(levels: list[_Level], error: LiquidError) -> None:
    """Have the error's own token count, which is the most exact, or which is in a file that could not be parsed."""
    name = template_name(error.template_name) if error.template_name else ""
    token = error.token if error.token is not None and error.token.start_index >= 0 else None
    last = levels[-1] if levels else None
    if last is None or (token is not None and _is_elsewhere(last, name, token)):
        levels.append(_Level(None, name, token))
    elif token is not None:
        last.token = token


def _is_elsewhere(last: _Level, name: str, token: Token) -> bool:
    if last.token is not None:
        return last.token.source is not token.source
    return bool(name) and name != last.name


def _place(level: _Level) -> Place:
    if level.token is None:
        return Place(level.name, 0)
    return Place(level.name or "inline", line_of(level.token), column_of(level.token), level.token.source)
