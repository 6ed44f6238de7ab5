"""Filters of numbers."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from liquid_background.platformos.filters.plain import Filter, as_text, as_whole_number, pure

_WIDEST: Final = 10_000  # characters that pad_left fills up to
_DIGITS: Final = 18
_KINDS: Final[dict[type, str]] = {
    str: "String",
    int: "Integer",
    float: "Float",
    Decimal: "BigDecimal",
    range: "Range",
    type(None): "NilClass",
}


@pure
def to_positive_integer(left: object, default: object = 1) -> Any:
    """Return a whole number over 0; the default for anything else."""
    text = str(left).strip() if isinstance(left, str | int) and not isinstance(left, bool) else ""
    number = int(text) if text.isascii() and text.isdigit() and len(text) <= _DIGITS else 0
    return number or default


@pure
def pad_left(left: object, width: object, fill: object = " ") -> str:
    """Return text of a width, with a character before it as often as is needed."""
    text = as_text("pad_left", left)
    return text.rjust(
        as_whole_number("pad_left", "the width", width, 0, _WIDEST), (as_text("pad_left", fill) or " ")[0]
    )


@pure
def type_of(left: object) -> str:
    """Return the kind of a value, in the words of Ruby."""
    if isinstance(left, bool):
        return "TrueClass" if left else "FalseClass"
    if isinstance(left, dict):
        return "Hash"
    if isinstance(left, list | tuple):
        return "Array"
    found = (word for kind, word in _KINDS.items() if isinstance(left, kind))
    return next(found, "Time")


FILTERS: Final[Mapping[str, Filter]] = {
    "to_positive_integer": to_positive_integer,
    "pad_left": pad_left,
    "type_of": type_of,
}
