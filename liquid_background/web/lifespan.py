"""The life of an ASGI application that has nothing to do when its server starts and ends."""

from __future__ import annotations

from starlette.types import Receive, Send


async def live(receive: Receive, send: Send) -> None:
    """Answer what a server says of its life, until its end."""
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
