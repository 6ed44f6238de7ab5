"""Jobs and their log in the memory of one process, for queues and doubles that need no store."""

from liquid_background.jobs.memory.jobs import KEPT, MemoryJobs
from liquid_background.jobs.memory.log import MemoryLog

__all__ = ["KEPT", "MemoryJobs", "MemoryLog"]
