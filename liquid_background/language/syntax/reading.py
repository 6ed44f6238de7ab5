"""The tokens of a tag's expression: python-liquid's, with a literal list or object as one of them, and `<<`."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from itertools import pairwise
from math import isinf
from typing import Any, Final

from liquid import Environment, Token, TokenStream
from liquid.builtin.expressions import FilteredExpression, Path, tokenize
from liquid.builtin.expressions._tokenize import _RE
from liquid.builtin.expressions.filtered import TernaryFilteredExpression
from liquid.exceptions import LiquidSyntaxError
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
    TOKEN_IDENTINDEX,
    TOKEN_IDENTSTRING,
    TOKEN_IF,
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
    TOKEN_WORD,
    operators,
)

from liquid_background.errors import NestedTooDeep, TagSyntaxError
from liquid_background.jobs.handover import MAX_DEPTH
from liquid_background.language.syntax.literals import Folded, JoinedText, ListLiteral, ObjectLiteral, settle
from liquid_background.language.syntax.signatures import takes

TOKEN_APPEND: Final = "append"
_MARKS: Final = re.compile(r"[\[{]|<<")
_BLANKS: Final = re.compile(r"[ \n\t\r]*")
_KEY: Final = re.compile(r"(?:(?P<quoted>\"(?:[^\"\\]|\\.)*\"|'[^']*')|(?P<name>\w[\w-]*\??))[ \n\t\r]*:", re.DOTALL)
_TEXT: Final = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_EXPONENT: Final = re.compile(r"-?\d+(?:\.\d+)?[eE][+-]?\d+(?!\w)")
_JOINED: Final = re.compile(r"\{\{-?(.*?)-?\}\}", re.DOTALL)
_ESCAPE: Final = re.compile(r"\\(?:u[0-9a-fA-F]{4}|.)", re.DOTALL)
_OPENING: Final = frozenset((TOKEN_LBRACKET, TOKEN_LPAREN, TOKEN_RANGE_LITERAL))
_CLOSING: Final = frozenset((TOKEN_RBRACKET, TOKEN_RPAREN))
_PIPES: Final = frozenset((TOKEN_PIPE, TOKEN_DPIPE))
_WORDS: Final = frozenset((TOKEN_IF, TOKEN_ELSE, TOKEN_AND, TOKEN_OR, TOKEN_NOT, TOKEN_CONTAINS, TOKEN_WITH, TOKEN_FOR))
_BEFORE_VALUES: Final = _WORDS | frozenset((
    TOKEN_ASSIGN, TOKEN_APPEND, TOKEN_COMMA, TOKEN_COLON, TOKEN_LPAREN, TOKEN_RANGE_LITERAL, TOKEN_RANGE,
    *(operators[written] for written in ("==", "!=", "<>", "<", ">", "<=", ">=")),
))  # fmt: skip
"""Tokens behind which a value begins, so that a bracket is a list's, and not a member's."""
_OF_PATHS: Final = frozenset(
    (TOKEN_WORD, TOKEN_DOT, TOKEN_IDENTINDEX, TOKEN_IDENTSTRING, TOKEN_LBRACKET, TOKEN_RBRACKET)
)


def literal_tokens(env: Environment, expression: Token) -> list[Token]:
    """Return the tokens of an expression; a literal in it is parsed, and one token.

    Raises:
        LiquidSyntaxError: for what cannot be a token, and for a literal that cannot be parsed.
    """
    if _MARKS.search(expression.value) is None:
        return list(tokenize(expression.value, expression))
    return _Reading(env, expression).tokens()


def literal_stream(env: Environment, stream: TokenStream, tag: Token) -> TokenStream:
    """Return the tokens of the expression that a stream stands at, for a tag whose values may be literals."""
    if stream.current.kind != TOKEN_EXPRESSION:
        raise LiquidSyntaxError("missing expression", token=tag)
    return TokenStream(iter(literal_tokens(env, stream.current)))


def parse_expression(env: Environment, stream: TokenStream) -> FilteredExpression | TernaryFilteredExpression:
    """Parse a value with filters, which may be or hold literals.

    Raises:
        LiquidSyntaxError: when it is none.
    """
    expression = FilteredExpression.parse(env, stream)
    settle(expression)
    return expression


class _Reading:
    """One pass over the text of an expression.

    Args:
        env: knows the filters, some of which take keywords.
        expression: its token.
    """

    def __init__(self, env: Environment, expression: Token) -> None:
        self._env = env
        self._text = expression.value
        self._base = expression.start_index
        self._source = expression.source
        self._at = 0
        self._depth = 0  # of literals in each other

    def tokens(self) -> list[Token]:
        """Return all tokens."""
        tokens, _ = self._until("", lambda _: True)
        return tokens

    def _token(self, kind: str, value: str, at: int) -> Token:
        return Token(kind, value, self._base + at, self._source)

    def _until(self, ends: str, is_end: Callable[[list[Token]], bool]) -> tuple[list[Token], str]:
        """Return the tokens up to one of some characters outside brackets, and which it was; "" for the end.

        Args:
            ends: the characters.
            is_end: whether the comma behind the tokens is one that ends them.
        """
        found: list[Token] = []
        open_brackets = 0
        while True:
            self._skip()
            character = self._text[self._at : self._at + 1]
            if not character or (ends and not open_brackets and character in "]}" and character not in ends):
                return found, ""
            if not open_brackets and character in ends:
                self._at += 1
                if character != "," or is_end(found):
                    return found, character
                self._at -= 1
            tokens = self._next(found)
            for token in tokens:
                open_brackets += (token.kind in _OPENING) - (token.kind in _CLOSING)
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
        if text[at] == "{":
            return [self._literal(at, self._object)]
        if is_value and text[at] == "[":
            return self._list_or_path(at, before)
        if is_value and self._depth:
            found = _EXPONENT.match(text, at) or _TEXT.match(text, at)
            if found:
                self._at = found.end()
                return [self._number(found[0], at) if found[0][0] != '"' else self._string(found[0], at)]
        match = _RE.match(text, at)
        assert match is not None  # its last rule takes any character
        self._at = match.end()
        # Alone it is what it is in its place: only a bracket looks further, and for more than there may be.
        piece = Token(TOKEN_EXPRESSION, match.group(), self._base + at, self._source)
        kind = match.lastgroup or ""
        tokens = [self._token(kind, "(", at)] if kind == TOKEN_RANGE_LITERAL else list(tokenize(piece.value, piece))
        if self._depth and is_value and tokens[0].kind == TOKEN_STRING:
            return [self._string(match.group(), at)]
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
        value = _unescaped(written[1:-1]) if written[0] == '"' else written[1:-1]
        if "{{" not in value:
            return self._token(TOKEN_STRING, value, at)
        parts: list[str | Expression] = []
        end = 0
        for found in _JOINED.finditer(value):
            place = self._text.find(found[1], at) if found[1] else at
            parts += [value[end : found.start()], self._parse_alone(found[1], max(place, at))]
            end = found.end()
        parts.append(value[end:])
        if len(parts) == 1:
            return self._token(TOKEN_STRING, value, at)
        return self._token(TOKEN_STRING, Folded.of(written, JoinedText, tuple(parts)), at)

    def _parse_alone(self, text: str, at: int) -> Expression:
        token = self._token(TOKEN_EXPRESSION, text.strip(), at + len(text) - len(text.lstrip()))
        tokens = [*tokenize(token.value, token), Token(TOKEN_EOF, "", token.start_index, self._source)]
        return parse_expression(self._env, TokenStream(iter(tokens)))

    def _literal(self, at: int, read: Callable[[int], Token]) -> Token:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            message = f"the template is nested too deep: at most {MAX_DEPTH} lists and objects in each other"
            raise NestedTooDeep(message, token=self._token(TOKEN_LBRACKET, self._text[at], at))
        token = read(at)
        self._depth -= 1
        self._skip()
        if self._text.startswith((".", "["), self._at) and not self._text.startswith("..", self._at):
            message = "a list or object that is written out has no members here: assign it first"
            raise TagSyntaxError(message, token=self._token(TOKEN_DOT, self._text[self._at], self._at))
        return token

    # Lists

    def _list_or_path(self, at: int, before: list[Token]) -> list[Token]:
        """Return the token of a list; of one name in brackets, as in Liquid at large, those of a path."""
        path = None if self._depth else self._path_in_brackets(at, before)
        return [self._literal(at, self._list)] if path is None else path

    def _path_in_brackets(self, at: int, before: list[Token]) -> list[Token] | None:
        alone = _RE.match(self._text, at)
        if alone is not None and alone.lastgroup == TOKEN_IDENTSTRING:
            quoted = alone["identquoted"]
            # An argument of a filter cannot be one of these in Liquid at large, so it is free to be a list.
            if alone["identquote"] not in quoted and not _is_in_filter(before):
                self._at = alone.end()
                return [self._token(TOKEN_IDENTSTRING, quoted, at)]
            return None
        self._at = at + 1
        try:
            tokens, end = self._until("]", lambda _: True)
        except LiquidSyntaxError:
            self._depth = 0
            tokens, end = [], ""
        if end and tokens and all(token.kind in _OF_PATHS for token in tokens):
            closing = self._token(TOKEN_RBRACKET, "]", self._at - 1)
            return [self._token(TOKEN_LBRACKET, "[", at), *tokens, closing]
        self._at = at
        return None

    def _list(self, at: int) -> Token:
        self._at = at + 1
        items: list[Expression] = []
        while True:
            comma = self._at - 1
            tokens, end = self._until(",]", lambda _: True)
            self._refuse_end(at, end, tokens, items, comma)
            if not tokens:
                break
            items.append(self._value(tokens))
            if end == "]":
                break
        return self._folded(at, ListLiteral, tuple(items))

    def _refuse_end(self, at: int, end: str, tokens: list[Token], before: list[Any], comma: int) -> None:
        """Refuse a literal that is never closed, a comma without a value, and a comma at the end."""
        opening = self._text[at]
        closing = "]" if opening == "[" else "}"
        if not end:
            raise TagSyntaxError(
                f"this {opening} is never closed: add {closing}", token=self._token(TOKEN_LBRACKET, opening, at)
            )
        if tokens:
            return
        if end == ",":
            message = "a value is missing before this comma"
            raise TagSyntaxError(message, token=self._token(TOKEN_COMMA, ",", self._at - 1))
        if before:
            message = f"remove this comma: nothing follows it before the {closing}"
            raise TagSyntaxError(message, token=self._token(TOKEN_COMMA, ",", comma))

    def _value(self, tokens: list[Token]) -> Expression:
        """Parse one value in a literal."""
        end = self._token(TOKEN_EOF, "", self._at - 1)
        try:
            expression = parse_expression(self._env, TokenStream(iter([*tokens, end])))
        except NestedTooDeep:
            raise
        except LiquidSyntaxError as error:
            token = error.token
            if isinstance(error, TagSyntaxError) or token is None or token.kind == TOKEN_EOF or token is tokens[0]:
                raise
            message = f"unexpected '{token.value}': a comma stands between values"
            raise TagSyntaxError(message, token=token) from error
        if type(expression) is FilteredExpression and not expression.filters:
            return expression.left
        return expression

    # Objects

    def _object(self, at: int) -> Token:
        if self._text.startswith("{{", at):
            message = "names stand without {{ }} in a tag: write the name alone"
            raise TagSyntaxError(message, token=self._token(TOKEN_LBRACKET, "{{", at))
        self._at = at + 1
        entries: list[tuple[str | Path, Expression]] = []
        while True:
            comma = self._at - 1
            self._skip()
            head = _KEY.match(self._text, self._at)
            if head is None:
                self._end_object(at, bool(entries), comma)
                break
            key_at = self._at
            self._at = head.end()
            tokens, end = self._until(",}", self._is_next_entry)
            if not tokens:
                self._refuse_value(head, key_at, at, end)
            self._refuse_end(at, end, tokens, entries, comma)
            entries.append((self._key(head, key_at), self._value(tokens)))
            if end == "}":
                break
        return self._folded(at, ObjectLiteral, tuple(entries))

    def _end_object(self, at: int, has_entries: bool, comma: int) -> None:
        """Go behind the end of an object where no key stands.

        Raises:
            TagSyntaxError: when something else stands there.
        """
        found = self._text[self._at : self._at + 1]
        self._at += 1
        if found in ("", "}"):
            self._refuse_end(at, found, [], [comma] if has_entries else [], comma)
            return
        self._at -= 1
        token = self._next([])[0]
        if token.kind in (TOKEN_STRING, TOKEN_WORD):
            message = f"the key '{token.value}' has no value: write {show_key(token)}: and a value"
        else:
            message = f"'{token.value}' is no key: a key is a text in quotes, or a name, with a colon behind it"
        raise TagSyntaxError(message, token=token)

    def _refuse_value(self, head: re.Match[str], key_at: int, at: int, end: str) -> None:
        if not end:
            self._refuse_end(at, end, [], [], at)
        key = head["name"] or head["quoted"][1:-1]
        raise TagSyntaxError(f"the key '{key}' has no value", token=self._token(TOKEN_WORD, key, key_at))

    def _key(self, head: re.Match[str], at: int) -> str | Path:
        quoted = head["quoted"]
        if quoted:
            return _unescaped(quoted[1:-1]) if quoted[0] == '"' else quoted[1:-1]
        if head["name"].isdigit():
            return head["name"]
        return Path(self._token(TOKEN_WORD, head["name"], at), [head["name"]])

    def _is_next_entry(self, tokens: list[Token]) -> bool:
        """Return whether the comma behind the tokens of a value ends it, and not an argument of its last filter."""
        names = [token for before, token in pairwise(tokens) if before.kind in _PIPES]
        if not names:
            return True
        at = self._at
        self._skip()
        start, self._at = self._at, at
        if self._text[start : start + 1] in ("", "}", ","):
            return True
        head = _KEY.match(self._text, start)
        if head is None:
            return False
        name = self._token(TOKEN_WORD, head["name"] or "", start)
        return not (head["name"] and takes(self._env, names[-1], name, after_colon=tokens[-1].kind == TOKEN_COLON))

    def _folded(self, at: int, kind: Any, parts: tuple[Any, ...]) -> Token:
        return self._token(TOKEN_STRING, Folded.of(self._text[at : self._at], kind, parts), at)


def _is_in_filter(before: list[Token]) -> bool:
    """Return whether what follows some tokens is an argument of a filter."""
    ends = (token.kind for token in reversed(before) if token.kind in _PIPES or token.kind in (TOKEN_IF, TOKEN_ELSE))
    return next(ends, "") in _PIPES


def show_key(token: Token) -> str:
    """Return a key as it is written."""
    return f'"{token.value}"' if token.kind == TOKEN_STRING else str(token.value)


def _unescaped(text: str) -> str:
    """Return a text with what JSON's escapes stand for; other backslashes are as they are."""
    return _ESCAPE.sub(lambda found: _escaped(found[0]), text) if "\\" in text else text


def _escaped(written: str) -> str:
    try:
        character: str = json.loads(f'"{written}"')
    except ValueError:
        return written
    return written if "\ud800" <= character <= "\udfff" else character
