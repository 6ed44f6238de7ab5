"""Bounds in a parsed template: its ranges are of a limited length, and what its filters return of a limited size."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from liquid import BoundTemplate, Environment, Node, RenderContext
from liquid.builtin.expressions import FilteredExpression, LoopExpression
from liquid.builtin.expressions.filtered import TernaryFilteredExpression
from liquid.builtin.expressions.primitive import RangeLiteral
from liquid.expression import Expression

from liquid_background.errors import LimitReached
from liquid_background.filters import MAX_VALUE, check_result
from liquid_background.limits import MAX_RANGE


class BoundedRange(RangeLiteral):
    """A range literal that filters, operators and tags may take whole, or walk through in one go."""

    __slots__ = ()

    def _make_range(self, start: Any, stop: Any) -> range:
        made = super()._make_range(start, stop)
        if made[MAX_RANGE:]:
            message = f"the range has over {MAX_RANGE:,} numbers, the limit for all but a 'for' that counts through it"
            raise LimitReached(message, token=self.token)
        return made


class BoundedExpression(FilteredExpression):
    """An expression with filters, each of whose results is measured before the next one takes it."""

    __slots__ = ()

    def evaluate(self, context: RenderContext) -> object:
        """Return the value."""
        value = self.left.evaluate(context)
        for each in self.filters or ():
            value = each.evaluate(value, context)
            kind = type(value)
            if kind is str:
                if len(value) > MAX_VALUE:  # type: ignore[arg-type]
                    check_result(context.env, each.name, value)
            elif kind is not float and kind is not bool:
                check_result(context.env, each.name, value)
        return value

    async def evaluate_async(self, context: RenderContext) -> object:
        """Return the value."""
        value = await self.left.evaluate_async(context)
        for each in self.filters or ():
            value = await each.evaluate_async(value, context)
            check_result(context.env, each.name, value)
        return value


def set_bounds(env: Environment, nodes: Iterable[Node]) -> None:
    """Bound what a parsed template evaluates, but for a range that a `for` takes number by number."""
    static = RenderContext(BoundTemplate(env, []))
    left: list[Node | Expression] = [*nodes]
    while left:
        part = left.pop()
        if isinstance(part, Node):
            left.extend(part.expressions())
            left.extend(part.children(static, include_partials=False))
            continue
        children = list(part.children())
        # The template is the environment's own, and the classes add no slots.
        if isinstance(part, RangeLiteral):
            part.__class__ = BoundedRange
        elif isinstance(part, FilteredExpression):
            if part.filters:
                part.__class__ = BoundedExpression
        elif isinstance(part, TernaryFilteredExpression):
            children.append(part.left)
        elif isinstance(part, LoopExpression) and _is_counted(part):
            children = [child for child in children if child is not part.iterable]
        left.extend(children)


def _is_counted(loop: LoopExpression) -> bool:
    """Return whether a loop takes a range one by one; python-liquid skips to an offset, and reverses, in one go."""
    return isinstance(loop.iterable, RangeLiteral) and loop.offset is None and not loop.reversed
