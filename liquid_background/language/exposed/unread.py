"""What an object has and no rule lists: whether it has it, and what has pages read it."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from functools import partialmethod
from types import BuiltinFunctionType, FunctionType
from typing import Any, Final

from liquid_background.language.exposed.names import is_kind
from liquid_background.wording import a

METHODS: Final = (FunctionType, BuiltinFunctionType, classmethod, staticmethod, partialmethod)
"""What a class has for a method: pages call none."""

_SHOWN: Final = 8  # fields that a message names
_EXTRAS: Final = ("pydantic.main", "BaseModel")  # keeps what it was given beyond its fields in a place of its own
_RELATIONS: Final = ("django.db.models.fields.related_descriptors", "django.contrib.contenttypes.fields")


def has(found: Any, name: object) -> bool:
    """Return whether an object has an attribute that is not private, without asking it: a property may do much."""
    if not isinstance(name, str) or name.startswith("_"):
        return False
    kind = type(found)
    own = getattr(found, "__dict__", ()) if kind.__dictoffset__ else ()  # or a `__getattr__` would be asked for it
    if name in own or any(name in vars(base) for base in kind.__mro__):
        return True
    if is_kind(kind, *_EXTRAS):
        return name in (found.__pydantic_extra__ or ())
    return found.__class__ is not kind and name in dir(found)  # a proxy tells what it stands for


def why_unread(found: Any, kind: str, name: str, fields: Iterable[str]) -> str:
    """Return why pages do not read what an object has, and what the application does so that they do.

    Args:
        found: the object.
        kind: the class whose rule it is.
        name: what the page asks for.
        fields: what pages read instead.
    """
    static = inspect.getattr_static(found.__class__, name, None)
    if isinstance(static, classmethod | staticmethod):
        listed = f"pages call no method; expose({kind}, {name}=lambda it: it.{name}(), …) has them read what it returns"
    elif isinstance(static, METHODS):
        listed = f"pages call no method; expose({kind}, {name}={kind}.{name}, …) has them read what it returns"
    elif _is_relation(static):
        listed = (
            f"expose({kind}, '{name}', …) lists all that they read, and what the relation leads to has its own rule"
        )
    else:
        listed = f"expose({kind}, '{name}', …) lists all that they read"
    return f"{not_among(kind, name, fields)}: {listed}"


def not_among(kind: str, name: str, fields: Iterable[str]) -> str:
    """Return that pages read no such thing of an object, and what they do read."""
    read = [*fields]
    shown = ", ".join([*read[:_SHOWN], "…"] if len(read) > _SHOWN else read)
    return f"is {a(kind)}, of which pages read no '{name}'{', but ' + shown if shown else ''}"


def _is_relation(static: Any) -> bool:
    """Return whether what a class has under a name leads to other objects of a database."""
    if type(static).__module__ in _RELATIONS:
        return True
    is_mapped = is_kind(type(static), "sqlalchemy.orm.attributes", "QueryableAttribute")
    return is_mapped and hasattr(static.property, "mapper")
