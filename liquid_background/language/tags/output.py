"""`{{ value }}` and `echo`: printed as python-liquid does it, in fewer steps for plain text without filters."""

from __future__ import annotations

from typing import Final, TextIO

from liquid import RenderContext, Token, TokenStream
from liquid.builtin import output
from liquid.builtin.expressions import FilteredExpression
from liquid.builtin.tags import echo_tag
from liquid.expression import Expression
from liquid.stringify import to_liquid_string
from liquid.token import TOKEN_EXPRESSION, TOKEN_OUTPUT

from liquid_background.jobs.sizes import FLAT
from liquid_background.language.filters import check_text
from liquid_background.language.limits import Text, look_soon
from liquid_background.language.syntax import expression_stream, expression_tokens

LARGE: Final = 4096  # characters that are worth a check before they are written


class OutputNode(output.OutputNode):
    """An output statement."""

    __slots__ = ("_bare",)

    def __init__(self, token: Token, expression: Expression) -> None:
        super().__init__(token, expression)
        self._bare = bare(expression)

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        """Print the value."""
        value = self._bare.evaluate(context)
        if type(value) is str and not context.autoescape:
            return buffer.write(value) if len(value) < LARGE else write_large(buffer, value)
        return self.put(value, context, buffer)

    async def render_to_output_async(self, context: RenderContext, buffer: TextIO) -> int:
        """Print the value."""
        return self.put(await self._bare.evaluate_async(context), context, buffer)

    def put(self, value: object, context: RenderContext, buffer: TextIO) -> int:
        """Print a value that the expression was evaluated to."""
        if type(value) not in FLAT:
            look_soon(context)
            value = check_text(context.env, "{{ … }}", value, self._bare, joined=True, html=context.autoescape)
        text = to_liquid_string(value, context.autoescape)
        return buffer.write(text) if len(text) < LARGE else write_large(buffer, text)


def write_large(buffer: TextIO, text: str) -> int:
    """Write a large text, if there is room for it.

    Raises:
        LimitReached: when there is not.
    """
    if isinstance(buffer, Text):
        buffer.check(buffer.tell() + len(text))
    return buffer.write(text)


class OutputTag(output.Output):
    """The pseudo tag of output statements."""

    node_class = OutputNode

    def parse(self, stream: TokenStream) -> OutputNode:
        """Return the node; the stream is left at the statement's last token."""
        token = stream.eat(TOKEN_OUTPUT)
        expression = stream.expect(TOKEN_EXPRESSION)
        inner = expression_stream(expression_tokens(self.env, expression, ""), expression)
        return self.node_class(token, FilteredExpression.parse(self.env, inner))


class EchoNode(OutputNode, echo_tag.EchoNode):
    """An output statement as a tag."""


class EchoTag(echo_tag.EchoTag):
    """`{% echo value %}`."""

    node_class = EchoNode


def bare(expression: Expression) -> Expression:
    """Return what an expression without filters wraps: it is evaluated in every render."""
    return expression.left if type(expression) is FilteredExpression and not expression.filters else expression
