"""Fixtures for pytest, which finds them by itself where liquid-background is installed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from liquid_background.testing import EngineLike, FakeJobs, fake_jobs


@pytest.fixture
def background_jobs() -> Iterator[Callable[..., FakeJobs]]:
    """`jobs = background_jobs(engine)`: until the test ends, the engine's jobs wait there for the test to run them.

    `background_jobs(engine, inline=True)` runs each when it is enqueued, `background_jobs(engine, dry=True)` runs them
    dry: nothing of the application's own is called that it has not declared pure.
    """
    with ExitStack() as stack:

        def attach(engine: EngineLike, *, inline: bool = False, dry: bool = False) -> FakeJobs:
            return stack.enter_context(fake_jobs(engine, inline=inline, dry=dry))

        yield attach
