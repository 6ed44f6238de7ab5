"""What an application may list of a class, and what it is told to list: only what would work."""

from __future__ import annotations

import inspect
from abc import ABCMeta
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import partialmethod
from types import BuiltinFunctionType, FunctionType
from typing import Any, Final

from liquid_background.errors import SettingsError
from liquid_background.language.exposed.names import is_open
from liquid_background.proxies import stood_for

TEXT: Final = "__str__"
"""What an application lists so that pages may print an object itself."""

_METHODS: Final = (FunctionType, BuiltinFunctionType, classmethod, staticmethod, partialmethod)
_ABSENT: Final = object()
_USUAL: Final = "name"  # a field that makes a good example


def has_address(kind: Any) -> bool:
    """Return whether the text of a class is Python's own, which shows an address."""
    return kind.__str__ is object.__str__ and kind.__repr__ in (object.__repr__, defaultdict.__repr__)


def check_listed(kind: type, names: Sequence[Any], computed: Mapping[str, Any]) -> None:
    """Accept what is listed of a class.

    Raises:
        SettingsError: for what no page could read.
    """
    if not names and not computed:
        raise SettingsError(f"expose({kind.__name__}) lists no field: expose({kind.__name__}, 'name')")
    for name in names:
        _check_name(kind, name, is_computed=False)
        _check_attribute(kind, name)
    for name, function in computed.items():
        _check_name(kind, name, is_computed=True)
        _check_function(kind, name, function)


def _check_name(kind: type, name: object, *, is_computed: bool) -> None:
    shown = _shown(kind, name)
    if not isinstance(name, str) or not name.isidentifier():
        raise SettingsError(f"{shown}: a field is given by its name, such as 'name'")
    if name.startswith("_") and (name != TEXT or is_computed):
        raise SettingsError(f"{shown}: names that begin with _ are Python's own or private; pages read none")


def listed_as(kind: Any, name: str) -> str:
    """Return how a field that is there is listed: by its name, or as the method that makes it."""
    is_method = isinstance(inspect.getattr_static(kind, name, None), _METHODS)
    return f"{name}={kind.__name__}.{name}" if is_method else repr(name)


def _check_attribute(kind: type, name: str) -> None:
    if name == TEXT:
        return
    if isinstance(inspect.getattr_static(kind, name, None), _METHODS):
        instead = f"expose({kind.__name__}, {name}={kind.__name__}.{name}) has pages read what it returns"
        raise SettingsError(f"{_shown(kind, name)}: {name} is a method, and pages call none; {instead}")
    if not _may_have(kind, name):
        raise SettingsError(f"{_shown(kind, name)}: no {kind.__name__} has a {name!r}: list what it has")


def _check_function(kind: type, name: str, function: object) -> None:
    shown = f"expose({kind.__name__}, {name}=…)"
    if not callable(function):
        instead = f"expose({kind.__name__}, {name!r}) has pages read the attribute"
        raise SettingsError(f"{shown} takes a function of the object; it is given {function!r:.80}; {instead}")
    if not _takes_an_object(function):
        raise SettingsError(f"{shown} takes a function of the object alone: {function!r:.80} takes other arguments")


def _shown(kind: type, name: object) -> str:
    return f"expose({kind.__name__}, {name!r:.80})"


def _may_have(kind: Any, name: str) -> bool:
    """Return whether an object of a class may have an attribute: `__init__` may set what the class does not know."""
    return (
        inspect.getattr_static(kind, name, _ABSENT) is not _ABSENT
        or bool(kind.__dictoffset__)
        or hasattr(kind, "__getattr__")
        or isinstance(kind.__getattribute__, FunctionType)
        or isinstance(kind, ABCMeta)
    )


def _takes_an_object(function: Any) -> bool:
    try:
        inspect.signature(function).bind(None)
    except ValueError:  # one of Python's own that does not tell
        return True
    except TypeError:
        return False
    return True


def is_missing(error: AttributeError, found: object, name: object) -> bool:
    """Return whether an error says that an object has no attribute of a name, and not that a property has failed."""
    if getattr(error, "silent_variable_failure", False):
        return False
    return (error.name == name and error.obj is found) or (inspect.getattr_static(found, str(name), _ABSENT) is _ABSENT)


def advice(found: Any, name: object, secret: Sequence[str]) -> str:
    """Return what an application is to do so that pages read an object that no rule exposes.

    Args:
        found: the object.
        name: what a page has asked for.
        secret: parts of names that look secret.
    """
    found = stood_for(found)
    field = None if isinstance(found, type) or type(found).__module__ == "builtins" else _field(found, name, secret)
    if field is None:
        return "have the application pass what pages need of it, as plain values"
    return f"have the application list what pages may read, expose({type(found).__name__}, {field})"


def _field(found: Any, name: object, secret: Sequence[str]) -> str | None:
    """Return how a field is listed: the one that was asked for, else one that there is; None when there is none."""
    kind = type(found)
    if name == TEXT and not has_address(kind):
        return repr(TEXT)
    names = dict.fromkeys(each for each in _attributes(found) if is_open(each, secret))
    if isinstance(name, str) and name.isidentifier() and not name.startswith("_"):
        if name in names or hasattr(kind, "__getattr__"):
            return repr(name)
        if isinstance(inspect.getattr_static(kind, name, None), _METHODS) and _takes_an_object(getattr(kind, name)):
            return listed_as(kind, name)
    return repr(_USUAL if _USUAL in names else next(iter(names))) if names else None


def _attributes(found: Any) -> Iterator[str]:
    yield from getattr(found, "__dict__", ())
    for base in type(found).__mro__[:-1]:
        for name, value in vars(base).items():
            if not isinstance(value, _METHODS) and not callable(value):
                yield name
