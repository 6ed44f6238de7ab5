"""Objects in a dry run: what they hold is read; what the application's code would make of them is an effect."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from copy import copy
from inspect import getattr_static
from operator import attrgetter
from types import MemberDescriptorType
from typing import Any

from liquid_background.language.dry.judging import is_of_known
from liquid_background.language.dry.trace import Trace
from liquid_background.language.exposed import Exposure, Rule


class DryExposure(Exposure):
    """The rules of an environment, by which no code of the application is called that is not declared pure.

    Args:
        origin: the rules.
        trace: returns what the run that goes on depends on.
    """

    def __init__(self, origin: Exposure, trace: Callable[[], Trace]) -> None:
        vars(self).update(vars(origin))
        self._origin = origin
        self._trace = trace
        self._found, self._version = {}, None

    def _rule(self, kind: Any) -> Rule | None:
        rule = super()._rule(kind)
        if rule is None or rule.is_pure or not rule.fields or type(rule) is not Rule:
            return rule  # other classes of rules are ours: they read what is declared, and rows of queries
        made = copy(rule)
        made.fields = {name: self._read(kind, name, read) for name, read in rule.fields.items()}
        return made

    def _read(self, kind: type, name: str, read: Callable[[Any], object]) -> Callable[[Any], object]:
        if isinstance(read, attrgetter):
            return lambda found: read(found) if _is_stored(found, name) else self._stand_in(kind, name)
        return read if is_of_known(read) else lambda _: self._stand_in(kind, name)

    def _stand_in(self, kind: type, name: str) -> str:
        trace, label = self._trace(), f"{kind.__name__}.{name}"
        return trace.value_of(trace.effect("read", label, {}), label)


def _is_stored(found: object, name: str) -> bool:
    """Return whether an object holds an attribute itself, so that nothing is called for it."""
    missing = object()
    of_class = getattr_static(type(found), name, missing)
    if isinstance(of_class, property):
        return False
    with suppress(AttributeError):
        if name in object.__getattribute__(found, "__dict__"):
            return True
    if of_class is missing:
        return not hasattr(type(found), "__getattr__")
    return isinstance(of_class, MemberDescriptorType) or not hasattr(type(of_class), "__get__")
