"""Probes as an ASGI application: `app.mount("/-", probes_app(engine))` answers `/-/healthz` and `/-/readyz`."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

from liquid_background.engine import Engine
from liquid_background.jobs.queue.bounds import Bounds
from liquid_background.probes import ProbeAnswer, Probes
from liquid_background.threads import Threads
from liquid_background.web.lifespan import live


def probes_app(engine: Engine, *, bounds: Bounds | None = None) -> ASGIApp:
    """Return an ASGI application that answers probes, for mounting in another.

    Args:
        engine: whose store is looked at.
        bounds: beyond which waiting, failures or too few workers make it unready; without them the store alone does.
    """
    probes, threads = Probes(lambda: engine, bounds), Threads()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await live(receive, send)
        elif scope["type"] == "http":
            path = str(scope["path"]).rpartition("/")[2]
            found = await threads.run(probes.answer, path) if scope["method"] in ("GET", "HEAD") else None
            await send_answer(found or ProbeAnswer(404, "no such probe\n"), scope, send)

    return application


async def send_answer(answer: ProbeAnswer, scope: Scope, send: Send) -> None:
    """Send the answer to a probe."""
    body = answer.text.encode("ascii")
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(body)).encode("ascii")),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
    ]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})
