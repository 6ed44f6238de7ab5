"""The metrics as applications to mount: ASGI (Starlette, FastAPI) and WSGI (Flask, Django)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import TYPE_CHECKING, Any, TypeAlias

from prometheus_client import make_wsgi_app
from prometheus_client.exposition import choose_encoder

from liquid_background.engine import Engine
from liquid_background.metrics.collector import registry_of
from liquid_background.threads import Threads

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

_Message: TypeAlias = MutableMapping[str, Any]
_Receive: TypeAlias = Callable[[], Awaitable[_Message]]
_Send: TypeAlias = Callable[[_Message], Awaitable[None]]
AsgiApplication: TypeAlias = Callable[[_Message, _Receive, _Send], Awaitable[None]]


def metrics_app(engine: Engine, *, names: bool = True) -> AsgiApplication:
    """Return an ASGI application that answers each GET with the metrics: `app.mount("/metrics", metrics_app(engine))`.

    Whoever reaches it may read them, source names among them: mount it where only Prometheus does.

    Args:
        engine: whose site it is.
        names: whether attempts are told by source name.
    """
    registry, threads = registry_of(engine, names=names), Threads()

    async def application(scope: _Message, receive: _Receive, send: _Send) -> None:
        if scope["type"] != "http":  # a mounted application hears of no other
            return
        is_read = scope["method"] in ("GET", "HEAD")
        accepted = next((value for name, value in scope["headers"] if name == b"accept"), b"")
        encode, kind = choose_encoder(accepted.decode("latin-1"))
        # The store is asked in a thread, so that the event loop goes on.
        body = await threads.run(encode, registry) if is_read else b"metrics are read with GET\n"
        headers = [(b"content-type", (kind if is_read else "text/plain; charset=utf-8").encode("latin-1"))]
        await send({"type": "http.response.start", "status": 200 if is_read else 405, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})

    return application


def metrics_wsgi_app(engine: Engine, *, names: bool = True) -> WSGIApplication:
    """Return a WSGI application that does the same, by Prometheus' own client.

    Args:
        engine: whose site it is.
        names: whether attempts are told by source name.
    """
    application: WSGIApplication = make_wsgi_app(registry_of(engine, names=names))
    return application
