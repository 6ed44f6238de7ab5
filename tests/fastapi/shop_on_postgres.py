"""The example's application, with requests that fail late and jobs that tell who ran them."""

from __future__ import annotations

import os

from fastapi import HTTPException
from shop.app import SessionDep, app
from shop.database import Order, Session, jobs_after
from shop.site import engine, pack
from sqlalchemy import text

from liquid_background.fastapi import EngineDep, JobTasksDep

__all__ = ["app", "engine"]


@app.post("/fails/{way}")
async def fails(way: str, session: SessionDep, tasks: JobTasksDep, engine: EngineDep) -> None:
    """Make jobs in three ways, and then fail."""
    order = Order(tea="poison" if way == "commit" else "Assam", grams=1)
    session.add(order)
    await session.flush()
    tasks.add_task(pack, order.id)
    await engine.enqueue_async(pack, {"order_id": order.id})
    page = "{% background source_name: 'page' %}{% endbackground %}"
    await engine.environment.from_string(page).render_async()
    if way == "raise":
        raise HTTPException(409)


@app.post("/tasks-first/{tea}")
async def tasks_first(tasks: JobTasksDep, session: SessionDep, tea: str) -> None:
    """Have the transaction end before the tasks do, unlike where it is named first."""
    order = Order(tea=tea, grams=1)
    session.add(order)
    await session.flush()
    tasks.options(source_name="tasks-first").add_task(pack, order.id)


@app.post("/savepoint")
async def savepoint(session: SessionDep, engine: EngineDep) -> None:
    await engine.enqueue_async("touch", {"name": "outer"})
    try:
        async with jobs_after(session.begin_nested()):
            await engine.enqueue_async("touch", {"name": "rolled back"})
            raise LookupError
    except LookupError:
        pass
    async with jobs_after(session.begin_nested()):
        await engine.enqueue_async("touch", {"name": "released"})


@engine.action
async def touch(name: str, seconds: float = 0) -> None:
    async with Session.begin() as session:
        await session.execute(text("SELECT pg_sleep(:seconds)"), {"seconds": seconds})
        row = {"name": name, "pid": os.getpid()}
        await session.execute(text("INSERT INTO done VALUES (:name, :pid, pg_backend_pid())"), row)
