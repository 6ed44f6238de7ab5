"""What filters may return, and how large what is made text of may be."""

from __future__ import annotations

from sys import getsizeof
from typing import Any, Final, NoReturn

from liquid import Environment

from liquid_background.errors import LimitReached, NotExposed
from liquid_background.jobs.sizes import FLAT, SHORT, MadeList, megabytes, text_size, weigh
from liquid_background.language.limits import MAX_OUTPUT

MAX_VALUE: Final = MAX_OUTPUT
"""Bytes that a filter's result may take, or as many as may be printed if that is more."""
_WIDEST: Final = 4  # bytes of a character: all of a text take as many as the one that needs most
MAX_BITS: Final = 14_000
"""Bits of a whole number: Python shows none of over 4,300 digits."""


def refuse(what: str) -> NoReturn:
    """Raise what is over a limit that no setting changes."""
    raise LimitReached(f"{what}; the limit is fixed", token=None)


def check_text(
    env: Environment, what: str, value: object, named: object = None, *, joined: bool = False, html: bool = False
) -> Any:
    """Return what is to become text for a value: a list or object may hold the same things many times.

    Args:
        env: of the template.
        what: makes the text, for the message.
        value: of any kind; only lists, objects and the like are measured.
        named: what the template calls the value.
        joined: whether a list's text is the texts of its items, and not what Python shows of them.
        html: whether an object's own HTML is its text.

    Raises:
        LimitReached: when its text would be too large.
        NotExposed: when it is or holds an object whose text is not exposed.
    """
    if type(value) in FLAT:
        return value
    measure_text(env, what, value)  # first: what is of a limited size is looked through in a limited time
    try:
        text = env.exposure.text_of(value, joined=joined, html=html)  # type: ignore[attr-defined]
    except NotExposed as error:
        raise error.of(f"what {what} is given" if named is None else named) from None
    return text if text is value else measure_text(env, what, text)


def measure_text(env: Environment, what: str, value: object) -> Any:
    """Return a value that is about to become text, whatever it is, if its text is not too large.

    Raises:
        LimitReached: when its text would be too large.
    """
    most = env.output_stream_limit
    if most is None or not isinstance(value, (list, tuple, dict, set, frozenset)):
        return value
    if len(value) > SHORT or not FLAT.issuperset(map(type, value.values() if isinstance(value, dict) else value)):
        most = max(MAX_VALUE, most)
        check_size(env, what, text_size(value, most))
    return value


def check_size(env: Environment, name: str, size: float) -> None:
    """Accept the size of a filter's result, or of a text that a tag makes.

    Raises:
        LimitReached: when it is too much.
    """
    most = env.output_stream_limit
    if size > MAX_VALUE and most is not None and size > most:
        message = f"the result of {name} takes over {megabytes(max(MAX_VALUE, most))}"
        raise LimitReached(f"{message} (Environment.output_stream_limit)", token=None)


def check_result(env: Environment, name: str, result: object) -> None:
    """Accept what a filter returned.

    Raises:
        LimitReached: when it is too much to be passed on.
    """
    if isinstance(result, str):
        if len(result) * _WIDEST > MAX_VALUE:
            check_size(env, name, getsizeof(result))
    elif isinstance(result, list) and type(result) is not MadeList:  # which has been measured, with all that is in it
        check_size(env, name, weigh(result))
    elif isinstance(result, int) and result.bit_length() > MAX_BITS:
        refuse(f"{name} returned a number of over {MAX_BITS:,} bits")
