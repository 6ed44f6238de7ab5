"""Python functions as jobs: registering and enqueueing them, their queues and results, and their schedules."""

from __future__ import annotations

from liquid_background.python_jobs.building import secret_positions, source_name_of
from liquid_background.python_jobs.decorator import background, default_queue, provide_default_queue
from liquid_background.python_jobs.function import Function, find_function
from liquid_background.python_jobs.handle import Handle
from liquid_background.python_jobs.options import BulkOptions, EnqueueOptions, JobOptions, check_names
from liquid_background.python_jobs.python_jobs import PythonJobs
from liquid_background.python_jobs.queues import BACKOFF, EngineQueue, JobQueue
from liquid_background.python_jobs.results import JobResult, to_result
from liquid_background.python_jobs.retries import RetryPolicy
from liquid_background.python_jobs.schedules import Schedule, read_schedule, too_many_schedules

__all__ = [
    "BACKOFF",
    "BulkOptions",
    "EngineQueue",
    "EnqueueOptions",
    "Function",
    "Handle",
    "JobOptions",
    "JobQueue",
    "JobResult",
    "PythonJobs",
    "RetryPolicy",
    "Schedule",
    "background",
    "check_names",
    "default_queue",
    "find_function",
    "provide_default_queue",
    "read_schedule",
    "secret_positions",
    "source_name_of",
    "to_result",
    "too_many_schedules",
]
