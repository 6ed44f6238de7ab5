"""The store: connections to a Redis or Valkey server, and the embedded server when no URL is given.

The names here are loaded on first use, because importing redis takes longer than rendering a page. The embedded
server's own functions (`status`, `stop`, `socket_path`) are in `liquid_background.jobs.store.embedded`, without redis.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from liquid_background.lazy import lazy_attributes

if TYPE_CHECKING:
    from liquid_background.jobs.store.asked import asked
    from liquid_background.jobs.store.connection import Store, connect
    from liquid_background.jobs.store.translation import read_replies, translated_errors

__all__ = ["Store", "asked", "connect", "read_replies", "translated_errors"]

__getattr__ = lazy_attributes(
    __name__,
    {
        "Store": "connection",
        "asked": "asked",
        "connect": "connection",
        "read_replies": "translation",
        "translated_errors": "translation",
    },
)
