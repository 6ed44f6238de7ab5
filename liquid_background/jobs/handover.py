"""Values to tagged JSON and back: what may travel to a worker, with its type.

Plain JSON values stand for themselves. Other types travel as an object with one key that starts with `$`:
`{"$date": "2024-01-15"}`. An object that could be taken for one of those, or has keys that are not text,
travels as a list of pairs, `{"$map": [[key, value], …]}`, so that every value comes back as it went.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, Final, TypeAlias
from uuid import UUID

from liquid import Undefined
from liquid.builtin.expressions.primitive import Blank, Empty
from markupsafe import Markup

from liquid_background.errors import NotPlain
from liquid_background.job import Encoded
from liquid_background.jobs.sizes import FLAT, MAX_TEXT, SHORT, MadeDict, MadeList, megabytes, text_size
from liquid_background.proxies import is_proxy, stood_for
from liquid_background.wording import a

MAX_DEPTH: Final = 50
"""Levels of lists and objects that one value may nest; deeper is taken for a circle."""


def is_missing(value: object) -> bool:
    """Return whether a value is one of python-liquid's undefined ones; strict ones refuse to be asked themselves."""
    kind = type(value)
    return kind not in _DEFINED and issubclass(kind, Undefined)  # an abstract class takes long to tell


_DEFINED: Final = FLAT | {dict, list}


IsWhole: TypeAlias = Callable[[object], bool]
"""Tells whether a template may read all that is in a list or object of a class of its own, such as a named tuple."""


def encode(value: object, is_whole: IsWhole = lambda _: True) -> Encoded:
    """Return a value as tagged JSON.

    Args:
        value: of any kind.
        is_whole: what a template hands over travels only when the template may read it all.

    Raises:
        NotPlain: for an object, bytes, a set, NaN or an infinity, and for nesting deeper than MAX_DEPTH.
    """
    kind = type(value)
    if kind in _LEAVES:
        return _encode(value, 0, is_whole)
    if kind not in _LISTS and is_proxy(kind):
        value = stood_for(value)
    if isinstance(value, dict | list | tuple) and _may_be_long(value) and text_size(value, MAX_TEXT) > MAX_TEXT:
        raise NotPlain(f"takes over {megabytes(MAX_TEXT)} as text")  # it may hold one thing many times
    return _encode(value, 0, is_whole)


_LEAVES: Final = FLAT | {date, datetime, time, Decimal, UUID, Markup}


def _may_be_long(value: dict[Any, object] | Sequence[object]) -> bool:
    items = value.values() if isinstance(value, dict) else value
    return len(value) > SHORT or not _LEAVES.issuperset(map(type, items))


PLAIN: Final = frozenset((str, bool, type(None)))
"""Types whose values are encoded as they are, whatever they are."""
_LISTS: Final = frozenset((dict, list, tuple, MadeDict, MadeList))


def _encode(value: object, depth: int, is_whole: IsWhole) -> Encoded:
    kind = type(value)
    if kind in PLAIN:
        return value
    if kind in _ENCODERS:
        return _ENCODERS[kind](value)
    if kind not in _LISTS:
        if is_missing(value):
            return None
        if is_proxy(kind) and (stood := stood_for(value)) is not value:
            return _encode(stood, depth, is_whole)
        if not is_whole(value):
            raise NotPlain(f"is {a(kind.__name__)}, not plain data")
    if isinstance(value, dict | list | tuple):
        if depth >= MAX_DEPTH:
            raise NotPlain(f"is nested more than {MAX_DEPTH} levels deep, or contains itself")
        depth += 1
        return (
            _encode_mapping(value, depth, is_whole)
            if isinstance(value, dict)
            else [item if type(item) in PLAIN else _encode(item, depth, is_whole) for item in value]
        )
    for base, encoder in _ENCODERS.items():
        if isinstance(value, base):
            return encoder(value)
    raise NotPlain(f"is {a(kind.__name__)}, not plain data")


def _encode_mapping(value: Mapping[Any, object], depth: int, is_whole: IsWhole) -> Encoded:
    for key in value:  # a generator would take twice as long
        if type(key) is not str or key[:1] == "$":
            break
    else:
        return {key: item if type(item) in PLAIN else _encode(item, depth, is_whole) for key, item in value.items()}
    for key in value:
        if isinstance(key, tuple | frozenset):
            raise NotPlain(f"has a key that is {a(type(key).__name__)}, which is not plain data")
    pairs = [[_encode(key, depth, is_whole), _encode(item, depth, is_whole)] for key, item in value.items()]
    return {"$map": pairs}


def _encode_int(value: Any) -> int:
    if type(value) is int and -_USUAL < value < _USUAL:
        return value
    number = int(value)
    if abs(number).bit_length() > _MAX_BITS:
        raise NotPlain("is a number of more than 4,000 digits")
    return number


def _encode_float(value: Any) -> float:
    if not math.isfinite(value):
        raise NotPlain(f"is {value}, which JSON cannot carry")
    return float(value)


def _encode_text(value: Any) -> Encoded:
    text = str.__str__(value)  # not an enum's own, which names the member instead of its value
    return {"$safe": text} if hasattr(value, "__html__") else text  # as frameworks' own classes of safe text have it


_USUAL: Final = 1 << 60
_MAX_BITS: Final = 13_000  # Python's own guard refuses to read back integers of more than 4,300 digits

# In this order for subclasses: datetime before date, Markup before str.
_ENCODERS: Final[dict[type, Callable[[Any], Encoded]]] = {
    int: _encode_int,
    float: _encode_float,
    Markup: lambda value: {"$safe": str(value)},
    str: _encode_text,
    datetime: lambda value: {"$datetime": value.isoformat()},
    date: lambda value: {"$date": value.isoformat()},
    time: lambda value: {"$time": value.isoformat()},
    Decimal: lambda value: {"$decimal": str(value)},
    UUID: lambda value: {"$uuid": str(value)},
    range: lambda value: {"$range": [value.start, value.stop, value.step]},
    **dict.fromkeys((Blank, Empty), lambda _: ""),  # which they equal, and are printed as
}

_DECODERS: Final[dict[str, Callable[[str], object]]] = {
    "$safe": Markup,
    "$datetime": datetime.fromisoformat,
    "$date": date.fromisoformat,
    "$time": time.fromisoformat,
    "$decimal": Decimal,
    "$uuid": UUID,
}
"""How the text behind each `$` key is read; `$range` and `$map` carry lists."""


def decode(encoded: Encoded) -> Any:
    """Return the value that `encode` was given; tuples come back as lists, undefined as None.

    Raises:
        NotPlain: for JSON that `encode` did not make: an object with an unknown `$` key or one with a malformed value,
            nesting deeper than MAX_DEPTH, NaN or an infinity, a number that is too long.
    """
    return _decode(encoded, 0)


def decode_all(encoded: Mapping[str, Encoded]) -> dict[str, Any]:
    """Return named values decoded."""
    if not encoded:
        return {}
    return {name: item if type(item) in PLAIN else _decode(item, 0) for name, item in encoded.items()}


def _decode(encoded: Encoded, depth: int) -> Any:
    kind = type(encoded)
    if kind in PLAIN:
        return encoded
    if kind is int:
        return encoded if encoded.bit_length() < _MAX_BITS else _encode_int(encoded)
    if kind is float:
        return _encode_float(encoded)
    if kind is dict and len(encoded) == 1:
        ((key, item),) = encoded.items()
        if key.startswith("$"):
            return _decode_tagged(key, item, depth)
    if depth >= MAX_DEPTH:
        raise NotPlain(_TOO_DEEP)
    depth += 1
    if kind is dict:
        return {key: item if type(item) in PLAIN else _decode(item, depth) for key, item in encoded.items()}
    return [item if type(item) in PLAIN else _decode(item, depth) for item in encoded]


_TOO_DEEP: Final = f"is nested more than {MAX_DEPTH} levels deep"


def _decode_tagged(key: str, item: Encoded, depth: int) -> object:
    try:
        if key == "$map":
            if depth >= MAX_DEPTH:
                raise NotPlain(_TOO_DEEP)
            return {_decode(name, depth + 1): _decode(value, depth + 1) for name, value in item}
        if key == "$range":
            return range(*item)
        if type(item) is str:
            return _DECODERS[key](item)
    except (KeyError, ValueError, TypeError, ArithmeticError) as error:
        raise NotPlain(f"carries {key[:80]!r} with a value that is not one") from error
    raise NotPlain(f"carries {key[:80]!r} with a value that is not one")


def size(encoded: Encoded) -> int:
    """Return the bytes that an encoded value takes as JSON."""
    return len(json.dumps(encoded, separators=(",", ":")))
