"""What filters declare of their arguments: a keyword behind a filter is the filter's only when it says so."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, Final

from liquid import Environment, Token

_INJECTED: Final = frozenset(("context", "environment"))  # python-liquid fills these in; no template can


def takes(env: Environment, last_filter: Token, name: Token, *, after_colon: bool) -> bool:
    """Return whether `name:` belongs to the filter, by the filter's own signature."""
    function = env.filters.get(last_filter.value)
    if function is None or name.value in _INJECTED:
        return False
    for parameter in _signature(function).values():
        if parameter.kind is parameter.KEYWORD_ONLY and parameter.name == name.value:
            return True
        if parameter.kind is parameter.VAR_KEYWORD and after_colon:
            return True
    return False


def _signature(function: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    try:
        return dict(inspect.signature(function).parameters)
    except (ValueError, TypeError):  # a builtin that declares none
        return {}
