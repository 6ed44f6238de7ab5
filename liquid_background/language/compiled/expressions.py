"""Expressions as Python: each is written as lines that end with its value in a local variable."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from liquid.builtin.expressions import FilteredExpression, Path
from liquid.builtin.expressions.filtered import TernaryFilteredExpression
from liquid.builtin.expressions.logical import (
    BooleanExpression,
    EqExpression,
    GeExpression,
    GtExpression,
    LeExpression,
    LogicalAndExpression,
    LogicalNotExpression,
    LogicalOrExpression,
    LtExpression,
    NeExpression,
)
from liquid.builtin.expressions.primitive import (
    Blank,
    Empty,
    FalseLiteral,
    FloatLiteral,
    IntegerLiteral,
    Nil,
    StringLiteral,
    TrueLiteral,
)
from liquid.expression import Expression
from markupsafe import Markup

from liquid_background.language.bounds import BoundedContains, PlainPath
from liquid_background.language.compiled.filters import Filters
from liquid_background.language.compiled.source import Value
from liquid_background.language.handed import HandedOverPath
from liquid_background.language.syntax.arguments import HeldExpression, HeldTernary


class Expressions(Filters):
    """Writes expressions; paths and filters as the classes before it do."""

    def write(self, part: Expression) -> Value:
        """Write an expression; return its value."""
        self.steps += 1
        writer = _WRITERS.get(type(part))
        with self.source.at(part.token):
            return self.evaluated(part) if writer is None else writer(self, part)

    def truth(self, part: Expression) -> str:
        """Write a condition; return Python that is true or false."""
        inner = part.expression if type(part) is BooleanExpression else part
        value = self.write(inner)
        return self.true(value)

    @staticmethod
    def true(value: Value) -> str:
        """Return Python for whether a value is true in Liquid."""
        if value.kind == "bool":
            return value.python
        if value.kind:
            return "False" if value.kind == "NoneType" else "True"
        name = value.python
        return f"({name} is True or {name} is not False and {name} is not None and truth({name}))"

    # Literals

    def literal(self, part: Any) -> Value:
        """Write nothing: a literal is its own value."""
        value = part.value
        if type(value) is str:
            markup = self.source.value(Markup(value)) if self.source.autoescape else None
            return Value(markup or self.source.text(value), "" if markup else "str")
        if type(value) is int:
            return Value(self.source.number(value), "int")
        return Value(self.source.value(value), type(value).__name__ if type(value) is float else "")

    def fixed(self, part: Expression) -> Value:
        """Write nothing: what it is evaluated to is always the same."""
        if type(part) is Nil:
            return Value("None", "NoneType")
        if type(part) in (Empty, Blank):
            return Value(self.source.value(part))
        return Value("True" if type(part) is TrueLiteral else "False", "bool")

    # Filters

    def filtered(self, part: FilteredExpression) -> Value:
        """Write a value and what its filters make of it."""
        return self.made_of(self.write(part.left), part.filters)

    def held(self, part: FilteredExpression | TernaryFilteredExpression) -> Value:
        """Write an argument of a tag, of what is made of which account is kept."""
        value = self.filtered(part) if isinstance(part, FilteredExpression) else self.ternary(part)
        if not value.kind:
            python = value.python
            self.source.line(f"if type({python}) is str or type({python}) not in FLAT: context.hold({python})")
        return value

    def ternary(self, part: TernaryFilteredExpression) -> Value:
        """Write `a if b else c`."""
        name, line, block = self.source.fresh(), self.source.line, self.source.block
        condition = self.truth(part.condition)
        with block(f"if {condition}:"):
            line(f"{name} = {self.write(part.left).python}")
        with block("else:"):
            if part.alternative:
                line(f"{name} = {self.made_of(self.write(part.alternative), part.filters).python}")
            else:
                line(f"{name} = None")
        return self.made_of(Value(name), part.tail_filters)

    # Logic

    def negated(self, part: LogicalNotExpression) -> Value:
        """Write `not`."""
        return Value(f"(not {self.truth(part.right)})", "bool")

    def both(self, part: LogicalAndExpression) -> Value:
        """Write `and`, whose right side is evaluated when the left one is true."""
        return self._joined(part, "if {0}:")

    def either(self, part: LogicalOrExpression) -> Value:
        """Write `or`, whose right side is evaluated when the left one is not true."""
        return self._joined(part, "if not {0}:")

    def _joined(self, part: LogicalAndExpression | LogicalOrExpression, head: str) -> Value:
        name, line = self.source.fresh(), self.source.line
        line(f"{name} = {self.truth(part.left)}")
        with self.source.block(head.format(name)):
            line(f"{name} = {self.truth(part.right)}")
        return Value(name, "bool")

    def compared(self, part: Any) -> Value:
        """Write a comparison: Python's own for texts and numbers, and else python-liquid's."""
        sides = part.left, part.right
        left, right = map(self.write, sides if type(part) is not GtExpression else sides[::-1])
        python, other = _COMPARED[type(part)]
        return self._compared(left, right, python, other.format("{0}", "{1}", self.source.value(part.token)))

    def equal(self, left: Value, right: Value) -> str:
        """Write whether two values are equal; return Python for it."""
        return self._compared(left, right, *_COMPARED[EqExpression]).python

    def _compared(self, left: Value, right: Value, python: str, other: str) -> Value:
        name, given = self.source.fresh(), (left.python, right.python)
        alike = _alike(left, right, equality="=" in python and "<" not in python)
        self.source.line(f"{name} = {python.format(*given)} if {alike} else {other.format(*given)}")
        return Value(name)

    def contained(self, part: BoundedContains) -> Value:
        """Write `contains`: Python's own for a text in a text or list."""
        left, right = self.write(part.left), self.write(part.right)
        name, node = self.source.fresh(), self.source.value(part)
        texts = [f"type({right.python}) is str"] if right.kind != "str" else []
        are = " and ".join([f"(type({left.python}) is str or type({left.python}) is list)", *texts])
        told = f"{node}.told(context, {left.python}, {right.python})"
        self.source.line(f"{name} = {right.python} in {left.python} if {are} else {told}")
        return Value(name, "bool")


def _alike(left: Value, right: Value, *, equality: bool) -> str:
    """Return Python for whether two values are compared as Python compares them."""
    kinds = {left.kind, right.kind}
    if "bool" in kinds or (not equality and "NoneType" in kinds):
        return "False"  # a `bool` is a number to Python alone
    unsure = [value.python for value in (left, right) if not value.kind]
    if equality:
        return " and ".join(f"type({python}) in UNLIKE" for python in unsure) or "True"
    if "str" in kinds:
        return (
            (" and ".join(f"type({python}) is str" for python in unsure) or "True") if kinds <= {"str", ""} else "False"
        )
    numbers = " and ".join(f"type({python}) in NUMBERS" for python in unsure) or "True"
    if len(unsure) < len((left, right)):
        return numbers
    texts = " and ".join(f"type({python}) is str" for python in unsure)
    return f"({numbers} or {texts})"


_COMPARED: Final[dict[type, tuple[str, str]]] = {
    EqExpression: ("{0} == {1}", "eq({0}, {1})"),
    NeExpression: ("{0} != {1}", "not eq({0}, {1})"),
    LtExpression: ("{0} < {1}", "lt({2}, {0}, {1})"),
    GtExpression: ("{0} < {1}", "lt({2}, {0}, {1})"),  # python-liquid evaluates and compares its right side first
    LeExpression: ("{0} <= {1}", "le({0}, {1})"),
    GeExpression: ("{1} <= {0}", "le({1}, {0})"),
}

_WRITERS: Final[dict[type, Callable[[Expressions, Any], Value]]] = {
    Path: Expressions.path,
    PlainPath: Expressions.path,
    HandedOverPath: Expressions.handed_over,
    StringLiteral: Expressions.literal,
    IntegerLiteral: Expressions.literal,
    FloatLiteral: Expressions.literal,
    TrueLiteral: Expressions.fixed,
    FalseLiteral: Expressions.fixed,
    Nil: Expressions.fixed,
    Empty: Expressions.fixed,
    Blank: Expressions.fixed,
    FilteredExpression: Expressions.filtered,
    TernaryFilteredExpression: Expressions.ternary,
    HeldExpression: Expressions.held,
    HeldTernary: Expressions.held,
    BooleanExpression: lambda self, part: Value(self.truth(part), "bool"),
    LogicalNotExpression: Expressions.negated,
    LogicalAndExpression: Expressions.both,
    LogicalOrExpression: Expressions.either,
    BoundedContains: Expressions.contained,
    **dict.fromkeys(_COMPARED, Expressions.compared),
}
