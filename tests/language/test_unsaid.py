"""Errors of Python's own whose text is for programmers, or is none: authors are told in words."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, DivisionByZero, InvalidOperation

import pytest

from liquid_background import Environment
from liquid_background.errors import CodeError
from liquid_background.language.syntax import explain


@pytest.mark.parametrize("filters", ["datetime", "decimal", "currency", "money", "ceil", "floor", "round", "modulo: 7"])
@pytest.mark.parametrize("value", ["1e99999", "-1e99999"])
def test_a_number_that_is_too_large_is_said_to_be(filters: str, value: str) -> None:
    with pytest.raises(CodeError) as raised:
        Environment().from_string(f"\n{{{{ '{value}' | {filters} }}}}").render()
    said = explain(raised.value)
    assert "a number is too large for this" in said
    assert said.endswith("(inline:2)")
    assert not any(raw in said for raw in ("<class", "[", "infinity", "time_t"))


def test_what_is_no_number_is_said_to_be_none() -> None:
    with pytest.raises(CodeError, match="ValueError: a value is no number"):
        Environment().from_string("{{ 'nan' | ceil }}").render()


def _raised(operation: Callable[[], object]) -> Exception:
    try:
        operation()
    except ArithmeticError as error:
        return error
    raise AssertionError("nothing was raised")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (_raised(lambda: Decimal("x")), "InvalidOperation: a value is no number"),
        (_raised(lambda: Decimal(1) / 0), "DivisionByZero: something is divided by zero"),
        (_raised(lambda: Decimal(0) / 0), "InvalidOperation: something is divided by zero"),
        (_raised(lambda: Decimal("1e99") // 1), "InvalidOperation: a number is too large for this"),
        (InvalidOperation("of an application"), "InvalidOperation: of an application"),
        (DivisionByZero([DivisionByZero]), "DivisionByZero: something is divided by zero"),
        (KeyError(int), "KeyError: int"),
        (ValueError([int, str]), "ValueError: int, str"),
        (OverflowError("Python int too large to convert to C int"), "OverflowError: a number is too large for this"),
        (OverflowError(34, "Numerical result out of range"), "OverflowError: a number is too large for this"),
        (OverflowError("only three seats"), "OverflowError: only three seats"),
        (AssertionError(), "AssertionError: an assertion of Python code does not hold"),
        (TimeoutError(), "TimeoutError: it took too long"),
        (RuntimeError(), "RuntimeError"),
        (ValueError(""), "ValueError"),
    ],
    ids=repr,
)
def test_each_kind(error: Exception, said: str) -> None:
    assert explain(error) == said
