"""Whether Python code still takes the arguments that a template or a job gives it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from typing import Any, Final

from liquid.builtin.expressions import PositionalArgument
from liquid.builtin.expressions.filtered import Filter

_OF_LIBRARIES: Final = ("liquid.", "liquid_background.")
"""Where filters are defined that come with their library: what they take is no matter of the application's."""
_INJECTED: Final = (("with_context", "context"), ("with_environment", "environment"))


def refusal(function: Callable[..., Any], positional: int, named: Iterable[str]) -> str:
    """Return why a function does not take so many arguments and those names; "" when it does, or nobody can tell."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # it is not written in Python
        return ""
    try:
        signature.bind(*[None] * positional, **dict.fromkeys(named))
    except TypeError as error:
        return str(error)
    return ""


def filter_refusal(item: Filter, function: Callable[..., Any]) -> str:
    """Return why a filter of the application's own does not take the arguments that a template gives it."""
    if (getattr(function, "__module__", None) or type(function).__module__).startswith(_OF_LIBRARIES):
        return ""
    positional = sum(isinstance(each, PositionalArgument) for each in item.args)
    named = [each.name for each in item.args if not isinstance(each, PositionalArgument)]
    injected = [name for mark, name in _INJECTED if getattr(function, mark, False)]
    return refusal(function, 1 + positional, [*named, *injected])
