"""Jobs in the store: RQ's records, and the moves between their states."""

from liquid_background.queue.queue import Queue, QueueCounts

__all__ = ["Queue", "QueueCounts"]
