"""Number filters for `Decimal`, which python-liquid takes for no number: calculated exactly, and a `Decimal` again.

A value that is no number counts as 0, and text that is one as that number, as in python-liquid's own filters. Results
have up to 100 digits; a quotient, which may have no end, has as many as Python's own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Context, Decimal, InvalidOperation, localcontext
from functools import wraps
from typing import Any, Final

from liquid import Undefined
from liquid.builtin.filters.array import _getitem, sum_
from liquid.exceptions import FilterArgumentError
from liquid.filter import sequence_filter

from liquid_background.jobs.sizes import FLAT
from liquid_background.language.filters.result import MAX_BITS, refuse

_EXACT: Final = Context(prec=100)
_QUOTIENT: Final = Context(prec=28)
_MOST_DIGITS: Final = MAX_BITS // 4  # of a number that is to become a whole one
_MOST_PLACES: Final = 50  # behind the point
_ZERO: Final = Decimal(0)


def number(value: object) -> Decimal:
    """Return a value as a number: 0 for what is none."""
    if isinstance(value, Decimal):
        return value
    if isinstance(value, int):
        return Decimal(int(value))
    if isinstance(value, float | str):
        try:
            return Decimal(str(value))
        except InvalidOperation:
            return _ZERO
    return _ZERO


def _exactly(name: str, calculate: Callable[..., Any], context: Context = _EXACT) -> Callable[..., Any]:
    @wraps(calculate)
    def filtered(left: object, *args: Any, **named: Any) -> Any:
        try:
            with localcontext(context):
                return _written_out(calculate(number(left), *args, **named))
        except TypeError as error:
            raise FilterArgumentError(error, token=None) from error
        except (ArithmeticError, ValueError) as error:
            raise FilterArgumentError(f"{name}: {left!s:.40} is not to be calculated so", token=None) from error

    return filtered


def _written_out(result: Any) -> Any:
    """Return a number with its zeros before the point, 40 instead of 4E+1, as long as they are few."""
    if isinstance(result, Decimal) and result.is_finite() and result.adjusted() < _EXACT.prec:
        return Decimal(f"{result:f}")
    return result


def _plus(left: Decimal, other: object) -> Decimal:
    return left + number(other)


def _minus(left: Decimal, other: object) -> Decimal:
    return left - number(other)


def _times(left: Decimal, other: object) -> Decimal:
    return left * number(other)


def _divided_by(left: Decimal, other: object) -> Decimal:
    return left / _divisor("divided_by", other)


def _modulo(left: Decimal, other: object) -> Decimal:
    return left % _divisor("modulo", other)


def _divisor(name: str, other: object) -> Decimal:
    found = number(other)
    if not found:
        raise FilterArgumentError(f"{name}: can't divide by {other}", token=None)
    return found


def _at_least(left: Decimal, other: object) -> Decimal:
    return max(left, number(other))


def _at_most(left: Decimal, other: object) -> Decimal:
    return min(left, number(other))


def _whole(left: Decimal, rounding: str) -> int:
    if left.is_finite() and left.adjusted() > _MOST_DIGITS:
        refuse(f"a number of over {_MOST_DIGITS:,} digits is not made a whole one")
    return int(left.to_integral_value(rounding))


def _round(left: Decimal, ndigits: object = None) -> Decimal | int:
    if ndigits is None or isinstance(ndigits, Undefined):
        return _whole(left, ROUND_HALF_EVEN)
    digits = int(min(max(number(ndigits), Decimal(-1)), Decimal(_MOST_PLACES)))
    if digits < 0:
        return 0  # as python-liquid has it
    return round(left, digits) if digits else _whole(left, ROUND_HALF_EVEN)


EXACT: Final[Mapping[str, Callable[..., Any]]] = {
    "abs": _exactly("abs", Decimal.copy_abs),
    "plus": _exactly("plus", _plus),
    "minus": _exactly("minus", _minus),
    "times": _exactly("times", _times),
    "divided_by": _exactly("divided_by", _divided_by, _QUOTIENT),
    "modulo": _exactly("modulo", _modulo),
    "at_least": _exactly("at_least", _at_least),
    "at_most": _exactly("at_most", _at_most),
    "ceil": _exactly("ceil", lambda left: _whole(left, ROUND_CEILING)),
    "floor": _exactly("floor", lambda left: _whole(left, ROUND_FLOOR)),
    "round": _exactly("round", _round),
}
"""What calculates with a `Decimal`, by the filter's name."""


def knows_decimals(call: Callable[..., Any], exact: Callable[..., Any]) -> Callable[..., Any]:
    """Return a filter that calculates exactly where one of its values is a `Decimal`."""

    def filtered(left: object, *args: Any, **named: Any) -> Any:
        values = (left, *args, *named.values())
        return (exact if any(isinstance(value, Decimal) for value in values) else call)(left, *args, **named)

    return filtered


@sequence_filter
def total(sequence: Iterable[Any], key: object = None) -> Any:
    """Return the sum of the numbers of a list, or of its items' members of a name: a `Decimal` if one of them is."""
    has_key = key is not None and not isinstance(key, Undefined)
    values = [_getitem(item, key, 0) if has_key else item for item in sequence]
    if FLAT.issuperset(map(type, values)) or not any(isinstance(value, Decimal) for value in values):
        return _sum(values)
    try:
        with localcontext(_EXACT):
            return sum(map(number, values), start=_ZERO)
    except ArithmeticError as error:
        raise FilterArgumentError("sum: its numbers have no sum", token=None) from error


_sum: Final[Callable[..., Any]] = sum_.__wrapped__  # type: ignore[attr-defined]
