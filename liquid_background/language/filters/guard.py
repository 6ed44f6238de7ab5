"""Filters as templates call them: with what is asked of their values first."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final, TypeAlias

from liquid import Environment

from liquid_background.jobs.sizes import FLAT
from liquid_background.language.filters.before import (
    AS_IT_IS,
    BEFORE,
    FLATTENING,
    MAKE_TEXT_OF_ITEMS,
    TAKE_LISTS,
    check_flat,
)
from liquid_background.language.filters.made import measuring
from liquid_background.language.filters.result import check_text

Filter: TypeAlias = Callable[..., Any]

_KNOWN: Final = ("liquid.", "liquid_background.")  # where the filters are that are asked about, by their modules


def guarded(name: str, raw: Filter, env: Environment, bound: Filter | None = None) -> Filter:
    """Return a filter with what is asked before it runs, and with its environment: made once, not in each call.

    Args:
        name: of the filter.
        raw: the filter as it is registered.
        env: whose filter it is.
        bound: the filter with all that it needs, if that is more than its environment.
    """
    if bound is None:
        bound = _bound(raw, env)
    if not (getattr(raw, "__module__", "") or "").startswith(_KNOWN):  # a method of Python's own has None
        return measuring(bound, env)
    before, flattens = BEFORE.get(name), name in FLATTENING
    makes_text = name not in FLATTENING | AS_IT_IS or name in MAKE_TEXT_OF_ITEMS

    def call(left: object, *args: Any, **named: Any) -> Any:
        if type(left) not in FLAT or named or (args and not FLAT.issuperset(map(type, args))):
            if makes_text:
                check_text(env, name, left)
            if name not in TAKE_LISTS:
                for value in (*args, *named.values()):
                    check_text(env, name, value)
        if flattens:
            check_flat(env, name, left)
        if before is not None:
            before(env, left, *args, **named)
        return bound(left, *args, **named)

    return call


def _bound(raw: Filter, env: Environment) -> Filter:
    options = {"environment": env} if getattr(raw, "with_environment", False) else {}
    bound = partial(raw, **options) if options else raw
    later = getattr(raw, "filter_async", None)
    if later is not None and options:
        bound.filter_async = partial(later, **options)  # type: ignore[attr-defined]
    return bound
