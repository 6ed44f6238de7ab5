"""Tracebacks through compiled templates: their frames name the template's lines, and show them."""

from __future__ import annotations

import linecache
from collections import deque
from types import TracebackType
from typing import Final

from liquid_background.language.syntax.location import LINES, line_of, token_at

_KEPT: Final = 100  # templates whose lines are kept for tracebacks
_shown: deque[str] = deque()


def name_lines(error: BaseException) -> None:
    """Have the frames of compiled templates in the tracebacks of an error and its causes name the templates' lines."""
    left: list[BaseException | None] = [error]
    named: set[int] = set()
    while left:
        each = left.pop()
        if each is not None and id(each) not in named:
            named.add(id(each))
            each.__traceback__ = _all_named(each.__traceback__)
            left += (each.__cause__, each.__context__)


def _all_named(here: TracebackType | None) -> TracebackType | None:
    frames: list[TracebackType] = []
    while here is not None:
        frames.append(here)
        here = here.tb_next
    for frame in reversed(frames):
        is_generated = LINES in frame.tb_frame.f_globals and frame.tb_lasti >= 0
        here = _named(frame, here) if is_generated else _linked(frame, here)
    return here


def _linked(frame: TracebackType, behind: TracebackType | None) -> TracebackType:
    if frame.tb_next is not behind:
        frame.tb_next = behind
    return frame


def _named(frame: TracebackType, behind: TracebackType | None) -> TracebackType:
    """Return a frame that tells a template's line as its own; its negative position tells that of the Python."""
    token = token_at(frame)
    if token is None:
        return _linked(frame, behind)
    _show(frame.tb_frame.f_code.co_filename, token.source)
    return TracebackType(behind, frame.tb_frame, -frame.tb_lineno, line_of(token))


def _show(name: str, source: str) -> None:
    if name not in linecache.cache or name in _shown:
        lines = [f"{line}\n" for line in source.split("\n")]
        linecache.cache[name] = (len(source), None, lines, name)
        if name not in _shown:
            _shown.append(name)
        if len(_shown) > _KEPT:
            linecache.cache.pop(_shown.popleft(), None)
