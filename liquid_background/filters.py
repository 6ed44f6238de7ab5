"""The gate of filters: what would grow, or take longer and longer, is refused before it runs, and its result after."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final, NamedTuple, TypeAlias

from liquid import Environment
from liquid.filter import int_arg

from liquid_background.errors import LimitReached
from liquid_background.limits import MAX_OUTPUT, MAX_RANGE, megabytes, weigh

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


def _check_size(env: Environment, name: str, size: float) -> None:
    most = env.output_stream_limit
    if size > MAX_VALUE and most is not None and size > most:
        message = f"the result of {name} takes over {megabytes(max(MAX_VALUE, most))}"
        raise LimitReached(f"{message} (Environment.output_stream_limit)", token=None)


# Each takes what the filter of its name takes, by the same names.


def _before_replace(env: Environment, left: object, seq: object = "", sub: object = "", *_: object) -> None:
    text, found, put = str(left), str(seq), str(sub)
    if len(put) > len(found) and (len(text) + 1) * len(put) > MAX_VALUE:
        _check_size(env, "replace", len(text) + text.count(found) * (len(put) - len(found)))


def _before_join(env: Environment, left: object, separator: object = " ", *_: object) -> None:
    if isinstance(left, Sequence) and not isinstance(left, str):
        _check_size(env, "join", len(left) * len(str(separator)) + weigh(left))


def _before_split(env: Environment, left: object, sep: object = "", *_: object) -> None:
    text, at = str(left), str(sep)
    if len(text) * _PIECE > MAX_VALUE:
        pieces = text.count(at) if at else len(text)
        _check_size(env, "split", len(text) + pieces * _PIECE)


def _before_uniq(_env: Environment, left: object, *_: object) -> None:
    if isinstance(left, Sequence) and len(left) > MAX_UNIQ:
        _refuse(f"uniq is given {len(left):,} items; it takes at most {MAX_UNIQ:,}")


def _before_strip_html(_env: Environment, left: object, *_: object) -> None:
    text = str(left)
    if text.count("<") * len(text) > _MOST_STEPS:
        _refuse(f"strip_html is given {text.count('<'):,} tags in {megabytes(len(text))}, which would take it too long")


def _before_date(_env: Environment, left: object, fmt: object = "", *_: object) -> None:
    for text in (left, fmt):
        if isinstance(text, str) and len(text) > MAX_DATE:
            _refuse(f"date is given {len(text):,} characters; it takes at most {MAX_DATE:,}")


def _before_json(_env: Environment, _left: object, indent: object = None, *_: object) -> None:
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


_NEVER_LARGER: Final = frozenset(
    (
        *("abs", "at_least", "at_most", "ceil", "floor", "round", "size", "first", "last", "default", "slice"),
        *("capitalize", "downcase", "strip", "lstrip", "rstrip", "strip_newlines", "squish", "remove", "remove_first"),
        *(
            "truncatewords",
            "find",
            "find_index",
            "has",
            "compact",
            "reverse",
            "sort",
            "sort_natural",
            "where",
            "reject",
        ),
    )
)
"""Filters of python-liquid's own whose results are no larger than what they are given: they need no gate."""


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


class Gate(NamedTuple):
    """A filter with its gate, as an environment keeps it."""

    raw: Filter
    guarded: Filter
    wants_context: bool

    @classmethod
    def of(cls, name: str, raw: Filter, env: Environment) -> Gate:
        """Return the gate of a filter that is registered under a name."""
        options = {"environment": env} if getattr(raw, "with_environment", False) else {}
        built_in = getattr(raw, "__module__", "").startswith("liquid.")
        before = _BEFORE.get(name) if built_in else None
        bound = partial(raw, **options) if options else raw
        guarded = bound if built_in and name in _NEVER_LARGER else _guard(env, name, bound, before)
        later = getattr(raw, "filter_async", None)
        if later is not None:
            guarded.filter_async = _guard_async(env, name, partial(later, **options))  # type: ignore[attr-defined]
        return cls(raw, guarded, getattr(raw, "with_context", False))

    def bind(self, context: object) -> Filter:
        """Return what a render calls."""
        if not self.wants_context:
            return self.guarded
        bound = partial(self.guarded, context=context)
        later = getattr(self.guarded, "filter_async", None)
        if later is not None:
            bound.filter_async = partial(later, context=context)  # type: ignore[attr-defined]
        return bound


def _guard(env: Environment, name: str, raw: Filter, before: Callable[..., None] | None) -> Filter:
    def guarded(left: object, *args: Any, **kwargs: Any) -> Any:
        if before is not None:
            before(env, left, *args, **kwargs)
        if type(left) is range and left[MAX_RANGE:]:
            _refuse(f"{name} is given a range of over {MAX_RANGE:,} numbers")
        result = raw(left, *args, **kwargs)
        if type(result) is not str or len(result) > MAX_VALUE:
            check_result(env, name, result)
        return result

    return guarded


def _guard_async(env: Environment, name: str, raw: Filter) -> Filter:
    async def guarded(left: object, *args: Any, **kwargs: Any) -> Any:
        result = await raw(left, *args, **kwargs)
        check_result(env, name, result)
        return result

    return guarded
