"""The attempt that goes on: the code that a job calls may ask which one it is."""

from __future__ import annotations

from collections.abc import Iterator
from contextvars import ContextVar

from liquid_background.hooks import Attempt, Hooked

current: ContextVar[Attempt | None] = ContextVar("current", default=None)
"""The attempt of this context, None outside of jobs."""


def keep_current(engine: Hooked) -> None:
    """Have an engine's attempts say which they are."""
    engine.around_job(_keep)


def _keep(attempt: Attempt) -> Iterator[None]:
    token = current.set(attempt)
    try:
        yield
    finally:
        current.reset(token)
