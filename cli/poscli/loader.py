"""The one place that imports when something is used and not when a module is loaded: commands, and rich."""

from __future__ import annotations

from importlib import import_module
from typing import Any


def load(place: str) -> Any:
    """Return what "module:attr" names."""
    module, _, attribute = place.partition(":")
    return getattr(import_module(module), attribute)
