"""RapidAI's background jobs by their own names: adapters over this project's jobs."""

from __future__ import annotations

from liquid_background.errors import JobError
from liquid_background.job import JobStatus
from liquid_background.python_jobs import JobQueue, JobResult, background, default_queue
from liquid_background.rapidai.in_memory import InMemoryQueue
from liquid_background.rapidai.redis_queue import RedisQueue, get_queue

__all__ = [
    "InMemoryQueue",
    "JobError",
    "JobQueue",
    "JobResult",
    "JobStatus",
    "RedisQueue",
    "background",
    "default_queue",
    "get_queue",
]
