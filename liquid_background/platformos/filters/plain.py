"""What the filters of the dialect are given: plain data, of a limited size; what they make of it is measured."""

from __future__ import annotations

import functools
from collections.abc import Callable
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, Final, NoReturn, TypeAlias
from uuid import UUID

from liquid import Environment, Undefined
from liquid.exceptions import FilterArgumentError

from liquid_background.errors import NotExposed
from liquid_background.jobs.handover import is_missing
from liquid_background.language.exposed import Exposure
from liquid_background.language.filters.result import refuse
from liquid_background.language.syntax import show
from liquid_background.wording import a

Filter: TypeAlias = Callable[..., Any]

MAX_ITEMS: Final = 100_000
"""Items of a list that a filter goes through."""
MAX_CHARACTERS: Final = 1_000_000
"""Characters of a text that a filter goes through, in Python and not in C."""

_PLAIN: Final = (str, int, float, Decimal, list, tuple, dict, range, date, time, datetime, UUID, type(None))


def pure(function: Filter) -> Filter:
    """Return a filter that takes plain data only, in the place of undefined ones nil.

    What objects of the application show of themselves are their fields, and none of their text: a filter that took one
    whole could tell more.
    """
    name = function.__name__.removesuffix("_")

    @functools.wraps(function)
    def call(left: object, *args: object, environment: Environment, **named: object) -> Any:
        plain = [_plain(environment, name, value) for value in (left, *args)]
        return function(*plain, **{key: _plain(environment, name, value) for key, value in named.items()})

    call.with_environment = True  # type: ignore[attr-defined]
    call.measured = True  # type: ignore[attr-defined]
    return call


def _plain(env: Environment, name: str, value: Any) -> Any:
    if is_missing(value) or issubclass(type(value), Undefined):
        return None
    exposure: Exposure | None = getattr(env, "exposure", None)
    try:
        value = exposure.listed(value) if exposure is not None else value
    except NotExposed as error:
        raise error.of(f"what {name} is given") from None
    if not isinstance(value, _PLAIN):
        wrong(name, f"is given {a(type(value).__name__)}, which is no plain data: give it what you need of that")
    if isinstance(value, list | tuple | dict | range) and len(value) > MAX_ITEMS:
        refuse(f"{name} is given {len(value):,} items; it takes at most {MAX_ITEMS:,}")
    if isinstance(value, str) and len(value) > MAX_CHARACTERS:
        refuse(f"{name} is given {len(value):,} characters; it takes at most {MAX_CHARACTERS:,}")
    return value


def wrong(name: str, what: str) -> NoReturn:
    """Raise that a filter cannot take what it is given.

    Args:
        name: of the filter.
        what: goes on after it: "needs an object, and is given a text".
    """
    raise FilterArgumentError(f"{name} {what}", token=None)


def kind_of(value: object) -> str:
    """Return what a value is called in errors."""
    if value is None:
        return "nil"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, str):
        return f"the text {show(value)}"
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list | tuple | range):
        return "a list"
    return f"the number {value}" if isinstance(value, int | float | Decimal) else a(type(value).__name__)


def as_object(name: str, value: object) -> dict[Any, Any]:
    """Return an object; nil is an empty one."""
    if value is None:
        return {}
    if isinstance(value, dict):
        return value
    wrong(name, f"needs an object, and is given {kind_of(value)}")


def as_list(name: str, value: object) -> list[Any]:
    """Return a list; nil is an empty one."""
    if value is None:
        return []
    if isinstance(value, list | tuple | range):
        return list(value)
    wrong(name, f"needs a list, and is given {kind_of(value)}")


def as_text(name: str, value: object) -> str:
    """Return text; nil is none, a number is its digits."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple | dict | range):
        wrong(name, f"needs text, and is given {kind_of(value)}")
    return str(value)


def as_whole_number(name: str, what: str, value: object, least: int, most: int) -> int:
    """Return a whole number in a range, which may be given as text."""
    number: int | None = None
    if isinstance(value, int) and not isinstance(value, bool):
        number = value
    elif (isinstance(value, float) and value.is_integer()) or (isinstance(value, str) and len(value) <= 20 and value.strip().lstrip("-").isdecimal()):
        number = int(value)
    if number is None:
        wrong(name, f"needs a whole number for {what}, and is given {kind_of(value)}")
    if not least <= number <= most:
        wrong(name, f"takes {what} from {least:,} to {most:,}, and is given {number}")
    return number
