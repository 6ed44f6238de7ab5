"""Which block is open at a place in a template, and what to say when it is never closed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

from liquid import Environment, Token, TokenStream
from liquid.builtin.output import Output
from liquid.exceptions import LiquidError, LiquidSyntaxError
from liquid.token import TOKEN_EOF, TOKEN_EXPRESSION, TOKEN_OUTPUT, TOKEN_TAG

from liquid_background.errors import TagSyntaxError
from liquid_background.language.syntax import expression_tokens, starts_assignment
from liquid_background.lazy import kept
from liquid_background.nearest import Suggestions

_EXPECTED: Final = re.compile(r"expected tag (\w+), found")
_LEFT_OPEN: Final = re.compile(r"\w+ tag wa[sd] never closed")
_PARTS: Final = frozenset(("elsif", "when", "catch", "endblock"))  # of tags that python-liquid or we parse
_PACKAGES: Final = ("liquid.", "liquid_background.")
_VERBATIM: Final = frozenset(("comment", "doc"))  # what stands in them is no tag


class Tokens(TokenStream):
    """The tokens of a template or a `{% liquid %}` tag, with the blocks that they open.

    Args:
        env: knows which tags are blocks.
        tokens: of the template.
        block_depth_carry: how many blocks are open around them.
    """

    def __init__(self, env: Environment, tokens: Iterator[Token], block_depth_carry: int = 0) -> None:
        super().__init__(tokens, block_depth_carry)
        self._env = env
        around = _parsed.get()
        self.suggestions: Suggestions = around.suggestions if around is not None else Suggestions()
        self.eof = Token(TOKEN_EOF, TOKEN_EOF, -1, "")  # one of its own, unlike that of every expression

    @contextmanager
    def being_parsed(self) -> Iterator[None]:
        """Have errors that are raised inside, and know no place, be placed by these tokens."""
        reset = _parsed.set(self)
        try:
            yield
        finally:
            _parsed.reset(reset)

    def into_inner(self, *, tag: Token | None = None, eat: bool = True) -> TokenStream:
        """Return the tokens of the expression that is the current token.

        Raises:
            LiquidSyntaxError: when there is none, at the tag.
        """
        expression = self.current
        if expression.kind != TOKEN_EXPRESSION:
            raise LiquidSyntaxError("missing expression", token=tag or expression)
        name = self.tokens[self.pos - 1].value if self.pos else ""
        if eat:
            next(self)
        return TokenStream(iter(expression_tokens(self._env, expression, name, own=is_own(self._env, name))))

    def opener(self, end: str = "") -> Token | None:
        """Return the tag of the innermost block that is open at the current token.

        Args:
            end: the end tag that is missing; of any block when not given.
        """
        innermost, around = self._opened
        at = innermost[min(self.pos, len(self.tokens))]
        while at >= 0 and end and self._end_of(self.tokens[at]) != end:
            at = around[at]
        return self.tokens[at] if at >= 0 else None

    def last(self, kind: str) -> Token | None:
        """Return the token of a kind that was read last."""
        read = (self.tokens[at] for at in range(min(self.pos, len(self.tokens) - 1), -1, -1))
        return next((token for token in read if token.kind == kind), None)

    @kept
    def _opened(self) -> tuple[list[int], dict[int, int]]:
        """For each token the place of the innermost open block's tag, -1 without one; and the block around each."""
        innermost: list[int] = []
        around: dict[int, int] = {}
        current = -1
        for at, token in enumerate(self.tokens):
            innermost.append(current)
            if token.kind != TOKEN_TAG:
                continue
            if current >= 0 and token.value == self._end_of(self.tokens[current]):
                current = around[current]
            elif self._opens(at) and not (current >= 0 and self.tokens[current].value in _VERBATIM):
                around[at] = current
                current = at
        innermost.append(current)
        return innermost, around

    def _opens(self, at: int) -> bool:
        token = self.tokens[at]
        tag = self._env.tags.get(token.value)
        if tag is None or not tag.block:
            return False
        return token.value != "background" or not starts_assignment(self.tokens[min(at + 1, len(self.tokens) - 1)])

    def _end_of(self, opener: Token) -> str:
        return getattr(self._env.tags.get(opener.value), "end", "") or f"end{opener.value}"


def is_own(env: Environment, name: str) -> bool:
    """Return whether a tag is parsed by python-liquid or by us, and not by an application's class."""
    if name in _PARTS:
        return True
    tag = env.tags.get(name)
    return tag is not None and type(tag).parse.__module__.startswith(_PACKAGES)


def suggestions() -> Suggestions:
    """Return what says near names in the template that is being parsed."""
    tokens = _parsed.get()
    return tokens.suggestions if tokens is not None else Suggestions()


_parsed: ContextVar[Tokens | None] = ContextVar("_parsed", default=None)


def never_closed(opener: Token, before: str = "") -> TagSyntaxError:
    """Return the error for a block without its end tag, at its opening tag."""
    missing = f"never closed{before}: add {{% end{opener.value} %}}"
    return TagSyntaxError(f"this '{opener.value}' is {missing}", token=opener)


def placed(error: LiquidError) -> LiquidError:
    """Return an error of parsing with its place: python-liquid gives none to what it misses at an end.

    To be called where a tag caught it.
    """
    tokens = _parsed.get()
    if tokens is None or not isinstance(error, LiquidSyntaxError):
        return error
    message, token = str(error.message), error.token
    if token is not None and token.start_index >= 0:
        return never_closed(token) if _LEFT_OPEN.fullmatch(message) else error
    if token is tokens.eof:
        expected = _EXPECTED.match(message)
        opener = tokens.opener(expected[1] if expected else "")
        if opener is not None:
            return never_closed(opener)
    # Something is missing at the end of an expression, and the tag that reads it calls this.
    reader = error.__traceback__.tb_frame.f_locals.get("self") if error.__traceback__ is not None else None
    error.token = tokens.last(TOKEN_OUTPUT if isinstance(reader, Output) else TOKEN_EXPRESSION) or token
    return error
