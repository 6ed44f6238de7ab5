"""The dashboard's screens over ASGI."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, TypeAlias

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from liquid_background.engine import Engine
from liquid_background.screens import Fields, Permission, ScreenAnswer, ScreenRequest, Screens, Visitor
from liquid_background.screens.access import visitor_of
from liquid_background.screens.live import LIVE
from liquid_background.threads import Threads
from liquid_background.web.live import Streams

MAX_FORM: Final = 1024 * 1024  # bytes of a form: the values of a job that is edited take up to 100 KB

Authorize: TypeAlias = Callable[[Request], Permission | Awaitable[Permission]]


def dashboard(
    engine: Engine,
    *,
    authorize: Authorize,
    name: Callable[[Request], str] | None = None,
    templates: Mapping[str, str] | None = None,
) -> ASGIApp:
    """Return the dashboard of an engine's jobs, for mounting in an ASGI application.

    Args:
        engine: whose jobs are shown.
        authorize: called for each request: None for nothing at all, "read", or the actions that are allowed beside it,
            such as `ACTIONS`. It may be a coroutine function.
        name: whom the audit names for a request; by default the user that Starlette's authentication found.
        templates: Liquid in the place of the dashboard's own, by name.
    """
    return _Dashboard(Screens(engine, templates=templates, by_events=True), authorize, name or _user_of)


class _Dashboard:
    def __init__(self, screens: Screens, authorize: Authorize, name: Callable[[Request], str]) -> None:
        self._screens = screens
        self._authorize = authorize
        self._name = name
        self._threads = Threads()
        self._streams = Streams(self._threads)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        answered = self._authorize(request)
        visitor = visitor_of(await answered if inspect.isawaitable(answered) else answered, self._name(request))
        response: Response
        if visitor is None:
            response = PlainTextResponse("You may not see this.\n", 403)
        else:
            response = await self._response(await _asked(request, visitor))
        await response(scope, receive, send)

    async def _response(self, asked: ScreenRequest) -> Response:
        if asked.segments[:1] != (LIVE,):
            return _whole(await self._threads.run(self._screens.answer, asked))
        if self._streams.is_full:
            return PlainTextResponse("Too many pages are open: this one stays as it is.\n", 503)
        feed = await self._threads.run(self._screens.feed, asked, asked.headers.get("last-event-id", ""))
        return _whole(feed) if isinstance(feed, ScreenAnswer) else self._streams.response(feed)


def _whole(answer: ScreenAnswer) -> Response:
    return Response(answer.body, answer.status, dict(answer.headers))


async def _asked(request: Request, visitor: Visitor) -> ScreenRequest:
    body = b""
    if request.method == "POST":
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_FORM:
                break
    root = request.scope.get("root_path", "").rstrip("/")
    return ScreenRequest(
        method=request.method,
        path=request.scope["path"].removeprefix(root).strip("/"),
        query=Fields.parse(request.url.query),
        form=Fields.parse(body.decode("utf-8", "replace")),
        headers=dict(request.headers.items()),
        root=root,
        visitor=visitor,
    )


def _user_of(request: Request) -> str:
    user = request.scope.get("user")
    return str(getattr(user, "display_name", "") or "dashboard")
