"""The store: connections to a Redis or Valkey server, and the embedded server when no URL is given.

The names here are loaded on first use, because importing redis takes longer than rendering a page. The embedded
server's own functions (`status`, `stop`, `socket_path`) are in `liquid_background.store.embedded`, without redis.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from liquid_background.store.connection import Store, connect
    from liquid_background.store.health import health_warnings
    from liquid_background.store.translation import translated_errors

__all__ = ["Store", "connect", "health_warnings", "translated_errors"]

_HOMES = {
    "Store": "connection",
    "connect": "connection",
    "health_warnings": "health",
    "translated_errors": "translation",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
