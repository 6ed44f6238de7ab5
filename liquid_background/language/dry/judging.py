"""What a dry run may call: python-liquid's and our own filters and tags, and what the application says is pure."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any, Final

from liquid import Node, Tag

from liquid_background.language.declared import Declared
from liquid_background.language.dialect import dialect_in

_KNOWN: Final = ("liquid.", "liquid_background.")
_PURE: Final = Declared(None, pure=True)
NOTHING_SAID: Final = Declared(None)
"""Of what the application has registered, and told nothing of."""


def is_known(kind: type) -> bool:
    """Return whether a class is python-liquid's or ours."""
    return (getattr(kind, "__module__", "") or "").startswith(_KNOWN)


def is_of_known(function: object) -> bool:
    """Return whether a function is python-liquid's or ours, or Python's own."""
    module = getattr(function, "__module__", "") or ""
    return module.startswith((*_KNOWN, "operator", "builtins"))


def filter_declared(env: Any, name: str, raw: object) -> Declared:
    """Return what is to be thought of a filter: of the application's one, what that has said of it.

    A filter is known by what it is, and not by its name: one in the place of `upcase` is the application's.
    """
    said: Mapping[str, Declared] = env._declared_filters
    if name in said and said[name].of is raw:
        return said[name]
    return _PURE if _is_known_filter(env, raw) else NOTHING_SAID


def _is_known_filter(env: Any, raw: object) -> bool:
    module = getattr(raw, "__module__", "") or ""
    if not module.startswith(_KNOWN):
        return False
    if getattr(sys.modules.get(module), getattr(raw, "__name__", ""), None) is raw:
        return True
    _, stock = env._stock
    return any(raw is each for each in (*stock.values(), *dialect_in(env).filters.values()))


def tag_declared(env: Any, tag: Tag) -> Declared:
    """Return what is to be thought of a tag; see `filter_declared`."""
    said: Mapping[str, Declared] = env._declared_tags
    if tag.name in said and said[tag.name].of in (tag, type(tag)):
        return said[tag.name]
    return _PURE if is_known(type(tag)) else NOTHING_SAID


def node_declared(declared: Declared, node: Node) -> Declared:
    """Return what is to be thought of a node that a tag has made: a known tag may make nodes of the application's."""
    return NOTHING_SAID if declared is _PURE and not is_known(type(node)) else declared
