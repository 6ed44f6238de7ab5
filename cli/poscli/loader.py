"""The one place that imports when something is used and not when a module is loaded: commands, and rich."""

from __future__ import annotations

from importlib import import_module

TYPE_CHECKING = False  # typing takes 4 ms to load, in which a signal would find a worker without its handlers
if TYPE_CHECKING:
    from typing import Any


def load(place: str) -> Any:
    """Return what "module:attr" names."""
    module, _, attribute = place.partition(":")
    return getattr(import_module(module), attribute)
