"""The pages over HTTP: an ASGI application around an engine, and a small server for it."""

from __future__ import annotations

import json
import logging
import os
import socket
import time
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import parse_qsl

import uvicorn
from liquid.exceptions import LiquidError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from liquid_background.engine import Engine
from liquid_background.errors import LiquidBackgroundError, SettingsError, StoreError
from liquid_background.joblog import printable
from liquid_background.pages import MEDIA_TYPES, METHODS, page_at
from liquid_background.syntax import explain

logger = logging.getLogger("liquid_background.web")

MAX_BODY: Final = 1024 * 1024  # bytes of a request; a page that takes files needs a server of its own
_GRACE: Final = 5  # seconds that requests get at the end


def application(engine: Engine, *, show_errors: bool = False) -> Starlette:
    """Return an ASGI application that serves the pages of an engine's site.

    A page answers at its slug, else at its name, to the method of its front matter (any, when it names none).

    Args:
        engine: renders the pages; its loader must be a site's.
        show_errors: whether a visitor is told what is wrong with a template, as a developer wants to be.
    """

    async def answer(request: Request) -> Response:
        return await _answer(engine, request, show_errors)

    return Starlette(routes=[Route("/{path:path}", answer, methods=[*METHODS, "HEAD"])])


async def _answer(engine: Engine, request: Request, show_errors: bool) -> Response:
    started = time.monotonic()
    try:
        response = await _render(engine, request)
    except StoreError as error:
        response = _failure(503, "The page cannot take this request now.", error, show_errors)
    except (LiquidError, LiquidBackgroundError) as error:
        response = _failure(500, "This page has an error.", error, show_errors)
    took = round((time.monotonic() - started) * 1000)
    path = printable(request.path_params["path"])
    logger.info("%s /%s %d (%dms)", request.method, path, response.status_code, took)
    return response


def _failure(status: int, message: str, error: Exception, show_errors: bool) -> Response:
    reason = explain(error) if isinstance(error, LiquidError) else str(error)
    logger.error("%s", printable(reason))
    return PlainTextResponse(f"{message}\n\n{reason}\n" if show_errors else f"{message}\n", status)


async def _render(engine: Engine, request: Request) -> Response:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY:
            return PlainTextResponse(f"The request is over {MAX_BODY // 1024} KB.\n", 413)
    page, front_matter = page_at(engine.environment, request.path_params["path"], request.method)
    if page is None:
        return PlainTextResponse("There is no such page.\n", 404)
    try:
        params = {**request.query_params, **_parse(bytes(body), request.headers.get("content-type", ""))}
    except ValueError:
        return PlainTextResponse("The request's body is not what its content type says.\n", 400)
    text = await engine.render_async(
        page,
        params=params,
        session=request.scope.get("session", {}),
        cookies=dict(request.cookies),
        headers=dict(request.headers),
    )
    headers = front_matter.get("response_headers")
    extra = {str(name): str(value) for name, value in headers.items()} if isinstance(headers, Mapping) else None
    return Response(text, media_type=MEDIA_TYPES.get(str(front_matter.get("format", "html"))), headers=extra)


def _parse(body: bytes, content_type: str) -> dict[str, Any]:
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "application/x-www-form-urlencoded":
        return dict(parse_qsl(body.decode("utf-8"), keep_blank_values=True))
    if kind == "application/json" and body:
        values = json.loads(body)
        if not isinstance(values, dict):
            raise ValueError
        return values
    return {}


def serve(
    engine: Engine, host: str, port: int, *, show_errors: bool = False, ready: Callable[[str], None] | None = None
) -> None:
    """Serve the pages until SIGTERM or SIGINT.

    Args:
        engine: renders the pages.
        host: the address to listen on.
        port: the port, 0 for a free one.
        show_errors: see `application`.
        ready: called with the URL once the port is bound.

    Raises:
        SettingsError: when the port cannot be bound.
    """
    try:
        listening = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else error
        raise SettingsError(f"cannot listen on {host}:{port}: {reason}; give --port another one") from error
    with listening:
        if ready is not None:
            ready(f"http://{f'[{host}]' if ':' in host else host}:{listening.getsockname()[1]}")
        site = application(engine, show_errors=show_errors)
        config = uvicorn.Config(site, log_level="warning", access_log=False, timeout_graceful_shutdown=_GRACE)
        uvicorn.Server(config).run(sockets=[listening])
