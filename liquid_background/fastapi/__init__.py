"""FastAPI and Starlette: an engine for the application's life, pages as responses, and tasks that outlive a restart.

The names here are loaded on first use, so that all but the dependencies work where Starlette is and FastAPI is not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from liquid_background.lazy import lazy_attributes

if TYPE_CHECKING:
    from liquid_background.fastapi.application import get_engine, lifespan
    from liquid_background.fastapi.dependencies import EngineDep, JobTasksDep, job_tasks
    from liquid_background.fastapi.tasks import JobTasks, TaskOptions
    from liquid_background.fastapi.templates import LiquidResponse, LiquidTemplates

__all__ = [
    # the application's life
    "lifespan",
    "get_engine",
    # pages
    "LiquidTemplates",
    "LiquidResponse",
    # tasks
    "JobTasks",
    "TaskOptions",
    # FastAPI's dependencies
    "EngineDep",
    "JobTasksDep",
    "job_tasks",
]

__getattr__ = lazy_attributes(
    __name__,
    {
        **dict.fromkeys(("EngineDep", "JobTasksDep", "job_tasks"), "dependencies"),
        **dict.fromkeys(("get_engine", "lifespan"), "application"),
        **dict.fromkeys(("JobTasks", "TaskOptions"), "tasks"),
        **dict.fromkeys(("LiquidResponse", "LiquidTemplates"), "templates"),
    },
    needs="fastapi",
)
