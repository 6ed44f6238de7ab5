"""The tokens of a tag's expression: python-liquid's, with a literal list or object as one of them, and `<<`."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from liquid import Environment, Token, TokenStream
from liquid.builtin.expressions import FilteredExpression, Path, parse_primitive
from liquid.builtin.expressions._tokenize import _RE
from liquid.exceptions import LiquidSyntaxError
from liquid.expression import Expression
from liquid.token import (
    TOKEN_COMMA,
    TOKEN_DOT,
    TOKEN_EOF,
    TOKEN_IDENTINDEX,
    TOKEN_IDENTSTRING,
    TOKEN_INTEGER,
    TOKEN_LBRACKET,
    TOKEN_RBRACKET,
    TOKEN_STRING,
    TOKEN_WORD,
)

from liquid_background.errors import NestedTooDeep, TagSyntaxError
from liquid_background.jobs.handover import MAX_DEPTH
from liquid_background.language.syntax.literals import Folded, KeyName, ListLiteral, ObjectLiteral, parse_expression
from liquid_background.language.syntax.scanning import Scanner, unescaped_json
from liquid_background.language.syntax.signatures import takes
from liquid_background.language.syntax.words import expression_tokens, with_names

_MARKS: Final = re.compile(r"[\[{]|<<")
_KEY: Final = re.compile(r"(?:(?P<quoted>\"(?:[^\"\\]|\\.)*\"|'[^']*')|(?P<name>\w[\w-]*\??))[ \n\t\r]*:", re.DOTALL)
_SIMPLE: Final = frozenset((TOKEN_INTEGER, TOKEN_STRING, TOKEN_WORD))
_OF_PATHS: Final = frozenset(
    (TOKEN_WORD, TOKEN_DOT, TOKEN_IDENTINDEX, TOKEN_IDENTSTRING, TOKEN_LBRACKET, TOKEN_RBRACKET)
)


def literal_tokens(env: Environment, expression: Token, tag: str) -> list[Token]:
    """Return the tokens of an expression; a literal in it is parsed, and one token.

    Args:
        env: knows the filters, some of which take keywords.
        expression: as the lexer found it.
        tag: whose it is.

    Raises:
        LiquidSyntaxError: for what cannot be a token, and for a literal that cannot be parsed.
    """
    if _MARKS.search(expression.value) is None:
        return expression_tokens(env, expression, tag)
    return with_names(env, _Reading(env, expression).tokens(), tag)


class _NoPath(Exception):
    """Raised where what stands in brackets turns out to be no path."""


class _Reading(Scanner):
    """One pass over the text of an expression with the literals in it, and a look ahead for paths in brackets."""

    _looks_for_path = False

    def _bracket(self, at: int, before: list[Token]) -> list[Token]:
        """Return the token of a literal; of one name in brackets, as in Liquid at large, those of a path."""
        if self._text[at] == "{":
            self._refuse_path()
            return [self._literal(at, self._object)]
        path = None if self._depth else self._path_in_brackets(at)
        if path is not None and self._is_list(at, before):
            path, self._at = None, at
        if path is None:
            self._refuse_path()
            return [self._literal(at, self._list)]
        return path

    def _refuse_path(self) -> None:
        """End a look ahead for a path: literals in brackets that are none would be read once for each of these."""
        if self._looks_for_path:
            raise _NoPath

    def _accept(self, tokens: list[Token]) -> None:
        """Accept the tokens that come next, unless a path is looked for that has none such."""
        if self._looks_for_path and not all(token.kind in _OF_PATHS for token in tokens):
            raise _NoPath

    def _is_list(self, at: int, before: list[Token]) -> bool:
        """Return whether a name alone in brackets is a list, as a dialect may have it; one with a member never is."""
        dialect: Any = getattr(self._env, "dialect", None)  # environments of others have none
        if not before or dialect is None or not dialect.brackets_are_lists:
            return False
        self._skip()
        return not self._text.startswith((".", "["), self._at)

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

    def _path_in_brackets(self, at: int) -> list[Token] | None:
        alone = _RE.match(self._text, at)
        if alone is not None and alone.lastgroup == TOKEN_IDENTSTRING:
            quoted = alone["identquoted"]
            # An argument of a filter cannot be one of these in Liquid at large, so it is free to be a list.
            if alone["identquote"] not in quoted and not self._is_in_filter:
                self._at = alone.end()
                return [self._token(TOKEN_IDENTSTRING, quoted, at)]
            return None
        tokens, end = self._ahead(at)
        if end and tokens:
            closing = self._token(TOKEN_RBRACKET, "]", self._at - 1)
            return [self._token(TOKEN_LBRACKET, "[", at), *tokens, closing]
        self._at = at
        return None

    def _ahead(self, at: int) -> tuple[list[Token], str]:
        """Return the tokens of the path that stands in brackets, and its end; none where something else does."""
        is_first, self._looks_for_path = not self._looks_for_path, True
        self._at = at + 1
        try:
            return self._until("]")
        except (_NoPath, LiquidSyntaxError):
            if not is_first:
                raise
            return [], ""
        finally:
            self._looks_for_path = not is_first

    def _list(self, at: int) -> Token:
        self._at = at + 1
        items: list[Expression] = []
        while True:
            comma = self._at - 1
            tokens, end = self._until(",]")
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
        if len(tokens) == 1 and tokens[0].kind in _SIMPLE and type(tokens[0].value) is str:
            return parse_primitive(self._env, TokenStream(iter([*tokens, end])))
        try:
            expression = parse_expression(self._env, TokenStream(iter([*with_names(self._env, tokens, ""), end])))
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
            tokens, end = self._until(",}", self._goes_on)
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
            return unescaped_json(quoted[1:-1]) if quoted[0] == '"' else quoted[1:-1]
        if head["name"].isdigit():
            return head["name"]
        return KeyName(self._token(TOKEN_WORD, head["name"], at), [head["name"]])

    def _goes_on(self, last_filter: Token) -> bool:
        """Return whether another argument of a value's last filter follows, and not the next key or the end."""
        at = self._at
        self._skip()
        start, self._at = self._at, at
        if self._text[start : start + 1] in ("", "}", ","):
            return False
        head = _KEY.match(self._text, start)
        if head is None or not head["name"]:
            return head is None
        return takes(self._env, last_filter, self._token(TOKEN_WORD, head["name"], start), after_colon=False)

    def _folded(self, at: int, kind: Any, parts: tuple[Any, ...]) -> Token:
        return self._token(TOKEN_STRING, Folded.of(self._text[at : self._at], kind, parts), at)


def show_key(token: Token) -> str:
    """Return a key as it is written."""
    return f'"{token.value}"' if token.kind == TOKEN_STRING else str(token.value)
