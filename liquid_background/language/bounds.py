"""Bounds in a parsed template: its ranges are of a limited length, and what its filters return of a limited size."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from liquid import BoundTemplate, Environment, Node, RenderContext
from liquid.builtin.expressions import FilteredExpression, LoopExpression
from liquid.builtin.expressions.filtered import Filter, TernaryFilteredExpression
from liquid.builtin.expressions.logical import ContainsExpression
from liquid.builtin.expressions.primitive import RangeLiteral
from liquid.expression import Expression

from liquid_background.errors import LimitReached
from liquid_background.language.filters import MAX_VALUE, check_result, check_text
from liquid_background.language.limits import MAX_RANGE

BOUNDED: Final = ("|", "..", "contains")
"""A template with none of these has nothing to bound."""


class BoundedRange(RangeLiteral):
    """A range literal that filters, operators and tags may take whole, or walk through in one go."""

    __slots__ = ()

    def _make_range(self, start: Any, stop: Any) -> range:
        made = super()._make_range(start, stop)
        if made[MAX_RANGE:]:
            message = f"the range has over {MAX_RANGE:,} numbers, the limit for all but a 'for' that counts through it"
            raise LimitReached(message, token=self.token)
        return made


class BoundedFilter(Filter):
    """A filter whose result is measured before the next one takes it."""

    __slots__ = ()

    def evaluate(self, left: object, context: RenderContext) -> object:
        """Return what it makes of a value."""
        value = Filter.evaluate(self, left, context)
        kind = type(value)
        if kind is str:
            if len(value) > MAX_VALUE:  # type: ignore[arg-type]
                check_result(context.env, self.name, value)
        elif kind is not float and kind is not bool:
            check_result(context.env, self.name, value)
        return value

    async def evaluate_async(self, left: object, context: RenderContext) -> object:
        """Return what it makes of a value."""
        value = await Filter.evaluate_async(self, left, context)
        check_result(context.env, self.name, value)
        return value


class BoundedContains(ContainsExpression):
    """`text contains value`, which makes text of the value."""

    __slots__ = ()

    def evaluate(self, context: RenderContext) -> object:
        """Return whether it does."""
        if isinstance(self.left.evaluate(context), str):
            check_text(context.env, "contains", self.right.evaluate(context))
        return super().evaluate(context)

    async def evaluate_async(self, context: RenderContext) -> object:
        """Return whether it does."""
        if isinstance(await self.left.evaluate_async(context), str):
            check_text(context.env, "contains", await self.right.evaluate_async(context))
        return await super().evaluate_async(context)


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
        if type(part) is RangeLiteral:
            part.__class__ = BoundedRange  # the template is the environment's own, and the class adds no slots
        elif type(part) is ContainsExpression:
            part.__class__ = BoundedContains
        elif isinstance(part, FilteredExpression):
            _bound_filters(part.filters)
        elif isinstance(part, TernaryFilteredExpression):
            children.append(part.left)
            _bound_filters(part.filters)
            _bound_filters(part.tail_filters)
        elif isinstance(part, LoopExpression) and _is_counted(part):
            children = [child for child in children if child is not part.iterable]
        left.extend(children)


def _bound_filters(filters: Iterable[Filter] | None) -> None:
    for each in filters or ():
        if type(each) is Filter:  # an application's own goes its own way
            each.__class__ = BoundedFilter


def _is_counted(loop: LoopExpression) -> bool:
    """Return whether a loop takes a range one by one; python-liquid skips to an offset, and reverses, in one go."""
    return isinstance(loop.iterable, RangeLiteral) and loop.offset is None and not loop.reversed
