"""Which block is open at a place in a template, and what to say when it is never closed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

from liquid import Environment, Token, TokenStream
from liquid.exceptions import LiquidError, LiquidSyntaxError
from liquid.token import TOKEN_EOF, TOKEN_EXPRESSION, TOKEN_OUTPUT, TOKEN_TAG

from liquid_background.errors import TagSyntaxError
from liquid_background.language.syntax import (
    expression_stream,
    expression_tokens,
    in_liquid_tag,
    is_partial_form,
    reworded,
    unclosed,
)
from liquid_background.lazy import kept
from liquid_background.nearest import Suggestions

_EXPECTED: Final = re.compile(r"expected tag (\w+), found")
_LEFT_OPEN: Final = re.compile(r"\w+ tag wa[sd] never closed")
_PARTIAL_FIRST: Final = re.compile(r"background\s+('[\w-]+(?:/[\w-]+)+')")
_PARTS: Final = frozenset(("elsif", "when", "catch", "endblock"))  # of tags that python-liquid or we parse
BRANCHES: Final = ("else", "elsif", "when", "catch")  # of blocks, beside their ends
_PACKAGES: Final = ("liquid.", "liquid_background.")
_NO_EXPRESSION: Final = "expected expression, found"
_TAGS: Final = frozenset((TOKEN_TAG, TOKEN_OUTPUT))
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
        self.are_mixed = False  # whether a block was ended inside another, as was told: what follows is no more to tell
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
        tokens = expression_tokens(self._env, expression, name, own=is_own(self._env, name))
        return expression_stream(tokens, expression)

    def opener(self, end: str = "") -> Token | None:
        """Return the tag of the innermost block that is open at the current token.

        Args:
            end: the end tag that is missing; of any block when not given.
        """
        innermost, around = self._opened
        at = innermost[min(self.pos, len(self.tokens))]
        while at >= 0 and end and self.end_of(self.tokens[at]) != end:
            at = around[at]
        return self.tokens[at] if at >= 0 else None

    def left_open(self) -> Token | None:
        """Return the tag of the innermost block at the current token, if it or one around it is never closed."""
        innermost, around = self._opened
        opener = at = innermost[min(self.pos, len(self.tokens))]
        while at >= 0 and at not in self._never_closed:
            at = around[at]
        return self.tokens[opener] if at >= 0 else None

    @kept
    def _never_closed(self) -> frozenset[int]:
        """The places of the tags of blocks that are open where the tokens end."""
        innermost, around = self._opened
        found, at = set(), innermost[-1]
        while at >= 0:
            found.add(at)
            at = around[at]
        return frozenset(found)

    def partial_form(self) -> Token | None:
        """Return the background tag before the current token, if it is one that runs a partial and has no body."""
        for at in range(min(self.pos, len(self.tokens)) - 1, -1, -1):
            if self.tokens[at].kind == TOKEN_TAG and self.tokens[at].value == "background":
                return None if self._opens(at) else self.tokens[at]
        return None

    def last(self, kind: str) -> Token | None:
        """Return the token of a kind that was read last."""
        read = (self.tokens[at] for at in range(min(self.pos, len(self.tokens) - 1), -1, -1))
        return next((token for token in read if token.kind == kind), None)

    def is_echo(self, end: Token) -> bool:
        """Return whether a tag ends nothing because of what was told before: that nobody knows its beginning."""
        name = end.value.removeprefix("end")
        if name == end.value:
            return end.value in BRANCHES and self._has_unknown_block
        if name in self._env.tags:
            return self.are_mixed and self.opener(end.value) is None
        return any(token.kind == TOKEN_TAG and token.value == name for token in self.tokens[: self.pos])

    @kept
    def _has_unknown_block(self) -> bool:
        """Whether a tag that nobody knows has its end in the template."""
        named = {token.value for token in self.tokens if token.kind == TOKEN_TAG}
        return any(f"end{name}" in named for name in named if name not in self._env.tags)

    def tag_at(self, token: Token | None) -> Token | None:
        """Return the tag or output that a token is in, as far as the tokens were read."""
        for at in range(min(self.pos, len(self.tokens) - 1), -1, -1):
            found = self.tokens[at]
            if found.kind in _TAGS and (token is None or found.start_index <= token.start_index):
                return found
        return None

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
            if current >= 0 and token.value == self.end_of(self.tokens[current]):
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
        return token.value != "background" or not is_partial_form(self.tokens[min(at + 1, len(self.tokens) - 1)])

    def end_of(self, opener: Token) -> str:
        """Return the name of a block's end tag."""
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
    message = f"this '{opener.value}' is never closed{before}: add {end_as_written(opener)}"
    partial = _PARTIAL_FIRST.match(opener.source, opener.start_index)
    if partial is not None:  # written as `include` is
        message += f", or run a partial by background _ = {partial[1]}"
    return TagSyntaxError(message, token=opener)


def end_as_written(opener: Token) -> str:
    """Return the end tag of a block as it is written where that stands."""
    end = f"end{opener.value}"
    return end if in_liquid_tag.get() else f"{{% {end} %}}"


class _Worded(str):
    """A message that says what an author needs, whoever sees it next."""

    __slots__ = ()


def placed(error: LiquidError) -> LiquidError | None:
    """Return an error of parsing with its place, and in words of the template: python-liquid's are of its parser.

    None is for one that only follows from what was told before.

    To be called where a tag caught it.
    """
    tokens = _parsed.get()
    if tokens is None or not isinstance(error, LiquidSyntaxError):
        return error
    message, token = str(error.message), error.token
    if token is tokens.eof:
        expected = _EXPECTED.match(message)
        opener = tokens.opener(expected[1] if expected else "")
        if opener is not None:
            return None if tokens.are_mixed else never_closed(opener)
    elif token is not None and _LEFT_OPEN.fullmatch(message):
        return None if tokens.are_mixed else never_closed(token)
    if tokens.are_mixed and token is not None and message == never_closed(token).message:
        return None
    if isinstance(error, TagSyntaxError) or isinstance(error.message, _Worded):
        return error
    if message.startswith(_NO_EXPRESSION) and token is not None:  # which is what stands behind the tag
        tokens.pos -= tokens.current is token  # so that what stands there is read, and not left out with the tag
        error.token = token = tokens.tag_at(token._replace(start_index=token.start_index - 1))
    tag = tokens.tag_at(token if token is not None and token.start_index >= 0 else None)
    error.args = (_Worded(reworded(error, tag)), *error.args[1:])
    if token is None or token.start_index < 0:
        error.token = tag
    return (unclosed(tag) if tag is not None else None) or error
