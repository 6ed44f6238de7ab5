"""The dashboard's screens over ASGI."""

from __future__ import annotations

import hashlib
import inspect
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, TypeAlias, TypeVar
from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from liquid_background.engine import Engine
from liquid_background.screens import (
    Arrival,
    Entrance,
    Permission,
    Refused,
    ScreenAnswer,
    Screens,
    Visitor,
    too_large,
)
from liquid_background.screens.access import NOBODY
from liquid_background.screens.live import Feed, is_live
from liquid_background.threads import Threads
from liquid_background.web.lifespan import live
from liquid_background.web.live import OF_ONE, Streams
from liquid_background.web.site.bodies import Bodies, NoRoom, TooLarge
from liquid_background.web.site.parameters import Malformed

T = TypeVar("T")

Authorize: TypeAlias = Callable[[Request], Permission | Awaitable[Permission]]
Name: TypeAlias = Callable[[Request], object]

_ASKS: Final = "x-asks"  # a header of a page that asks for what changes now and then, in the place of a stream
_REFUSALS: Final = (300, 499)  # statuses by which a host says that it has nothing for this visitor
_NOT_ESCAPED: Final = re.compile("%(?![0-9A-Fa-f]{2})")


def dashboard(
    engine: Engine,
    *,
    authorize: Authorize,
    name: Name | None = None,
    templates: Mapping[str, str] | None = None,
    trusted_origins: Iterable[str] | None = None,
) -> ASGIApp:
    """Return the dashboard of an engine's jobs, for mounting in an ASGI application.

    Args:
        engine: whose jobs are shown.
        authorize: called with each request: answers None for nothing at all, "read", or the actions that are allowed
            beside it, such as `ACTIONS`. It may be a coroutine function; another one is called in a thread. What it
            raises is an error and opens nothing; `NotSignedIn` is a 401, or leads to where one signs in, and an
            `HTTPException` of the host's is its answer.
        name: whom the audit names for a request; by default the user that Starlette's authentication found.
        templates: Liquid in the place of the dashboard's own, by name.
        trusted_origins: the addresses at which browsers find the dashboard, such as "https://ops.example", where a
            proxy does not say them; by default the scheme and host of each request.

    Raises:
        SettingsError: when there is no template of such a name, or an origin is none.
    """
    entrance = Entrance(Screens(engine, templates=templates, live="events"), trusted_origins=trusted_origins)
    return Dashboard(entrance, authorize, name or _user_of)


@dataclass(frozen=True, slots=True)
class _Opened:
    """A stream that may be sent, and to whom."""

    feed: Feed
    visitor: Visitor
    whose: str  # under what it counts


class Dashboard:
    """Answers requests with screens, for those whom the host lets in."""

    def __init__(self, entrance: Entrance, authorize: Authorize, name: Name) -> None:
        self._entrance = entrance
        self._authorize = authorize
        self._name = name
        self._threads = Threads()
        self._streams = Streams(self._threads)
        self._bodies = Bodies()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, as ASGI says."""
        if scope["type"] == "lifespan":
            await live(receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            arrival = arrival_of(scope)
            answer = await self._answer(scope, receive, arrival)
            if isinstance(answer, ScreenAnswer):
                await send_answer(self._entrance.dressed(arrival, answer), send)
            else:
                still = partial(self._still, scope, answer.visitor)
                await self._streams.send(answer.feed, still, scope, receive, send, visitor=answer.whose)

    async def _answer(self, scope: Scope, receive: Receive, arrival: Arrival) -> ScreenAnswer | _Opened:
        try:
            self._entrance.check(arrival)
            visitor = await self._visitor(Request(scope))  # without its body, which is the screens'
            if is_live(arrival.method, arrival.path) and _ASKS not in arrival.headers:
                return await self._feed(arrival, visitor, _whose(scope, arrival, visitor))
            if arrival.method != "POST":
                return await self._threads.run(self._entrance.answer, arrival, visitor)
            with self._bodies.body() as body:
                sent = await _read(body.read(receive, arrival.headers.get("content-length", "")))
                return await self._threads.run(self._entrance.answer, arrival, visitor, sent)
        except (Exception, SystemExit) as error:  # noqa: BLE001  of the host's code, too: it must not open anything
            return self._entrance.turned_away(arrival, error)

    async def _feed(self, arrival: Arrival, visitor: Visitor, whose: str) -> ScreenAnswer | _Opened:
        self._check_room(whose)  # before the store is asked for what nobody is told
        found = await self._threads.run(self._entrance.feed, arrival, visitor)
        if isinstance(found, ScreenAnswer):
            return found
        self._check_room(whose)  # many may have come at once
        return _Opened(found, visitor, whose)

    def _check_room(self, whose: str) -> None:
        if not self._streams.has_room(whose):
            raise Refused(
                429,
                f"{OF_ONE} pages of yours are told what changes: this one asks now and then.",
                [("retry-after", "10")],
            )
        if self._streams.is_full:
            raise Refused(503, "Too many pages are open: this one stays as it is.", [("retry-after", "30")])

    async def _still(self, scope: Scope, visitor: Visitor) -> bool:
        """Return whether somebody to whom a stream was opened may see as much, and do as much, as then."""
        try:
            return (await self._visitor(Request(scope))).actions == visitor.actions
        except (Exception, SystemExit):  # noqa: BLE001  of the host's code, too; the page asks anew, and is told why
            return False

    async def _visitor(self, request: Request) -> Visitor:
        try:
            permission = await self._asked(self._authorize, request)
            return self._entrance.admit(permission, await self._asked(self._name, request) if permission else None)
        except HTTPException as error:  # as hosts refuse elsewhere
            if not _REFUSALS[0] <= error.status_code <= _REFUSALS[1]:
                raise
            raise Refused(error.status_code, str(error.detail), [*(error.headers or {}).items()]) from None

    async def _asked(self, function: Callable[[Request], T | Awaitable[T]], request: Request) -> T:
        """Return what a function of the host's answers; one that may wait for something else holds up nobody."""
        if inspect.iscoroutinefunction(function):
            answered: T | Awaitable[T] = function(request)
        else:
            answered = await self._threads.run(_call, function, request)
        return await answered if inspect.isawaitable(answered) else answered


def _whose(scope: Scope, arrival: Arrival, visitor: Visitor) -> str:
    """Return what tells a visitor from others: the name, where there is one; else the cookies, or the address."""
    if visitor.name != NOBODY:
        return f"name {visitor.name}"
    if cookies := arrival.headers.get("cookie", ""):
        return f"cookies {hashlib.sha256(cookies.encode('utf-8', 'replace')).hexdigest()}"
    return f"address {(scope.get('client') or ('',))[0]}"


def _call(function: Callable[[Request], T], request: Request) -> T:
    try:
        return function(request)
    except (StopIteration, SystemExit) as error:  # which no future can carry
        raise RuntimeError(f"the host's code raised {type(error).__name__}") from error


async def _read(reading: Awaitable[bytes]) -> bytes:
    try:
        return await reading
    except TooLarge:
        raise too_large() from None
    except Malformed as error:
        raise Refused(400, str(error)) from None
    except NoRoom:
        raise Refused(503, "Too many forms are being sent at once.", [("retry-after", "5")]) from None
    except TimeoutError:
        raise Refused(408, "The form did not arrive in time.") from None


async def send_answer(answer: ScreenAnswer, send: Send) -> None:
    """Send an answer, as ASGI says."""
    rows = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers]
    await send({"type": "http.response.start", "status": answer.status, "headers": rows})
    await send({"type": "http.response.body", "body": answer.body})


def arrival_of(scope: Scope) -> Arrival:
    """Return a request as it came."""
    headers: dict[str, str] = {}
    for name, value in scope["headers"]:
        known, said = name.decode("latin-1").lower(), value.decode("latin-1")
        headers[known] = f"{headers[known]}, {said}" if known in headers else said
    root: str = scope.get("root_path", "").rstrip("/")
    return Arrival(
        method=scope["method"],
        path=_below(scope, root),
        root=_NOT_ESCAPED.sub("%25", quote(root, "/%:@!$&'()*+,;=~", errors="replace")),
        query=scope.get("query_string", b"").decode("utf-8", "replace"),
        headers=headers,
        scheme=scope.get("scheme", "http"),
        host=headers.get("host", ""),
    )


def _below(scope: Scope, root: str) -> str:
    """Return the path below the place where the dashboard is mounted.

    A server puts what a proxy has taken off into the path again, or leaves it out, and the root path has it either way.
    """
    path: str = scope["path"]
    for place in (root, root.removeprefix(scope.get("app_root_path", "").rstrip("/"))):
        below = path.removeprefix(place)
        if place and path.startswith(place) and below[:1] in ("", "/"):
            return below
    return path


def _user_of(request: Request) -> Any:
    return getattr(request.scope.get("user"), "display_name", None)
