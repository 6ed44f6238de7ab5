"""The tokens of an expression in which lists and objects may be written out, from its first character to its last."""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from bisect import bisect_right
from collections.abc import Callable, Iterator
from math import isinf
from typing import Final, NamedTuple

from liquid import Environment, Token, TokenStream
from liquid.builtin.expressions import tokenize
from liquid.builtin.expressions._tokenize import _RE
from liquid.expression import Expression
from liquid.token import (
    TOKEN_AND,
    TOKEN_ASSIGN,
    TOKEN_COLON,
    TOKEN_COMMA,
    TOKEN_CONTAINS,
    TOKEN_DOT,
    TOKEN_DPIPE,
    TOKEN_ELSE,
    TOKEN_EOF,
    TOKEN_EXPRESSION,
    TOKEN_FLOAT,
    TOKEN_FOR,
    TOKEN_IF,
    TOKEN_INTEGER,
    TOKEN_LBRACKET,
    TOKEN_LPAREN,
    TOKEN_NOT,
    TOKEN_OR,
    TOKEN_PIPE,
    TOKEN_RANGE,
    TOKEN_RANGE_LITERAL,
    TOKEN_RBRACKET,
    TOKEN_RPAREN,
    TOKEN_STRING,
    TOKEN_WITH,
    operators,
)

from liquid_background.errors import TagSyntaxError
from liquid_background.language.syntax.lines import without_comments
from liquid_background.language.syntax.literals import Folded, JoinedText, parse_expression
from liquid_background.language.syntax.location import in_liquid_tag
from liquid_background.language.syntax.words import expression_tokens

TOKEN_APPEND: Final = "append"
_BLANKS: Final = re.compile(r"[ \n\t\r]*")
_TEXT: Final = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_EXPONENT: Final = re.compile(r"-?\d+(?:\.\d+)?[eE][+-]?\d+(?!\w)")
_OPEN, _CLOSE = "{{", "}}"  # of a value in a text
_ESCAPE: Final = re.compile(r"\\(?:u[0-9a-fA-F]{4}|.)", re.DOTALL)
_OPENING: Final = frozenset((TOKEN_LBRACKET, TOKEN_LPAREN, TOKEN_RANGE_LITERAL))
_CLOSING: Final = frozenset((TOKEN_RBRACKET, TOKEN_RPAREN))
PIPES: Final = frozenset((TOKEN_PIPE, TOKEN_DPIPE))
_AROUND_FILTERS: Final = PIPES | frozenset((TOKEN_IF, TOKEN_ELSE))
_WORDS: Final = frozenset((TOKEN_IF, TOKEN_ELSE, TOKEN_AND, TOKEN_OR, TOKEN_NOT, TOKEN_CONTAINS, TOKEN_WITH, TOKEN_FOR))
_BEFORE_VALUES: Final = _WORDS | frozenset((
    TOKEN_ASSIGN, TOKEN_APPEND, TOKEN_COMMA, TOKEN_COLON, TOKEN_LPAREN, TOKEN_RANGE_LITERAL, TOKEN_RANGE,
    *(operators[written] for written in ("==", "!=", "<>", "<", ">", "<=", ">=")),
))  # fmt: skip
"""Tokens behind which a value begins, so that a bracket is a list's, and not a member's."""
_AS_THEY_ARE: Final = frozenset(
    (TOKEN_RANGE_LITERAL, TOKEN_INTEGER, TOKEN_FLOAT, TOKEN_DOT, TOKEN_COMMA, TOKEN_COLON, TOKEN_PIPE, TOKEN_DPIPE)
)
"""Tokens whose text is their value."""


class Scanner(ABC):
    """One pass over the text of an expression.

    Args:
        env: knows the filters, some of which take keywords.
        expression: its token.
    """

    def __init__(self, env: Environment, expression: Token) -> None:
        self._env = env
        self._text = without_comments(expression.value) if in_liquid_tag.get() else expression.value
        self._base = expression.start_index
        self._source = expression.source
        self._at = 0
        self._depth = 0  # of literals in each other
        self._is_in_filter = False  # whether what is read next is an argument of a filter

    def tokens(self) -> list[Token]:
        """Return all tokens."""
        tokens, _ = self._until("")
        return tokens

    @abstractmethod
    def _bracket(self, at: int, before: list[Token]) -> list[Token]:
        """Return the tokens of what begins with a bracket where a value may: a literal, or a path."""

    def _token(self, kind: str, value: str, at: int) -> Token:
        return Token(kind, value, self._base + at, self._source)

    @abstractmethod
    def _accept(self, tokens: list[Token]) -> None:
        """Accept the tokens that come next; a look ahead for something else ends here."""

    def _until(self, ends: str, goes_on: Callable[[Token], bool] | None = None) -> tuple[list[Token], str]:
        """Return the tokens up to one of some characters outside brackets, and which it was; "" for the end.

        Args:
            ends: the characters.
            goes_on: returns whether a comma is not the end, but stands between arguments of the filter of that name.
        """
        found: list[Token] = []
        open_brackets = 0
        last_filter: Token | None = None
        is_in_filter = False
        while True:
            self._skip()
            character = self._text[self._at : self._at + 1]
            if not character or (ends and not open_brackets and character in "]}" and character not in ends):
                return found, ""
            if not open_brackets and character in ends:
                self._at += 1
                if character != "," or goes_on is None or last_filter is None or not goes_on(last_filter):
                    return found, character
                self._at -= 1
            self._is_in_filter = is_in_filter
            tokens = self._next(found)
            self._accept(tokens)
            if found and found[-1].kind in PIPES:
                last_filter = tokens[0]
            for token in tokens:
                open_brackets += (token.kind in _OPENING) - (token.kind in _CLOSING)
                if token.kind in _AROUND_FILTERS:
                    is_in_filter = token.kind in PIPES
            found += tokens

    def _skip(self) -> None:
        self._at = _BLANKS.match(self._text, self._at).end()  # type: ignore[union-attr]

    def _next(self, before: list[Token]) -> list[Token]:
        """Return the token at the place, or those of a path in brackets that is a value."""
        at, text = self._at, self._text
        is_value = not before or self._begins_value(before[-1], at)
        if text.startswith("<<", at):
            self._at += 2
            return [self._token(TOKEN_APPEND, "<<", at)]
        if text[at] == "{" or (is_value and text[at] == "["):
            return self._bracket(at, before)
        if is_value and self._depth:
            found = _EXPONENT.match(text, at) or _TEXT.match(text, at)
            if found:
                self._at = found.end()
                return [self._number(found[0], at) if found[0][0] != '"' else self._string(found[0], at)]
        match = _RE.match(text, at)
        assert match is not None  # its last rule takes any character
        self._at = match.end()
        # Alone it is what it is in its place: only a bracket looks further, and for more than there may be.
        kind, value = match.lastgroup or "", match.group()
        if kind in _AS_THEY_ARE:
            return [self._token(kind, value, at)]
        tokens = list(tokenize(value, self._token(TOKEN_EXPRESSION, value, at)))
        if self._depth and is_value and tokens[0].kind == TOKEN_STRING:
            return [self._string(value, at)]
        return tokens

    def _begins_value(self, before: Token, at: int) -> bool:
        """Return whether a value begins behind a token, of which a word may be a name with a member in brackets."""
        is_member = before.kind in _WORDS and self._base + at == before.start_index + len(before.value)
        return before.kind in _BEFORE_VALUES and not is_member

    # Values in literals

    def _number(self, written: str, at: int) -> Token:
        if isinf(float(written)):
            raise TagSyntaxError(f"{written} is too large a number", token=self._token(TOKEN_FLOAT, written, at))
        return self._token(TOKEN_FLOAT, repr(float(written)), at)

    def _string(self, written: str, at: int) -> Token:
        """Return the token of a text: JSON's escapes count in double quotes, and `{{ … }}` in both."""
        inside = written[1:-1]
        value, places = _unescaped(inside) if written[0] == '"' else (inside, _AS_WRITTEN)
        parts: list[str | Expression] = []
        end = 0
        for start, stop in _joined(value):
            text = value[start + len(_OPEN) : stop]
            text = text.removeprefix("-")
            first = stop - len(text)
            parts += [value[end:start], self._parse_alone(text.removesuffix("-"), at + 1 + places.written(first))]
            end = stop + len(_CLOSE)
        if not parts:
            return self._token(TOKEN_STRING, value, at)
        parts.append(value[end:])
        return self._token(TOKEN_STRING, Folded.of(written, JoinedText, tuple(parts)), at)

    def _parse_alone(self, text: str, at: int) -> Expression:
        token = self._token(TOKEN_EXPRESSION, text.strip(), at + len(text) - len(text.lstrip()))
        tokens = [*expression_tokens(self._env, token, ""), Token(TOKEN_EOF, "", token.start_index, self._source)]
        return parse_expression(self._env, TokenStream(iter(tokens)))


def _joined(text: str) -> Iterator[tuple[int, int]]:
    """Yield where `{{` and its `}}` stand; behind the last `}}` nothing is looked for."""
    end = 0
    while (start := text.find(_OPEN, end)) >= 0 and (stop := text.find(_CLOSE, start + len(_OPEN))) >= 0:
        yield start, stop
        end = stop + len(_CLOSE)


class _Places(NamedTuple):
    """Where the characters of a text are written: behind the escapes that it is made of, it is shorter than that."""

    ends: list[int]  # of escapes, in the text
    missing: list[int]  # characters that the text is shorter than what is written, behind each of them

    def written(self, at: int) -> int:
        """Return the place of a character as it is written."""
        passed = bisect_right(self.ends, at)
        return at + (self.missing[passed - 1] if passed else 0)


_AS_WRITTEN: Final = _Places([], [])


def unescaped_json(text: str) -> str:
    """Return a text with what JSON's escapes stand for; other backslashes are as they are."""
    return _unescaped(text)[0]


def _unescaped(text: str) -> tuple[str, _Places]:
    if "\\" not in text:
        return text, _AS_WRITTEN
    parts: list[str] = []
    places = _Places([], [])
    end = length = 0
    for found in _ESCAPE.finditer(text):
        parts += [text[end : found.start()], _escaped(found[0])]
        length += found.start() - end + len(parts[-1])
        end = found.end()
        places.ends.append(length)
        places.missing.append(end - length)
    return "".join([*parts, text[end:]]), places


def _escaped(written: str) -> str:
    try:
        character: str = json.loads(f'"{written}"')
    except ValueError:
        return written
    return written if "\ud800" <= character <= "\udfff" else character
