"""Attributes that are made on first use: a package's (PEP 562), so that importing it costs nothing, and an object's."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from importlib import import_module
from typing import Any, Generic, Self, TypeVar, overload

from liquid_background.extras import extra

T = TypeVar("T")


def lazy_attributes(package: str, homes: Mapping[str, str], *, needs: str | None = None) -> Callable[[str], object]:
    """Return a module `__getattr__` for a package.

    Args:
        package: the package's `__name__`.
        homes: for each public name, the submodule that defines it; "" for a submodule itself.
        needs: the extra that has what they import; None when that is always there.
    """

    def load(name: str) -> object:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        home = homes[name]
        with extra(needs) if needs else nullcontext():
            module = import_module(f"{package}.{home or name}")
        value: object = getattr(module, name) if home else module
        setattr(sys.modules[package], name, value)
        return value

    return load


class kept(Generic[T]):  # noqa: N801  a decorator
    """A property that is made on first use and kept.

    As `functools.cached_property`, which up to Python 3.11 holds one lock for all objects of a class while one of them
    makes its value. Of two threads that meet here, each makes one, and one of the two is kept.
    """

    def __init__(self, make: Callable[[Any], T]) -> None:
        self._make = make
        self._name = make.__name__
        self.__doc__ = make.__doc__

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...
    @overload
    def __get__(self, instance: object, owner: type) -> T: ...
    def __get__(self, instance: object | None, owner: type) -> Self | T:
        if instance is None:
            return self
        value: T = instance.__dict__.setdefault(self._name, self._make(instance))
        return value
