"""What a setting may be, in words: for errors and for the table of the documentation."""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic.fields import FieldInfo

_LONGEST: Final = 80  # characters of a value that is worth showing
_UNITS: Final = frozenset(("seconds", "megabytes", "percent"))
_NUMBERS: Final = frozenset(("number", "whole number"))
_KINDS: Final[Mapping[object, str]] = {bool: "true or false", int: "whole number", float: "number", Path: "path"}


def kind_of(annotation: Any) -> str:
    """Return the kind of a setting's values, such as "whole number"."""
    origin = get_origin(annotation)
    if origin in (Union, types.UnionType):
        return kind_of(next(part for part in get_args(annotation) if part is not type(None)))
    if origin is tuple:
        item = kind_of(get_args(annotation)[0])
        return "list of numbers" if item == "number" else "list of words"
    return _KINDS.get(annotation, "text")


def range_of(field: FieldInfo) -> str:
    """Return between what a setting's numbers may be, such as "from 1 to 256"; "" when nothing says so."""
    return " ".join(_bound(bound) for bound in field.metadata if isinstance(bound, Ge | Gt | Le | Lt))


def _bound(bound: Ge | Gt | Le | Lt) -> str:
    match bound:
        case Ge(ge=least):
            return f"from {least:,}"
        case Gt(gt=least):
            return f"over {least:,}"
        case Le(le=most):
            return f"to {most:,}"
        case Lt(lt=most):
            return f"under {most:,}"


def choices_of(annotation: Any) -> Iterator[str]:
    """Yield the words that a setting may have; none when it may have any."""
    if get_origin(annotation) is Literal:
        yield from (str(each) or "empty" for each in get_args(annotation))
    else:
        for part in get_args(annotation):
            yield from choices_of(part)


def allowed(field: FieldInfo) -> str:
    """Return what a setting may be, to stand behind "it must be"."""
    choices = [*choices_of(field.annotation)]
    if choices and get_origin(field.annotation) is Literal:
        return f"{', '.join(choices[:-1])} or {choices[-1]}"
    if choices:
        return f"a list of {', '.join(choices)}"
    kind = kind_of(field.annotation)
    article = "" if kind in ("true or false", "text") else "a "
    return f"{article}{kind}{_unit_of(field) if kind in _NUMBERS else ''} {range_of(field)}".rstrip()


def _unit_of(field: FieldInfo) -> str:
    """Return what a setting's number counts, which is how its description begins."""
    unit = (field.description or "").partition(" ")[0].lower()
    return f" of {unit}" if unit in _UNITS else ""


def shortened(value: object) -> str:
    """Return what was given, as Python writes it, for an error."""
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
