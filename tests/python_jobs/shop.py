"""An application's functions, where a worker can import them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import date
from functools import wraps
from pathlib import Path
from typing import Any

from liquid_background import Engine, NonRetryable, background
from liquid_background.settings import load_settings

engine = Engine(settings=load_settings())


@engine.background(max_retries=2)
def add(left: int, right: int = 0) -> int:
    """Return the sum."""
    return left + right


@background
async def greet(name: str) -> dict[str, Any]:
    """Return a greeting."""
    await asyncio.sleep(0)
    return {"hello": name, "on": date(2024, 4, 3)}


@engine.action
def fail(message: str, file: str = "") -> None:
    """Fail, and note the run."""
    if file:
        with Path(file).open("a") as runs:
            runs.write(f"{time.time()}\n")
    raise ValueError(message)


@engine.action
def refuse(message: str) -> None:
    """Fail for good."""
    raise NonRetryable(message)


@engine.action("order.ship")
def ship(order_id: int, then: str | None = None) -> str:
    """Enqueue more work, and fail when it is told to."""
    engine_of_job().enqueue(notify, {"order_id": order_id})
    if then == "fail":
        raise ValueError("no stock")
    return f"shipped {order_id}"


@engine.action
def notify(order_id: int) -> str:
    """Return what would be sent."""
    return f"order {order_id}"


@engine.action
async def wait_for(until: str) -> str:
    """Wait for a file of the test's."""
    while not Path(until).exists():
        await asyncio.sleep(0.005)
    return "waited"


@engine.action
def sign_in(password: str, /, name: str, *tokens: str) -> str:
    """Fail with what is not to be seen, unless there is but one token."""
    if len(tokens) != 1:
        raise ValueError(f"{name} with {password}: {', '.join(tokens)}")
    return f"{name} with {password}"


def _with_session(function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def called(*args: Any) -> Any:
        return function("session", *args)

    return called


@engine.action
@_with_session
def sign_out(session: str, token: str) -> str:
    """Return what would be ended; who calls it gives the token only."""
    return f"{session} of {token}"


@engine.action
def not_plain() -> object:
    """Return what cannot travel."""
    return Path()


@engine.background
def total(*numbers: int, start: int = 0) -> int:
    """Return the sum."""
    return sum(numbers, start)


def plain(value: int) -> int:
    """Not decorated."""
    return value


def engine_of_job() -> Engine:
    """Return the engine that the tests have put here; the worker has this module's own."""
    return current or engine


current: Engine | None = None
