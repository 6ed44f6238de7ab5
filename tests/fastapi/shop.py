"""An application of FastAPI's with tasks and pages, for test clients and for real servers and workers."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException, Request, Response, WebSocket

from liquid_background import Engine, StoreUnavailable
from liquid_background.fastapi import EngineDep, JobTasksDep, LiquidTemplates, lifespan

engine = Engine(templates=Path(__file__).parent / "site")
templates = LiquidTemplates(engine)


@engine.action
def note(file: str, text: str = "") -> int:
    with Path(file).open("a") as stream:
        stream.write(f"{text}\n")
    return os.getpid()


@engine.background(max_retries=2)
async def note_later(file: str, text: str = "") -> int:
    await asyncio.sleep(0)
    return note(file, text)


def unregistered(text: str) -> None: ...


@asynccontextmanager
async def own(app: FastAPI) -> AsyncIterator[dict[str, str]]:
    app.state.log = ["up"]
    yield {"color": "blue"}
    app.state.log.append("down")


if os.environ.get("CONNECTS"):  # while the application loads, as some do
    engine.jobs.list()
app = FastAPI(lifespan=lifespan(engine, own))


@app.get("/tasks")
async def add(tasks: JobTasksDep, file: str = "", text: str = "", end: str = "") -> dict[str, str]:
    tasks.add_task(note, file, text=text)
    handle = tasks.options(priority="high", max_attempts=3).add_task(note_later, file, "later")
    if end == "raise":
        raise RuntimeError("the endpoint failed")
    if end == "404":
        raise HTTPException(404)
    return {"id": handle.id}


@app.get("/sync")
def add_in_a_thread(tasks: JobTasksDep, file: str = "") -> None:
    tasks.add_task(note, file, "thread")


def helper(tasks: JobTasksDep, file: str = "") -> None:
    tasks.add_task(note, file, "helper")


@app.get("/shared")
async def shared(tasks: JobTasksDep, _: Annotated[None, Depends(helper)], file: str = "") -> None:
    tasks.add_task(note, file, "endpoint")


@app.get("/unlike", response_model=dict[str, int])
async def unlike_its_model(tasks: JobTasksDep) -> dict[str, str]:
    tasks.add_task(note, "")
    return {"a": "no number"}


@app.get("/enqueue")
async def enqueue(engine: EngineDep, file: str) -> str:
    return (await engine.enqueue_async("note", {"file": file, "text": "enqueued"})).id


@app.websocket("/socket")
async def socket(websocket: WebSocket, engine: EngineDep, tasks: JobTasksDep) -> None:
    await websocket.accept()
    tasks.add_task(note, "/x", "socket")
    await websocket.send_json((await engine.enqueue_async("note", {"file": "/x", "text": "at once"})).id)
    await websocket.receive_text()  # until the client has looked
    await websocket.close()


@app.exception_handler(StoreUnavailable)
async def come_back(request: Request, error: StoreUnavailable) -> Response:
    return Response(str(error), 503)


@app.get("/color")
async def color(request: Request) -> str:
    return str(request.state.color)


@app.get("/page/{name}", name="page")
async def page(request: Request, name: str, file: str = "") -> object:
    return templates.TemplateResponse(request, name, {"file": file})


app_without_engine = FastAPI()


@app_without_engine.get("/")
async def nothing(engine: EngineDep) -> None: ...
