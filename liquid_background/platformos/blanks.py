"""Comparisons with `blank` in which nil and false are blank, too."""

from __future__ import annotations

from typing import Any, Final

from liquid import RenderContext
from liquid.builtin.expressions.logical import EqExpression, NeExpression, _eq
from liquid.builtin.expressions.primitive import Blank
from liquid.expression import Expression
from liquid.undefined import is_undefined


class EqBlank(EqExpression):
    """`value == blank`."""

    __slots__ = ()

    def evaluate(self, context: RenderContext) -> object:
        """Return whether the value is blank."""
        return _is_blank(self.left.evaluate(context), self.right.evaluate(context))

    async def evaluate_async(self, context: RenderContext) -> object:
        """Return whether the value is blank."""
        return _is_blank(await self.left.evaluate_async(context), await self.right.evaluate_async(context))


class NeBlank(NeExpression):
    """`value != blank`."""

    __slots__ = ()

    def evaluate(self, context: RenderContext) -> object:
        """Return whether the value is anything."""
        return not _is_blank(self.left.evaluate(context), self.right.evaluate(context))

    async def evaluate_async(self, context: RenderContext) -> object:
        """Return whether the value is anything."""
        return not _is_blank(await self.left.evaluate_async(context), await self.right.evaluate_async(context))


def settle_blank(part: Expression) -> None:
    """Make a comparison with `blank`, if this is one, one of these; the classes add no slots."""
    if type(part) in COMPARISONS and Blank in (type(part.left), type(part.right)):  # type: ignore[attr-defined]
        part.__class__ = COMPARISONS[type(part)]


COMPARISONS: Final[dict[type[Any], type[Any]]] = {EqExpression: EqBlank, NeExpression: NeBlank}


def _is_blank(left: object, right: object) -> bool:
    return any(value is None or value is False or is_undefined(value) for value in (left, right)) or _eq(left, right)
