"""Lists and objects that templates make of others: each is measured when it is made, with all that is in it.

Whatever goes through one later takes time and memory for each part as often as it is there: what holds one thing twice,
which holds one twice, and so on, is small until it is printed, compared or copied.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import inf
from typing import Any, Final

from liquid import Environment

from liquid_background.errors import LimitReached
from liquid_background.jobs.handover import MAX_DEPTH
from liquid_background.jobs.sizes import FLAT, MadeDict, MadeList, megabytes, weigh_whole
from liquid_background.language.filters.result import refuse

_MADE: Final[dict[type, type]] = {list: MadeList, dict: MadeDict}


def made(env: Environment, value: Any) -> Any:
    """Return a list or object that a template makes, so that it tells what it holds; a plain one as it is.

    Args:
        env: of the template.
        value: new, so that nobody minds that a copy stands for it.

    Raises:
        LimitReached: when it holds too much, with each part as often as it is there, or is nested too deep.
    """
    kind = _MADE.get(type(value))
    if kind is None:
        return value
    items: Iterable[object] = value.values() if isinstance(value, dict) else value
    if FLAT.issuperset(map(type, items)):
        return value
    most = env.local_namespace_limit or inf
    weight, levels = weigh_whole(value, most)
    if weight > most:
        message = f"variables hold over {megabytes(most)} (Environment.local_namespace_limit)"
        raise LimitReached(f"{message}: a list or object counts each part as often as it is in it", token=None)
    if levels > MAX_DEPTH:
        refuse(f"lists and objects are over {MAX_DEPTH} deep in each other")
    result = kind(value)
    result.weight, result.levels = weight, levels
    return result


def measuring(call: Callable[..., Any], env: Environment) -> Callable[..., Any]:
    """Return an application's filter with its result measured, when that may hold what the filter is given."""

    def measured(left: object, *args: Any, **named: Any) -> Any:
        return _made_of((left, *args, *named.values()), env, call(left, *args, **named))

    later = getattr(call, "filter_async", None)
    if later is not None:

        async def measured_later(left: object, *args: Any, **named: Any) -> Any:
            return _made_of((left, *args, *named.values()), env, await later(left, *args, **named))

        measured.filter_async = measured_later  # type: ignore[attr-defined]
    return measured


def _made_of(given: Iterable[object], env: Environment, result: object) -> object:
    return result if FLAT.issuperset(map(type, given)) else made(env, result)
