"""The shop's database: its table, its sessions, and jobs that wait for their commit."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from contextvars import ContextVar, copy_context
from typing import Any

from sqlalchemy import make_url
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from liquid_background import LiquidBackgroundError, expose

Session = async_sessionmaker(expire_on_commit=False)  # pages read objects after their commit


class Base(DeclarativeBase):
    pass


@expose("id", "tea", "grams", "price", "receipt", "packed")  # what pages read of an order, and nothing else
class Order(Base):
    __tablename__ = "orders"

    id: Mapped[int] = mapped_column(primary_key=True)
    tea: Mapped[str]
    grams: Mapped[int]
    receipt: Mapped[str | None]
    packed: Mapped[bool] = mapped_column(default=False)

    @property
    def price(self) -> str:
        return f"{self.grams * 8 / 100:.2f}"


def connect(url: str = os.environ.get("DATABASE_URL", "sqlite+aiosqlite:///shop.db"), **options: Any) -> AsyncEngine:
    """Have sessions use a database from now on."""
    where = make_url(url)
    if where.drivername in ("postgres", "postgresql"):
        where = where.set(drivername="postgresql+psycopg")
    database = create_async_engine(where, pool_pre_ping=True, **options)  # what a restart has closed is replaced
    Session.configure(bind=database)
    return database


_sending = ThreadPoolExecutor(32, "sending")  # a store that does not answer holds up nothing else
_waiting: ContextVar[list[Callable[[], None]] | None] = ContextVar("waiting", default=None)


@asynccontextmanager
async def jobs_after(block: AbstractAsyncContextManager[Any]) -> AsyncIterator[Any]:
    """Enter a transaction or a savepoint: jobs that are made inside are sent after the commit of all, or not at all."""
    sends: list[Callable[[], None]] = []
    token = _waiting.set(sends)
    try:
        async with block as entered:
            yield entered
    finally:
        _waiting.reset(token)
    errors: list[LiquidBackgroundError] = []
    for send in sends:
        try:
            await asyncio.get_running_loop().run_in_executor(_sending, copy_context().run, after_commit, send)
        except LiquidBackgroundError as error:  # it is committed: what another one sends is due all the same
            errors.append(error)
    if errors:
        raise errors[0]


def after_commit(send: Callable[[], None]) -> None:
    """Send jobs after the commit of the transaction around the caller; at once where there is none."""
    waiting = _waiting.get()
    if waiting is None:
        send()
    else:
        waiting.append(send)


async def session() -> AsyncIterator[AsyncSession]:
    """Yield a request's session, whose transaction is committed when its path function has succeeded."""
    async with jobs_after(Session.begin()) as begun:
        yield begun
