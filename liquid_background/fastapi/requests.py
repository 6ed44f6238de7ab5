"""What a page reads of a request of Starlette's: a few plain values, and not the request itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final

from starlette.authentication import SimpleUser, UnauthenticatedUser
from starlette.requests import HTTPConnection, Request

from liquid_background.errors import SettingsError
from liquid_background.language import rendering
from liquid_background.language.environment import Environment
from liquid_background.language.exposed import REGISTERED
from liquid_background.variables import parse_cookies

_request: ContextVar[Request | None] = ContextVar("liquid_background_request", default=None)


def engine_request(request: Request) -> rendering.Request:
    """Return what `Engine.render` is told of a request.

    Parameters are those of the query, and those of the path before them. A session and a user are there when the
    application's middleware put them into the scope.
    """
    return {
        "params": {**request.query_params, **request.path_params},
        "session": dict(request.scope.get("session") or {}),
        "cookies": parse_cookies("; ".join(request.headers.getlist("cookie"))),  # Starlette's own way may take long
        "headers": dict(request.headers),
        "current_user": _user_of(request),
    }


def _user_of(request: HTTPConnection) -> object:
    """Return the user as plain values, which consumers of events see, too; the application exposes its own classes."""
    user: Any = request.scope.get("user")
    if type(user) in (SimpleUser, UnauthenticatedUser):
        return {"is_authenticated": user.is_authenticated, "display_name": user.display_name}
    return user


_READ: Final[dict[str, Callable[[HTTPConnection], object]]] = {
    "method": lambda request: request.scope.get("method"),  # a socket has none
    "url": lambda request: str(request.url),
    "base_url": lambda request: str(request.base_url),
    "scheme": lambda request: request.scope.get("scheme", "http"),
    "host": lambda request: request.headers.get("host", ""),
    "path": lambda request: request.scope["path"],
    "query": lambda request: request.scope["query_string"].decode("latin-1"),
    "path_params": lambda request: dict(request.path_params),
    "client": lambda request: request.client.host if request.client is not None else None,
    "user": _user_of,
}
"""What pages read of a request, wherever it is."""


def expose_requests(environment: Environment) -> None:
    """Have pages read the same of a request inside a list or an object, unless the application says what they read.

    As the mapping of its whole scope that it is, it would show the session and all headers.
    """
    own = environment.exposure.own
    if HTTPConnection not in own.rules and HTTPConnection not in REGISTERED.rules:
        environment.expose(HTTPConnection, pure=True, **_READ)


def plain_request(request: HTTPConnection) -> dict[str, object]:
    """Return what `request` stands for in a page."""
    return {name: read(request) for name, read in _READ.items()}


@contextmanager
def rendering_for(request: Request) -> Iterator[None]:
    """Have `url_for` know the request while its page renders."""
    token = _request.set(request)
    try:
        yield
    finally:
        _request.reset(token)


def url_for(name: object, /, **path_params: Any) -> str:
    """Return the URL of a route, as a filter: `{{ 'order' | url_for: id: order.id }}`.

    Raises:
        SettingsError: where no TemplateResponse renders, as in a job, and in a page that is mounted.
    """
    request = _request.get()
    if request is None:
        raise SettingsError(
            "url_for needs a request of TemplateResponse: a job has none, so assign the URL before the background "
            "block, and hand it over; a page of a site that is mounted has none either: write the path there"
        )
    return str(request.url_for(str(name), **path_params))
