"""`{{ value }}`: printed as python-liquid does it, in fewer steps for plain text without filters."""

from __future__ import annotations

from typing import TextIO

from liquid import RenderContext, Token
from liquid.builtin import output
from liquid.builtin.expressions import FilteredExpression
from liquid.expression import Expression
from liquid.stringify import to_liquid_string


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
            return buffer.write(value)
        return buffer.write(to_liquid_string(value, context.autoescape))


class OutputTag(output.Output):
    """The pseudo tag of output statements."""

    node_class = OutputNode


def bare(expression: Expression) -> Expression:
    """Return what an expression without filters wraps: it is evaluated in every render."""
    return expression.left if type(expression) is FilteredExpression and not expression.filters else expression
