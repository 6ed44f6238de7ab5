"""Tag arguments: `label, name: expression | filter: x, name: …`, each value a full Liquid expression."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from liquid import Environment, RenderContext, Token, TokenStream
from liquid.builtin.expressions import FilteredExpression
from liquid.builtin.expressions.filtered import TernaryFilteredExpression
from liquid.exceptions import LiquidSyntaxError
from liquid.expression import Expression
from liquid.token import (
    TOKEN_COLON,
    TOKEN_COMMA,
    TOKEN_DPIPE,
    TOKEN_EOF,
    TOKEN_EXPRESSION,
    TOKEN_FLOAT,
    TOKEN_IDENTINDEX,
    TOKEN_IDENTSTRING,
    TOKEN_IF,
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
from liquid_background.language.syntax.literals import is_literal, parse_expression
from liquid_background.language.syntax.location import parsing
from liquid_background.language.syntax.options import OPTIONS
from liquid_background.language.syntax.reading import literal_tokens
from liquid_background.language.syntax.signatures import takes

_OPENING: Final = frozenset((TOKEN_LBRACKET, TOKEN_LPAREN, TOKEN_RANGE_LITERAL))
_CLOSING: Final = frozenset((TOKEN_RBRACKET, TOKEN_RPAREN))
_PIPES: Final = frozenset((TOKEN_PIPE, TOKEN_DPIPE))
_SAID_BETTER: Final = _PIPES | _OPENING | {TOKEN_IF}  # of a mistake behind these, python-liquid says more
_NOT_NAMES: Final = frozenset((TOKEN_STRING, TOKEN_INTEGER, TOKEN_FLOAT, TOKEN_IDENTINDEX, TOKEN_IDENTSTRING))
# As python-liquid's tokens are: a word starts with no `-` and is no number, and `==` or `=!` is one token.
_PLACE: Final = r"(?:[ \n\t\r]*(?:\.[ \n\t\r]*\w[\w-]*|\[(?:[^\[\]]|\[[^\[\]]*\])*\]))*"  # in a list or object
_ASSIGNMENT: Final = re.compile(rf"[ \n\t\r]*(?!\d+\b)(?P<name>\w[\w-]*\??){_PLACE}[ \n\t\r]*(?:<<|=(?![!=<>]))")


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
        return parse_expression(env, self.head)

    def values(self, env: Environment, *, missing: str) -> list[Expression]:
        """Return the head as values with commas between them; a comma behind an argument of a filter is the filter's.

        Raises:
            TagSyntaxError: with `missing` as its message, when there is no head.
        """
        values: list[Expression] = []
        start, depth, takes_more = 0, 0, False
        tokens = self.head.tokens
        for index, token in enumerate(tokens):
            depth += (token.kind in _OPENING) - (token.kind in _CLOSING)
            if depth:
                continue
            takes_more = token.kind == TOKEN_COLON or (takes_more and token.kind not in _PIPES)
            if token.kind == TOKEN_EOF or (token.kind == TOKEN_COMMA and not takes_more):
                part = Arguments(_stream(tokens[start:index], token), ())
                values.append(part.expression(env, missing=missing if not values else "a value is missing here"))
                start = index + 1
        return values

    def partial(self, env: Environment) -> Expression:
        """Return the head as the name of a partial, to which no filter applies: that stands behind an argument.

        Raises:
            TagSyntaxError: when there is no name.
            ArgumentError: for a filter, in STRICT mode.
        """
        name = self.expression(env, missing="the name of a partial is missing")
        if not isinstance(name, FilteredExpression) or not name.filters:
            return name
        message = f"the filter '{name.filters[0].name}' does not apply to a partial's name: assign the name before"
        env.error(ArgumentError(message, token=name.filters[0].token, template_name=parsing.get()))
        name.filters = []
        return name


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
    inner = literal_tokens(env, token, tag.value)
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
        elif last_filter is None or not takes(env, last_filter, token, after_colon=before == TOKEN_COLON):
            last_filter = None
            yield index


def _is_name(token: Token) -> bool:
    # Words that python-liquid reserves (`for`, `with`, `true`) may be tokens of a kind of their own.
    return token.kind not in _NOT_NAMES and (token.value[:1].isalnum() or token.value[:1] == "_")


def _without_comma(tokens: list[Token]) -> list[Token]:
    return tokens[:-1] if tokens and tokens[-1].kind == TOKEN_COMMA else tokens


def _parse_argument(env: Environment, name: Token, value: list[Token], following: Token) -> Argument:
    if not value:
        raise TagSyntaxError(f"argument '{name.value}' has no value", token=name)
    try:
        expression = parse_expression(env, _stream(value, following))
    except LiquidSyntaxError as error:
        raise _told_by_option(name, value, following) or error from error
    # A variable or text without filters is nothing new. The expression has just been parsed; the class adds no slots.
    if type(expression) is FilteredExpression and (expression.filters or is_literal(expression.left)):
        expression.__class__ = HeldExpression
    elif isinstance(expression, TernaryFilteredExpression):
        expression.__class__ = HeldTernary
    return Argument(name.value, expression, name)


def _told_by_option(name: Token, value: list[Token], following: Token) -> ArgumentError | None:
    """Return what an option says about what is no one value, such as `10 s`, `1,5` or `send email`."""
    option = OPTIONS.get(name.value)
    if option is None or any(token.kind in _SAID_BETTER for token in value):
        return None
    for token in value[1:]:
        if token.value in OPTIONS:
            return ArgumentError(f"a colon is missing: write {token.value}: …", token=token)
    end = following.start_index + (following.kind == TOKEN_EOF)
    written = name.source[name.start_index + len(name.value) : end].lstrip().removeprefix(":").strip(" \t\r\n,")
    return ArgumentError(option.unreadable(written), token=value[0])


def _stream(tokens: list[Token], following: Token) -> TokenStream:
    """Return a stream that ends where the following token starts, so that `expected a value` has a place."""
    return TokenStream(iter([*tokens, Token(TOKEN_EOF, "", following.start_index, following.source)]))


def expression_stream(tokens: Iterable[Token], expression: Token) -> TokenStream:
    """Return a stream of an expression's tokens whose end has a place: that of its last character."""
    stream = TokenStream(iter(tokens))
    end = expression.start_index + max(len(expression.value) - 1, 0)
    stream.eof = Token(TOKEN_EOF, "", end, expression.source)
    return stream


def literal_stream(env: Environment, stream: TokenStream, tag: Token) -> TokenStream:
    """Return the tokens of the expression that a stream stands at, for a tag whose values may be literals."""
    if stream.current.kind != TOKEN_EXPRESSION:
        raise LiquidSyntaxError("missing expression", token=tag)
    return expression_stream(literal_tokens(env, stream.current, tag.value), stream.current)


def starts_assignment(expression: Token) -> bool:
    """Return whether the token behind a tag's name is an expression that starts with `name =`, or with a place."""
    return expression.kind == TOKEN_EXPRESSION and _ASSIGNMENT.match(expression.value) is not None


def is_partial_form(expression: Token) -> bool:
    """Return whether what stands behind `background` is the partial form: `name =`, where that is no option's name."""
    found = _ASSIGNMENT.match(expression.value) if expression.kind == TOKEN_EXPRESSION else None
    return found is not None and found["name"] not in OPTIONS
