"""Tag arguments: `label, name: expression | filter: x, name: …`, each value a full Liquid expression."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from liquid import Environment, RenderContext, Token, TokenStream
from liquid.builtin.expressions import FilteredExpression
from liquid.builtin.expressions.filtered import TernaryFilteredExpression
from liquid.exceptions import LiquidSyntaxError
from liquid.expression import Expression
from liquid.token import (
    TOKEN_COLON,
    TOKEN_COMMA,
    TOKEN_DOT,
    TOKEN_DPIPE,
    TOKEN_EOF,
    TOKEN_EXPRESSION,
    TOKEN_FLOAT,
    TOKEN_IDENTINDEX,
    TOKEN_IDENTSTRING,
    TOKEN_INTEGER,
    TOKEN_LBRACKET,
    TOKEN_LPAREN,
    TOKEN_PIPE,
    TOKEN_RANGE_LITERAL,
    TOKEN_RBRACKET,
    TOKEN_RPAREN,
    TOKEN_STRING,
)

from liquid_background.errors import ArgumentError, TagSyntaxError
from liquid_background.language.syntax.options import OPTIONS
from liquid_background.language.syntax.words import expression_tokens

_OPENING: Final = frozenset((TOKEN_LBRACKET, TOKEN_LPAREN, TOKEN_RANGE_LITERAL))
_CLOSING: Final = frozenset((TOKEN_RBRACKET, TOKEN_RPAREN))
_PIPES: Final = frozenset((TOKEN_PIPE, TOKEN_DPIPE))
_NOT_NAMES: Final = frozenset((TOKEN_STRING, TOKEN_INTEGER, TOKEN_FLOAT, TOKEN_IDENTINDEX, TOKEN_IDENTSTRING))
_BEGINS_NUMBER: Final = frozenset((TOKEN_INTEGER, TOKEN_FLOAT, TOKEN_DOT))
# As python-liquid's tokens are: a word starts with no `-` and is no number, and `==` or `=!` is one token.
_ASSIGNMENT: Final = re.compile(r"[ \n\t\r]*(?!\d+\b)(?P<name>\w[\w-]*\??)[ \n\t\r]*=(?![!=<>])")
_INJECTED: Final = frozenset(("context", "environment"))  # python-liquid fills these in; no template can


class _Held(Expression):
    """Evaluates as the class beside it does, and has the context keep account of what that made."""

    __slots__ = ()

    def evaluate(self, context: RenderContext) -> object:
        """Return the value."""
        value = super().evaluate(context)  # type: ignore[safe-super]
        if hasattr(context, "hold"):  # contexts of others do not
            context.hold(value)
        return value

    async def evaluate_async(self, context: RenderContext) -> object:
        """Return the value."""
        value = await super().evaluate_async(context)
        if hasattr(context, "hold"):
            context.hold(value)
        return value


class HeldExpression(_Held, FilteredExpression):
    """An argument with filters."""

    __slots__ = ()


class HeldTernary(_Held, TernaryFilteredExpression):
    """An argument that says which of two values it has."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Argument:
    """One named argument of a tag."""

    name: str
    value: Expression
    token: Token  # of the name


@dataclass(frozen=True, slots=True)
class Arguments:
    """The arguments of one tag."""

    head: TokenStream  # what stands before the first named argument; ends in an EOF token
    named: tuple[Argument, ...]

    def expression(self, env: Environment, *, missing: str) -> Expression:
        """Return the head as one filtered expression.

        Raises:
            TagSyntaxError: with `missing` as its message, when there is no head.
        """
        if self.head.current.kind == TOKEN_EOF:
            raise TagSyntaxError(missing, token=self.head.current)
        return FilteredExpression.parse(env, self.head)


def parse_arguments(env: Environment, stream: TokenStream, tag: Token) -> Arguments:
    """Parse the expression of a tag; `stream` stands behind the tag's own token and is left there.

    `name:` outside brackets starts the next argument, so each value may use filters: python-liquid would read
    `append: '-', next: 1` as an argument of the filter. A keyword-only argument that the filter just before
    declares stays with it (`default: x, allow_false: true`). Commas between arguments may be left out.

    Raises:
        TagSyntaxError: for a value that is missing.
    """
    tokens = _tokens(env, stream, tag)
    starts = list(_argument_starts(env, tokens))
    head = tokens[: starts[0]] if starts else tokens[:-1]
    named = []
    for start, end in pairwise([*starts, len(tokens) - 1]):
        named.append(_parse_argument(env, tokens[start], _without_comma(tokens[start + 2 : end]), tokens[end]))
    return Arguments(_stream(_without_comma(head), tokens[len(head)]), tuple(named))


def _tokens(env: Environment, stream: TokenStream, tag: Token) -> list[Token]:
    """Return the expression's tokens and an EOF that knows where it is, for errors at the end to point at."""
    if stream.current.kind != TOKEN_EXPRESSION:
        end = tag.start_index + len(tag.value) - 1
        return [Token(TOKEN_EOF, "", end, tag.source)]
    token = stream.current
    inner = expression_tokens(env, token, tag.value)
    return [*inner, Token(TOKEN_EOF, "", token.start_index + len(token.value) - 1, token.source)]


def _argument_starts(env: Environment, tokens: list[Token]) -> Iterator[int]:
    """Yield the index of each argument's name token."""
    depth = 0
    last_filter: Token | None = None
    for index, token in enumerate(tokens[:-1]):
        if token.kind in _OPENING:
            depth += 1
        elif token.kind in _CLOSING:
            depth -= 1
        if depth or not _is_name(token):
            continue
        before = tokens[index - 1].kind if index else TOKEN_EOF
        if before in _PIPES:
            last_filter = token
        elif tokens[index + 1].kind != TOKEN_COLON:
            continue
        elif last_filter is None or not _takes(env, last_filter, token, after_colon=before == TOKEN_COLON):
            last_filter = None
            yield index


def _is_name(token: Token) -> bool:
    # Words that python-liquid reserves (`for`, `with`, `true`) may be tokens of a kind of their own.
    return token.kind not in _NOT_NAMES and (token.value[:1].isalnum() or token.value[:1] == "_")


def _takes(env: Environment, last_filter: Token, name: Token, *, after_colon: bool) -> bool:
    """Return whether `name:` belongs to the filter, by the filter's own signature."""
    function = env.filters.get(last_filter.value)
    if function is None or name.value in _INJECTED:
        return False
    for parameter in _signature(function).values():
        if parameter.kind is parameter.KEYWORD_ONLY and parameter.name == name.value:
            return True
        if parameter.kind is parameter.VAR_KEYWORD and after_colon:
            return True
    return False


def _signature(function: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    try:
        return dict(inspect.signature(function).parameters)
    except (ValueError, TypeError):  # a builtin that declares none
        return {}


def _without_comma(tokens: list[Token]) -> list[Token]:
    return tokens[:-1] if tokens and tokens[-1].kind == TOKEN_COMMA else tokens


def _parse_argument(env: Environment, name: Token, value: list[Token], following: Token) -> Argument:
    if not value:
        raise TagSyntaxError(f"argument '{name.value}' has no value", token=name)
    try:
        expression = FilteredExpression.parse(env, _stream(value, following))
    except LiquidSyntaxError as error:
        raise _told_by_option(name, value) or error from error
    # What has no filters makes nothing new. The expression has just been parsed, and the class adds no slots.
    if type(expression) is FilteredExpression and expression.filters:
        expression.__class__ = HeldExpression
    elif isinstance(expression, TernaryFilteredExpression):
        expression.__class__ = HeldTernary
    return Argument(name.value, expression, name)


def _told_by_option(name: Token, value: list[Token]) -> ArgumentError | None:
    """Return what an option says about a number with more around it, such as `10 s` or `1,5`; None for other values."""
    option = OPTIONS.get(name.value)
    if option is None or not option.numeric or value[0].kind not in _BEGINS_NUMBER:
        return None
    written = name.source[value[0].start_index : value[-1].start_index + len(value[-1].value)]
    remedy = option.near(written)
    return ArgumentError(f"{name.value}: `{written}` is no number: {remedy}", token=value[0]) if remedy else None


def _stream(tokens: list[Token], following: Token) -> TokenStream:
    """Return a stream that ends where the following token starts, so that `expected a value` has a place."""
    return TokenStream(iter([*tokens, Token(TOKEN_EOF, "", following.start_index, following.source)]))


def expression_stream(tokens: Iterable[Token], expression: Token) -> TokenStream:
    """Return a stream of an expression's tokens whose end has a place: that of its last character."""
    stream = TokenStream(iter(tokens))
    end = expression.start_index + max(len(expression.value) - 1, 0)
    stream.eof = Token(TOKEN_EOF, "", end, expression.source)
    return stream


def starts_assignment(expression: Token) -> bool:
    """Return whether the token behind a tag's name is an expression that starts with `name =`."""
    return expression.kind == TOKEN_EXPRESSION and _ASSIGNMENT.match(expression.value) is not None


def is_partial_form(expression: Token) -> bool:
    """Return whether what stands behind `background` is the partial form: `name =`, where that is no option's name."""
    found = _ASSIGNMENT.match(expression.value) if expression.kind == TOKEN_EXPRESSION else None
    return found is not None and found["name"] not in OPTIONS
