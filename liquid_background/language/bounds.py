"""Bounds in a parsed template: its ranges are of a limited length, and what its filters return of a limited size."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from functools import partial
from math import isnan
from typing import Any, Final, NoReturn

from liquid import BlockNode, BoundTemplate, Environment, Node, RenderContext
from liquid.builtin.expressions import FilteredExpression, LoopExpression, Path, PositionalArgument
from liquid.builtin.expressions.filtered import Filter, TernaryFilteredExpression
from liquid.builtin.expressions.logical import ContainsExpression, _contains
from liquid.builtin.expressions.primitive import FloatLiteral, IntegerLiteral, Literal, RangeLiteral, StringLiteral
from liquid.exceptions import (
    FilterArgumentError,
    FilterError,
    FilterItemTypeError,
    FilterValueError,
    LiquidError,
    LiquidTypeError,
    LiquidValueError,
)
from liquid.expression import Expression

from liquid_background.errors import LimitReached, NotExposed
from liquid_background.jobs.sizes import FLAT, MAX_TEXT, is_short, megabytes, range_size
from liquid_background.language.dialect import dialect_in
from liquid_background.language.exposed import KNOWN, PLAIN, Exposure
from liquid_background.language.filters import check_result, check_text
from liquid_background.language.limits import LARGE, MAX_RANGE, look, look_soon
from liquid_background.language.pacing import pace

_LITERALS: Final = frozenset((IntegerLiteral, FloatLiteral))
_SMALL: Final = frozenset((float, bool, type(None)))
_UNLIKE_NUMBERS: Final = (str, list, tuple, dict, range, Expression, type(None))


class BodyNode(Node):
    """A node whose body runs as a job of its own: a background block."""

    __slots__ = ()

    def parameter_names(self) -> Iterable[str]:
        """Return the names that its body is given."""
        raise NotImplementedError

    def evaluated(self) -> Iterable[Expression]:
        """Return what is evaluated here; of a block in another one, which only its job renders, the arguments alone."""
        raise NotImplementedError


class BoundedRange(RangeLiteral):
    """A range literal that filters, operators and tags may take whole, or walk through in one go."""

    __slots__ = ()

    def _make_range(self, start: Any, stop: Any) -> range:
        made = super()._make_range(start, stop)
        if made[MAX_RANGE:]:
            message = f"the range has over {MAX_RANGE:,} numbers, the limit for all but a 'for' that counts through it"
            raise LimitReached(message, token=self.token)
        if range_size(made) > MAX_TEXT:
            message = f"the range's numbers take over {megabytes(MAX_TEXT)} together; the limit is fixed"
            raise LimitReached(message, token=self.token)
        return made

    def evaluate(self, context: RenderContext) -> range:
        """Return the numbers; whatever takes many of them takes long."""
        made = super().evaluate(context)
        if made[LARGE:]:
            look(context)
        return made

    async def evaluate_async(self, context: RenderContext) -> range:
        """Return the numbers."""
        made = await super().evaluate_async(context)
        if made[LARGE:]:
            look(context)
        return made


class PlainPath(Path):
    """A path of names and numbers only, with nothing to evaluate in it."""

    __slots__ = ()

    def evaluate(self, context: RenderContext) -> object:
        """Return what it stands for."""
        return context.get(self.path, token=self.token)  # type: ignore[arg-type]

    async def evaluate_async(self, context: RenderContext) -> object:
        """Return what it stands for."""
        return await context.get_async(self.path, token=self.token)  # type: ignore[arg-type]


class BoundedFilter(Filter):
    """A filter whose result is measured before the next one takes it; arguments that are literals are read once."""

    __slots__ = ("_fixed", "_positional")

    def __init__(self, env: Environment, plain: Filter) -> None:
        super().__init__(plain.token, plain.name, plain.args)
        values = [arg.value for arg in plain.args if isinstance(arg, PositionalArgument)]
        self._positional = values if len(values) == len(plain.args) else None
        literals = _LITERALS if env.autoescape else {*_LITERALS, StringLiteral}  # which is made safe text there
        fixed = [value.value for value in values if isinstance(value, Literal) and type(value) in literals]
        self._fixed = fixed if len(fixed) == len(plain.args) else None

    def evaluate(self, left: object, context: RenderContext) -> object:
        """Return what it makes of a value."""
        call = context.filter(self.name, self.token)
        if self._fixed is not None:
            return self._called(call, left, self._fixed, None, context)
        if self._positional is not None:
            return self._called(call, left, [each.evaluate(context) for each in self._positional], None, context)
        return self._called(call, left, *self.evaluate_args(context), context)

    async def evaluate_async(self, left: object, context: RenderContext) -> object:
        """Return what it makes of a value."""
        call = context.filter(self.name, self.token)
        if hasattr(call, "filter_async"):
            value = await Filter.evaluate_async(self, left, context)
            self.measure(left, value, context)
            return value
        if self._fixed is not None:
            return self._called(call, left, self._fixed, None, context)
        return self._called(call, left, *await self.evaluate_args_async(context), context)

    def _called(
        self,
        call: Callable[..., object],
        left: object,
        args: Sequence[object],
        named: dict[str, object] | None,
        context: RenderContext,
    ) -> object:
        try:
            value = call(left, *args, **named) if named else call(left, *args)
        except Exception as error:  # noqa: BLE001  each is raised again
            self.refuse(error)
        kind = type(left)
        if len(left) <= LARGE if kind is str else kind in _SMALL:  # type: ignore[arg-type]
            kind = type(value)
            if len(value) <= LARGE if kind is str else kind in _SMALL:  # type: ignore[arg-type]
                return value
        self.measure(left, value, context)
        return value

    def refuse(self, error: Exception) -> NoReturn:
        """Raise what python-liquid makes of an error of the filter."""
        if isinstance(error, TypeError):
            raise LiquidTypeError(f"{self.name}: {error}", token=self.token) from error
        if isinstance(error, LiquidTypeError | FilterArgumentError):
            self._begin(error)
            error.token = self.token
        elif isinstance(error, FilterError | FilterItemTypeError | FilterValueError | LiquidValueError):
            self._begin(error)
            error.token = error.token or self.token  # it may be of a page that the filter rendered
        raise error

    def _begin(self, error: LiquidError) -> None:
        """Have an error of the filter begin with its name, and not with what a template may have written."""
        said = str(error.message)
        if error.token is None and not said.startswith(self.name):
            error.args = (f"{self.name}: {said}", *error.args[1:])

    def measure(self, left: object, value: object, context: RenderContext) -> None:
        """Accept what the filter made of a value."""
        if is_short(value) and (is_short(left) or (type(left) is str and len(left) <= LARGE)):
            return
        for each in (left, value):
            if is_short(each):
                continue
            kind = type(each)  # what is strictly undefined refuses isinstance
            if len(each) > LARGE if issubclass(kind, str) else kind not in FLAT:  # type: ignore[arg-type]
                look_soon(context)
        check_result(context.env, self.name, value)


class BoundedContains(ContainsExpression):
    """`text contains value`, which makes text of the value; each side is evaluated once."""

    __slots__ = ()

    def evaluate(self, context: RenderContext) -> object:
        """Return whether it does."""
        return self.told(context, self.left.evaluate(context), self.right.evaluate(context))

    async def evaluate_async(self, context: RenderContext) -> object:
        """Return whether it does."""
        return self.told(context, await self.left.evaluate_async(context), await self.right.evaluate_async(context))

    def told(self, context: RenderContext, left: object, right: object) -> bool:
        """Return whether one value contains another."""
        if type(left) is range and isinstance(right, _UNLIKE_NUMBERS):
            return False
        if type(left) is range and isinstance(right, int | float | Decimal):
            return _is_in(right, left)
        if isinstance(left, str):
            right = check_text(context.env, "contains", right)
        return _contains(self.token, left if type(left) in KNOWN else _asked(context, left), right)


def _is_in(value: float | Decimal, numbers: range) -> bool:
    """Return whether a range has a number, without going through it, as Python does for all but its own integers."""
    if isinstance(value, int):
        return int(value) in numbers
    if isnan(value) or not numbers or not numbers[0] <= value <= numbers[-1]:
        return False
    whole = int(value)
    return whole == value and whole in numbers


def _asked(context: RenderContext, value: object) -> Any:
    exposure: Exposure = context.env.exposure  # type: ignore[attr-defined]
    try:
        exposure.check_counted(value)
    except NotExposed as error:
        raise error.of("what contains is given") from None
    return exposure.listed(value)


class BoundedLoop(LoopExpression):
    """What a `for` or `tablerow` goes through: a list, or as many rows of a query as it needs."""

    __slots__ = ()

    def _to_iter(self, obj: object, context: RenderContext) -> tuple[Iterator[Any], int]:
        return super()._to_iter(obj if type(obj) in PLAIN else self._listed(obj, context), context)

    def gone_through(self, found: object, context: RenderContext) -> tuple[Iterator[object], int]:
        """Return the items, and their number, of a value that was evaluated, when there is no limit and no offset."""
        items, length = self._to_iter(found, context)
        return self._slice(items, length, context, limit=None, offset=None)

    def _listed(self, found: object, context: RenderContext) -> object:
        exposure: Exposure = context.env.exposure  # type: ignore[attr-defined]
        try:
            return exposure.looped(found, partial(self._most, context))
        except NotExposed as error:
            context.error(error.of(self.iterable, self.iterable.token))
            return ()

    def _most(self, context: RenderContext) -> int | None:
        """Return how many items it takes at most, with those before its offset."""
        if self.limit is None or isinstance(self.offset, StringLiteral):
            return None
        offset = self._to_int(self.offset.evaluate(context), token=self.offset.token) if self.offset else 0
        return self._to_int(self.limit.evaluate(context), token=self.limit.token) + offset or None


def set_bounds(env: Environment, nodes: list[Node]) -> None:
    """Bound what a parsed template evaluates, but for a range that a `for` takes number by number."""
    _bound_nodes(env, nodes, RenderContext(BoundTemplate(env, [])))


def _bound_nodes(env: Environment, nodes: list[Node], static: RenderContext) -> int:
    """Bound nodes that follow each other; return how much the clock may miss in them."""
    nodes[:], missed = pace([(node, _bound_node(env, node, static)) for node in nodes])
    return missed


def _bound_node(env: Environment, node: Node, static: RenderContext) -> int:
    if isinstance(node, BodyNode):  # its body is parsed again before it renders
        return 1 + _bound_expressions(env, node.evaluated())
    size = 1 + _bound_expressions(env, node.expressions())
    if type(node) is BlockNode:
        return size + _bound_nodes(env, node.nodes, static)
    children = node.children(static, include_partials=False)
    return size + sum([_bound_node(env, child, static) for child in children])


def _bound_expressions(env: Environment, expressions: Iterable[Expression]) -> int:
    size = 0
    left = [*expressions]
    settle = dialect_in(env).settle if left else None
    while left:
        part = left.pop()
        if settle is not None:
            settle(part)
        left.extend(_bound(env, part))
        size += 1
    return size


def _bound(env: Environment, part: Expression) -> Iterable[Expression]:
    """Bound one expression; return those in it that are to be bound, too.

    A class is changed where it adds no slots: the template is the environment's own.
    """
    children = part.children()
    if type(part) is Path:
        if not children:
            part.__class__ = PlainPath
    elif isinstance(part, FilteredExpression):
        part.filters = _bound_filters(env, part.filters)
    elif type(part) is RangeLiteral:
        part.__class__ = BoundedRange
    elif type(part) is ContainsExpression:
        part.__class__ = BoundedContains
    elif isinstance(part, TernaryFilteredExpression):
        part.filters = _bound_filters(env, part.filters)
        part.tail_filters = _bound_filters(env, part.tail_filters)
        return [*children, part.left]
    elif isinstance(part, LoopExpression) and _is_counted(part):
        return [*part.iterable.children(), *(child for child in children if child is not part.iterable)]
    elif type(part) is LoopExpression:
        part.__class__ = BoundedLoop
    return children


def _bound_filters(env: Environment, filters: list[Filter] | None) -> list[Filter] | None:
    # An application's own goes its own way.
    return [BoundedFilter(env, each) if type(each) is Filter else each for each in filters] if filters else filters


def _is_counted(loop: LoopExpression) -> bool:
    """Return whether a loop takes a range one by one; python-liquid skips to an offset, and reverses, in one go."""
    return isinstance(loop.iterable, RangeLiteral) and loop.offset is None and not loop.reversed
