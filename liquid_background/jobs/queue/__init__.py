"""Jobs in the store: RQ's records, and the moves between their states. Names are loaded on first use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from liquid_background.lazy import lazy_attributes

if TYPE_CHECKING:
    from liquid_background.jobs.queue.queue import Queue

__all__ = ["Queue"]

__getattr__ = lazy_attributes(__name__, {"Queue": "queue"})
