"""The exact source between an opening and an end tag, and where it stands in its template."""

from __future__ import annotations

import re
from dataclasses import dataclass

from liquid import Environment, Token

from liquid_background.language.syntax.location import column_of, in_liquid_tag, line_of


@dataclass(frozen=True, slots=True)
class BodySource:
    """A slice of a template that can be parsed alone."""

    text: str
    line: int  # 1-based line of the template at which the text starts
    column: int  # 0-based


def slice_body(env: Environment, opener: Token, expression: Token | None, closer: Token) -> BodySource:
    """Return the source between an opening tag and its end tag.

    Args:
        env: gives the delimiters.
        opener: the token of the opening tag's name.
        expression: the token of the opening tag's arguments, if it has any.
        closer: the token of the end tag's name.
    """
    source = opener.source
    last = expression if expression is not None else opener
    head_end = last.start_index + len(last.value)
    if in_liquid_tag.get():
        return _slice_lines(env, source, head_end, closer.start_index)
    end = re.compile(rf"\s*(-?)(?:{re.escape(env.tag_end_string)}|%>)").match(source, head_end)
    begin = end.end() if end else head_end
    stop, trims = _start_of_tag(env, source, closer.start_index)
    text = source[begin:stop]
    if end and end[1]:  # `-%}`: the page would have dropped this white space
        begin += len(text) - len(text.lstrip())
        text = text.lstrip()
    if trims:
        text = text.rstrip()
    place = Token("", "", begin, source)
    return BodySource(text, line_of(place), column_of(place))


def _start_of_tag(env: Environment, source: str, name_at: int) -> tuple[int, bool]:
    """Return where a tag's opening delimiter stands, and whether it trims the white space before it."""
    at = name_at
    while at and source[at - 1].isspace():
        at -= 1
    trims = at > 0 and source[at - 1] == "-"
    at -= trims
    delimiter = env.tag_start_string if source.endswith(env.tag_start_string, 0, at) else "<%"
    return at - len(delimiter), trims


def _slice_lines(env: Environment, source: str, start: int, stop: int) -> BodySource:
    """Return lines of a `{% liquid %}` tag as a `{% liquid %}` tag of their own, on the same lines."""
    newline = source.find("\n", start, stop)
    begin = stop if newline < 0 else newline + 1
    text = f"{env.tag_start_string} liquid\n{source[begin:stop]}{env.tag_end_string}"
    return BodySource(text, line_of(Token("", "", begin, source)) - 1, 0)
