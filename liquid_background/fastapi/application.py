"""An engine for as long as an application runs: its store is asked at the start, its connections closed at the end."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Final, TypeAlias

from starlette.requests import HTTPConnection

from liquid_background.engine import Engine
from liquid_background.errors import SettingsError

STATE: Final = "liquid_background"
"""The name of the engine in an application's state."""

Lifespan: TypeAlias = Callable[[Any], AbstractAsyncContextManager[Any]]


def lifespan(engine: Engine, inside: Callable[[Any], AbstractAsyncContextManager[Any]] | None = None) -> Lifespan:
    """Return a lifespan for an application of FastAPI or Starlette, which has the engine meanwhile.

    At the start the store is asked, and an application whose store is away does not start. At the end the engine's
    connections are closed. It is a context manager of the application, too, for a lifespan of the application's own:
    `async with lifespan(engine)(app):`.

    Args:
        engine: of the application; `app.state.liquid_background`, and `get_engine` in a request.
        inside: a lifespan of the application's own, which runs inside of this one.

    Raises:
        StoreUnavailable: at the start, when the store cannot be reached.
    """

    @asynccontextmanager
    async def living(app: Any) -> AsyncIterator[Mapping[str, Any] | None]:
        connected = None if engine.job_store is not None else await engine.hooks.threads.run(lambda: engine.store)
        setattr(app.state, STATE, engine)
        try:
            if inside is None:
                yield None
            else:
                async with inside(app) as state:
                    yield state
        finally:
            if connected is not None:
                await engine.hooks.threads.run(connected.close)

    return living


def get_engine(connection: HTTPConnection) -> Engine:
    """Return the engine of the application that answers a request; as a dependency, what tests override.

    Raises:
        SettingsError: when the application has none.
    """
    engine = getattr(connection.app.state, STATE, None)
    if not isinstance(engine, Engine):
        raise SettingsError(
            f"this application has no engine (app.state.{STATE}): make it with lifespan=lifespan(engine), which runs "
            "under a server and inside `with TestClient(app)`; set a mounted application's own state, or override "
            "get_engine"
        )
    return engine
