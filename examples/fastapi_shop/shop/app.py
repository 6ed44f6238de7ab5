"""The pages of the shop: `uvicorn shop.app:app`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import Depends, FastAPI, Form, Request
from fastapi.responses import HTMLResponse
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from liquid_background.fastapi import JobTasksDep, LiquidTemplates, lifespan
from shop.database import Base, Order, connect, session
from shop.site import engine, pack

templates = LiquidTemplates(engine)
# "function": committed before the answer is sent, so that nobody is thanked for an order that is not there.
SessionDep = Annotated[AsyncSession, Depends(session, scope="function")]


@asynccontextmanager
async def database(app: FastAPI) -> AsyncIterator[None]:
    connected = connect()
    async with connected.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    yield
    await connected.dispose()


app = FastAPI(lifespan=lifespan(engine, database))


@app.get("/", response_class=HTMLResponse)
async def orders(request: Request, session: SessionDep):
    found = (await session.scalars(select(Order).order_by(Order.id))).all()
    return templates.TemplateResponse(request, "orders", {"orders": found})


@app.post("/orders", response_class=HTMLResponse)
async def place(
    request: Request,
    session: SessionDep,
    tasks: JobTasksDep,
    tea: Annotated[str, Form(max_length=100)],
    grams: Annotated[int, Form(gt=0)],
):
    order = Order(tea=tea, grams=grams)
    session.add(order)
    await session.flush()
    tasks.add_task(pack, order.id)
    return templates.TemplateResponse(request, "thanks", {"order": order}, status_code=201)
