"""What FastAPI's path functions depend on: the engine, and tasks that are sent when the function has succeeded."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, TypeAlias

from fastapi import Depends, WebSocketDisconnect

from liquid_background.engine import Engine
from liquid_background.fastapi.application import get_engine
from liquid_background.fastapi.tasks import JobTasks

EngineDep: TypeAlias = Annotated[Engine, Depends(get_engine)]
"""The application's engine; tests put another one in its place: `app.dependency_overrides[get_engine]`."""


async def job_tasks(engine: EngineDep) -> AsyncIterator[JobTasks]:
    """Yield the tasks of a request, and send them when its function has returned; none when that raises.

    That a client has left is how most sockets end, and no failure: what was added before is sent then, too.
    """
    tasks = JobTasks(engine)
    try:
        yield tasks
        await tasks.send()
    except (WebSocketDisconnect, ExceptionGroup) as error:
        if _client_has_left(error):
            await tasks.send()
        raise
    finally:
        tasks.end()


def _client_has_left(error: Exception) -> bool:
    """Return whether that is all that an error says, or each of those that a task group has put together."""
    if isinstance(error, ExceptionGroup):
        return error.split(WebSocketDisconnect)[1] is None
    return isinstance(error, WebSocketDisconnect)


# Before the answer is sent: whoever is told that it has been done can rely on it, and a store that is away is a 500.
JobTasksDep: TypeAlias = Annotated[JobTasks, Depends(job_tasks, scope="function")]
"""The tasks of this request."""
