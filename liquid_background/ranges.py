"""Ranges that are values: of a limited length, wherever they end up. A `for` alone counts through a longer one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from liquid import BoundTemplate, Environment, Node, RenderContext
from liquid.builtin.expressions import LoopExpression
from liquid.builtin.expressions.primitive import RangeLiteral
from liquid.expression import Expression

from liquid_background.errors import LimitReached
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


def bound_ranges(env: Environment, nodes: Iterable[Node]) -> None:
    """Limit the ranges in a parsed template, but for those that a `for` takes number by number."""
    static = RenderContext(BoundTemplate(env, []))
    left: list[Node | Expression] = [*nodes]
    while left:
        part = left.pop()
        if isinstance(part, Node):
            left.extend(part.expressions())
            left.extend(part.children(static, include_partials=False))
        elif isinstance(part, RangeLiteral):
            # The template is the environment's own, and the class adds no slots.
            part.__class__ = BoundedRange
            left.extend(part.children())
        elif isinstance(part, LoopExpression) and _is_counted(part):
            left.extend(child for child in part.children() if child is not part.iterable)
        else:
            left.extend(part.children())


def _is_counted(loop: LoopExpression) -> bool:
    """Return whether a loop takes a range one by one; python-liquid skips to an offset, and reverses, in one go."""
    return isinstance(loop.iterable, RangeLiteral) and loop.offset is None and not loop.reversed
