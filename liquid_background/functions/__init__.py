"""Python functions as jobs: registering and enqueueing them, their queues and results, and their schedules."""

from __future__ import annotations

from liquid_background.functions.function import Function, find_function, path_of
from liquid_background.functions.handle import Handle
from liquid_background.functions.options import BulkOptions, EnqueueOptions, JobOptions
from liquid_background.functions.python_jobs import PythonJobs
from liquid_background.functions.queues import BACKOFF, EngineQueue, JobQueue
from liquid_background.functions.results import JobResult, to_result
from liquid_background.functions.retries import RetryPolicy
from liquid_background.functions.schedules import Schedule, read_schedule

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
    "find_function",
    "path_of",
    "read_schedule",
    "to_result",
]
