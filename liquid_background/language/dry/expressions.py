"""Expressions of a dry run: one that decides by what depends on an effect says so, and has some answer."""

from __future__ import annotations

from typing import Any

from liquid import RenderContext
from liquid.builtin.expressions import FilteredExpression
from liquid.builtin.expressions.filtered import Filter, TernaryFilteredExpression
from liquid.builtin.expressions.logical import (
    BooleanExpression,
    GeExpression,
    GtExpression,
    LeExpression,
    LtExpression,
)
from liquid.expression import Expression

from liquid_background.language.dry.judging import is_known
from liquid_background.language.dry.trace import Trace


def _trace(context: RenderContext) -> Trace:
    trace: Trace = context.env.trace  # type: ignore[attr-defined]
    return trace


class _Condition(BooleanExpression):
    """A condition: what comes behind depends on what it has read."""

    __slots__ = ()

    def evaluate(self, context: RenderContext) -> bool:
        """Return whether it holds."""
        with _trace(context).inside(passes_on=False):
            return super().evaluate(context)


class _Compared(Expression):
    """A comparison of order: it holds where a side of it is not known."""

    __slots__ = ()
    left: Expression
    right: Expression

    def evaluate(self, context: RenderContext) -> object:
        """Return whether it holds."""
        trace = _trace(context)
        numbers = trace.marks.numbers([self.left.evaluate(context), self.right.evaluate(context)])
        trace.note(numbers)
        return True if numbers else super().evaluate(context)  # type: ignore[safe-super]


class _Less(_Compared, LtExpression):
    __slots__ = ()


class _LessOrEqual(_Compared, LeExpression):
    __slots__ = ()


class _Greater(_Compared, GtExpression):
    __slots__ = ()


class _GreaterOrEqual(_Compared, GeExpression):
    __slots__ = ()


def _foreign(kind: type) -> type:
    """Return the class of the application's expressions of a class: they are not evaluated."""

    def evaluate(self: Expression, context: RenderContext) -> object:
        trace, name = _trace(context), kind.__name__
        return trace.value_of(trace.effect("tag", name, {}), name)

    def children(_: Expression) -> list[Expression]:
        return []  # nobody asks the application

    names = {"__slots__": (), "__module__": __name__, "evaluate": evaluate, "children": children}
    return type(kind.__name__, (kind,), names)


_DRY: dict[type, type] = {
    BooleanExpression: _Condition,
    LtExpression: _Less,
    LeExpression: _LessOrEqual,
    GtExpression: _Greater,
    GeExpression: _GreaterOrEqual,
}
_made: dict[type, type] = {}  # of the application's classes


def settle(part: Any) -> None:
    """Make another class of an expression, where a dry run reads it otherwise."""
    kind = type(part)
    if kind in _DRY:
        part.__class__ = _DRY[kind]
    elif not is_known(kind):
        if kind not in _made:
            _made[kind] = _foreign(kind)
        part.__class__ = _made[kind]
    elif isinstance(part, FilteredExpression):
        part.filters = _plain(part.filters)
    elif isinstance(part, TernaryFilteredExpression):
        part.filters, part.tail_filters = _plain(part.filters), _plain(part.tail_filters)


def _plain(filters: list[Filter] | None) -> list[Filter] | None:
    """Return filters without what a class of the application's has of its own."""
    return filters and [each if is_known(type(each)) else Filter(each.token, each.name, each.args) for each in filters]
