"""The engine of the shop, and what its jobs do: `poscli worker --app shop.site:engine`."""

from pathlib import Path

from sqlalchemy.pool import NullPool

from liquid_background import Engine, NonRetryable
from shop.database import Order, Session, after_commit, connect

engine = Engine(templates=Path(__file__).parents[1] / "templates")
engine.send_when(after_commit)


@engine.on_child_start
def connect_child() -> None:
    """Connect anew for each job: a connection belongs to the event loop that opened it, and each job has its own."""
    connect(poolclass=NullPool)


@engine.action
async def write_receipt(order_id: int, text: str) -> None:
    async with Session.begin() as session:
        (await _order(session, order_id)).receipt = text


@engine.background(max_retries=5)
async def pack(order_id: int) -> None:
    async with Session.begin() as session:
        (await _order(session, order_id)).packed = True


async def _order(session, order_id: int) -> Order:
    order = await session.get(Order, order_id)
    if order is None:
        raise NonRetryable(f"there is no order {order_id}")
    return order
