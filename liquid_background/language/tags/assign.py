"""`assign`: python-liquid's, with lists and objects that are written out, and writing into those that there are."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, TextIO

from liquid import Node, RenderContext, Token, TokenStream
from liquid.builtin.expressions import Identifier, parse_identifier
from liquid.builtin.tags import assign_tag
from liquid.expression import Expression
from liquid.token import TOKEN_ASSIGN, TOKEN_DOT, TOKEN_IDENTINDEX, TOKEN_IDENTSTRING, TOKEN_LBRACKET, TOKEN_TAG

from liquid_background.language.syntax import TOKEN_APPEND, literal_stream, parse_expression
from liquid_background.language.tags.writing import Target, parse_target

_IN_VARIABLES: Final = frozenset((TOKEN_APPEND, TOKEN_DOT, TOKEN_IDENTINDEX, TOKEN_IDENTSTRING, TOKEN_LBRACKET))


class WriteNode(Node):
    """`{% assign h["k"] = v %}` and `{% assign a << v %}`."""

    __slots__ = ("expression", "target")

    def __init__(self, token: Token, target: Target, expression: Expression) -> None:
        super().__init__(token)
        self.target = target
        self.expression = expression

    def __str__(self) -> str:
        return f"{{% assign {self.target} {self.expression} %}}"

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        """Write the value; print nothing."""
        self.target.set(context, self.expression.evaluate(context))
        return 0

    async def render_to_output_async(self, context: RenderContext, buffer: TextIO) -> int:
        """Write the value; print nothing."""
        await self.target.set_async(context, await self.expression.evaluate_async(context))
        return 0

    def expressions(self) -> Iterable[Expression]:
        """Return what is read: the variable that is written into, the keys, and the value."""
        yield from self.target.expressions()
        yield self.expression

    def template_scope(self) -> Iterable[Identifier]:
        """Return the variable."""
        yield self.target.name


class AssignTag(assign_tag.AssignTag):
    """`{% assign name = value | filter %}`, and with a place in a list or object instead of the name."""

    def parse(self, stream: TokenStream) -> Any:
        """Return the node; the stream is left at the tag's last token."""
        token = stream.eat(TOKEN_TAG)
        tokens = literal_stream(self.env, stream, token)
        if tokens.peek.kind in _IN_VARIABLES:
            target = parse_target(self.env, tokens)
            return WriteNode(token, target, parse_expression(self.env, tokens))
        name = parse_identifier(self.env, tokens, allow_trailing_question_mark=False)
        tokens.eat(TOKEN_ASSIGN)
        return self.node_class(token, name=name, expression=parse_expression(self.env, tokens))
