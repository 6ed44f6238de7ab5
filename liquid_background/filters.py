"""What is asked of filters: what would grow, or take longer and longer, is refused before it runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final, TypeAlias

from liquid import Environment
from liquid.filter import int_arg

from liquid_background.errors import LimitReached
from liquid_background.limits import FLAT, ITEM, MAX_OUTPUT, SHORT, flat_length, megabytes, text_size, weigh

Filter: TypeAlias = Callable[..., Any]

MAX_VALUE: Final = MAX_OUTPUT
"""Bytes that a filter's result may take, or as many as may be printed if that is more."""
MAX_UNIQ: Final = 10_000
"""Items for `uniq`, which compares each with each."""
MAX_DATE: Final = 1_000
"""Characters of a date, and of the format to show it in."""
MAX_INDENT: Final = 100
"""Blanks a level of `json`."""
MAX_BITS: Final = 14_000
"""Bits of a whole number: Python shows none of over 4,300 digits."""

_PIECE: Final = 64  # bytes that a short string takes
_MOST_STEPS: Final = 300_000_000  # characters that `strip_html` may look at


def _refuse(what: str) -> None:
    raise LimitReached(f"{what}; the limit is fixed", token=None)


def check_text(env: Environment, what: str, value: object) -> None:
    """Accept a value that is about to become text: a list or object may hold the same things many times.

    Args:
        env: of the template.
        what: makes the text, for the message.
        value: of any kind; only lists, objects and the like are measured.

    Raises:
        LimitReached: when its text would be too large.
    """
    most = env.output_stream_limit
    if most is not None and isinstance(value, (list, tuple, dict, set, frozenset)) and len(value) > SHORT:
        most = max(MAX_VALUE, most)
        _check_size(env, what, text_size(value, most))


def _check_flat(env: Environment, name: str, left: object) -> None:
    """Accept a list that a filter is about to make flat."""
    if isinstance(left, (list, tuple)) and len(left) > SHORT:
        most = max(MAX_VALUE, env.output_stream_limit or 0) // ITEM
        length = flat_length(left, most)
        if length > len(left):
            _check_size(env, name, length * ITEM)


def _check_size(env: Environment, name: str, size: float) -> None:
    most = env.output_stream_limit
    if size > MAX_VALUE and most is not None and size > most:
        message = f"the result of {name} takes over {megabytes(max(MAX_VALUE, most))}"
        raise LimitReached(f"{message} (Environment.output_stream_limit)", token=None)


# Each reads what it asks about by the filter's own names; what a filter does not take, it refuses itself.


def _before_replace(
    env: Environment, left: object, seq: object = "", sub: object = "", *_: object, **__: object
) -> None:
    text, found, put = str(left), str(seq), str(sub)
    if len(put) > len(found) and (len(text) + 1) * len(put) > MAX_VALUE:
        _check_size(env, "replace", len(text) + text.count(found) * (len(put) - len(found)))


def _before_join(env: Environment, left: object, separator: object = " ", *_: object, **__: object) -> None:
    if isinstance(left, list | tuple | range):
        _check_size(env, "join", len(left) * len(str(separator)))


def _before_split(env: Environment, left: object, sep: object = "", *_: object, **__: object) -> None:
    text, at = str(left), str(sep)
    if len(text) * _PIECE > MAX_VALUE:
        pieces = text.count(at) if at else len(text)
        _check_size(env, "split", len(text) + pieces * _PIECE)


def _before_uniq(_env: Environment, left: object, *_: object, **__: object) -> None:
    if isinstance(left, list | tuple | range) and len(left) > MAX_UNIQ:
        _refuse(f"uniq is given {len(left):,} items; it takes at most {MAX_UNIQ:,}")


def _before_strip_html(_env: Environment, left: object, *_: object, **__: object) -> None:
    text = str(left)
    if text.count("<") * len(text) > _MOST_STEPS:
        _refuse(f"strip_html is given {text.count('<'):,} tags in {megabytes(len(text))}, which would take it too long")


def _before_date(_env: Environment, left: object, fmt: object = "", *_: object, **__: object) -> None:
    for text in (left, fmt):
        if isinstance(text, str) and len(text) > MAX_DATE:
            _refuse(f"date is given {len(text):,} characters; it takes at most {MAX_DATE:,}")


def _before_json(_env: Environment, _left: object, indent: object = None, *_: object, **__: object) -> None:
    if isinstance(indent, str | int) and int_arg(indent, 0) > MAX_INDENT:
        _refuse(f"json is asked to indent by {indent!s:.20}; it does at most {MAX_INDENT}")


_BEFORE: Final[Mapping[str, Callable[..., None]]] = {
    "replace": _before_replace,
    "join": _before_join,
    "split": _before_split,
    "uniq": _before_uniq,
    "strip_html": _before_strip_html,
    "date": _before_date,
    "json": _before_json,
}
"""What is asked of the values before a filter of python-liquid's own runs, by its name."""

_AS_IT_IS: Final = frozenset(("default", "first", "last", "size"))
"""Filters of python-liquid's own that take a list without the lists in it made flat."""
_FLATTENING: Final = frozenset(
    {"compact", "concat", "find", "find_index", "has", "index", "map", "reject", "reverse", "sort", "sort_natural"}
    | {"sort_numeric", "sum", "uniq", "where"}
)
"""Those that pass lists and objects on, too, but flat; all others make text of them."""


def check_result(env: Environment, name: str, result: object) -> None:
    """Accept what a filter returned.

    Raises:
        LimitReached: when it is too much to be passed on.
    """
    if isinstance(result, str):
        if len(result) > MAX_VALUE:
            _check_size(env, name, len(result))
    elif isinstance(result, list):
        _check_size(env, name, weigh(result))
    elif isinstance(result, int) and result.bit_length() > MAX_BITS:
        _refuse(f"{name} returned a number of over {MAX_BITS:,} bits")


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
    if not getattr(raw, "__module__", "").startswith("liquid."):
        return bound
    before, flattens = _BEFORE.get(name), name in _FLATTENING
    makes_text = not flattens and name not in _AS_IT_IS

    def call(left: object, *args: Any, **named: Any) -> Any:
        if makes_text:
            if type(left) not in FLAT or named or (args and not FLAT.issuperset(map(type, args))):
                for value in (left, *args, *named.values()):
                    check_text(env, name, value)
        elif flattens:
            _check_flat(env, name, left)
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
