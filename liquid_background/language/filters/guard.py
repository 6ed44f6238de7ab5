"""Filters as templates call them: with what is asked of their values first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from itertools import islice
from typing import Any, Final, TypeAlias

from liquid import Environment, Undefined

from liquid_background.errors import NotExposed
from liquid_background.jobs.sizes import FLAT, is_short
from liquid_background.language.exposed import KNOWN, TURNING, Exposure, as_items, unviewed
from liquid_background.language.filters.before import (
    AS_IT_IS,
    BEFORE,
    FLATTENING,
    MAKE_TEXT_OF_ITEMS,
    MAX_ITEMS,
    PASS_LISTS,
    TAKE_LISTS,
    check_flat,
)
from liquid_background.language.filters.exact import EXACT, knows_decimals
from liquid_background.language.filters.made import measuring
from liquid_background.language.filters.result import check_text, measure_text, refuse

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
    is_known = (getattr(raw, "__module__", "") or "").startswith(_KNOWN)  # a method of Python's own has None
    if not is_known or getattr(raw, "measured", False):  # which asks by itself what it is given
        return measuring(bound, env)
    more = knows_decimals(bound, EXACT[name]) if name in EXACT else bound
    before, with_more = BEFORE.get(name), _with_more(name, more, env)

    def call(left: object, *args: Any, **named: Any) -> Any:
        is_plain = type(left) in FLAT or is_short(left)
        if not is_plain or named or (args and not FLAT.issuperset(map(type, args))):
            return with_more(left, args, named)
        if before is not None:
            before(env, left, *args)
        return bound(left, *args)

    return call


_COUNT: Final = frozenset(("first", "last", "size"))
_WRITE_OBJECTS: Final = frozenset(("json",))
_KEYED: Final = FLATTENING - {"concat", "index", "reverse"}
_KEYS: Final = ("attr", "key")  # what python-liquid calls a key: its errors have the text of one


def _with_more(name: str, bound: Filter, env: Environment) -> Callable[[Any, tuple[Any, ...], dict[str, Any]], Any]:
    """Return what calls a filter with values that may hold others, or be objects."""
    before, flattens = BEFORE.get(name), name in FLATTENING
    check = (
        measure_text if name in MAKE_TEXT_OF_ITEMS | _WRITE_OBJECTS else _check_joined if name == "join" else check_text
    )
    makes_text = name not in FLATTENING | AS_IT_IS or name in MAKE_TEXT_OF_ITEMS
    exposure: Exposure = env.exposure  # type: ignore[attr-defined]

    def call(left: Any, args: tuple[Any, ...], named: dict[str, Any]) -> Any:
        if name in _COUNT and exposure.is_query(left) and not args and not named:
            return exposure.counted(left, name)
        wanted = partial(_most, args) if name in PASS_LISTS and not named else _all
        left, args = exposure.listed(left, wanted), tuple(map(exposure.listed, args))
        is_known = type(left) in KNOWN
        if not is_known and (name == "join" or (flattens and exposure.rule_of(left) is None)):
            left = _gone_through(name, exposure, left)
        if type(left) in TURNING and (name == "join" or flattens):
            left = _items_of(name, left)
        if name in PASS_LISTS and not is_known:
            left = as_items(exposure.items(left))
        named = {key: exposure.listed(value) for key, value in named.items()}
        if makes_text:
            passes = name in PASS_LISTS and isinstance(left, list | tuple)
            left = left if passes else check(env, name, left)
            args = tuple([check(env, name, value) for value in args])
            named = {key: check(env, name, value) for key, value in named.items()}
        for value in (*args, *named.values()) if not makes_text and name not in TAKE_LISTS else ():
            measure_text(env, name, value)
        for key in (*args[:1], *(named[each] for each in _KEYS if each in named)) if name in _KEYED else ():
            check_text(env, name, key)
        if name in _WRITE_OBJECTS:
            exposure.check_written(left)
        if not is_known and name in _COUNT:
            (exposure.check_counted if name == "size" else exposure.check_list)(left)
            left = exposure.items(left)
        if flattens:
            check_flat(env, name, left)
        if before is not None:
            before(env, left, *args, **named)
        is_viewed = flattens or (name == "last" and isinstance(left, Mapping))
        given = exposure.viewed(left, keyed=bool(args or named)) if is_viewed else left
        made = bound(given, *args, **named)
        return exposure.stood_for(made if given is left else unviewed(made))

    def call_naming(left: Any, args: tuple[Any, ...], named: dict[str, Any]) -> Any:
        try:
            return call(left, args, named)
        except NotExposed as error:
            raise error.of(f"what {name} is given") from None

    return call_naming


def _all() -> None:
    """Want all rows of a query."""


def _most(args: tuple[Any, ...]) -> int | None:
    """Return how many rows `slice` needs of a query; None when it counts from the end."""
    start, length = (*args, 1)[:2] if args else (None, None)
    return start + length if type(start) is type(length) is int and min(start, length) >= 0 else None


def _check_joined(env: Environment, what: str, value: object) -> Any:
    return check_text(env, what, value, joined=True)


_KEPT: Final = (list, tuple, dict)
_NO_LISTS: Final = (str, bytes, bytearray, Undefined)


def _gone_through(name: str, exposure: Exposure, left: Any) -> Any:
    """Return what a filter goes through as a list, where it is none, and may be gone through.

    Raises:
        NotExposed: for an object that is no list.
        LimitReached: when it has too many items.
    """
    if issubclass(type(left), _NO_LISTS) or not isinstance(left, Iterable):
        return left
    exposure.check_list(left)
    return left if isinstance(left, _KEPT) else _items_of(name, left)


def _items_of(name: str, left: Iterable[Any]) -> list[Any]:
    items = [*islice(left, MAX_ITEMS + 1)]
    if len(items) > MAX_ITEMS:
        refuse(f"{name} is given over {MAX_ITEMS:,} items, the most that it takes")
    return items


def _bound(raw: Filter, env: Environment) -> Filter:
    options = {"environment": env} if getattr(raw, "with_environment", False) else {}
    bound = partial(raw, **options) if options else raw
    later = getattr(raw, "filter_async", None)
    if later is not None and options:
        bound.filter_async = partial(later, **options)  # type: ignore[attr-defined]
    return bound
