"""The dashboard as a view of Django's, by the admin's permissions or by a function of the project's own."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from urllib.parse import quote

from asgiref.sync import async_to_sync
from django.conf import settings as project
from django.core.exceptions import DisallowedHost, PermissionDenied, RequestDataTooBig
from django.http import Http404, HttpRequest, HttpResponse, RawPostDataException, UnreadablePostError
from django.urls import URLPattern, re_path
from django.views.decorators.csrf import csrf_exempt

from liquid_background.django.project import engine
from liquid_background.screens import (
    ACTIONS,
    Action,
    Arrival,
    Entrance,
    Entrances,
    NotSignedIn,
    Permission,
    Refused,
    ScreenAnswer,
    Visitor,
    too_large,
)

__all__ = ["ACTIONS", "Action", "NotSignedIn", "dashboard_urls", "view_for_staff"]

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin  # of projects that have it

Authorize: TypeAlias = Callable[[HttpRequest], Permission | Awaitable[Permission]]
Name: TypeAlias = Callable[[HttpRequest], object]

_IN_PATHS: Final = "/~:@!$&'()*+,;="


def dashboard_urls(
    *,
    authorize: Authorize,
    name: Name | None = None,
    templates: Mapping[str, str] | None = None,
    trusted_origins: Iterable[str] | None = None,
) -> list[URLPattern]:
    """Return the addresses of the dashboard, for `path("jobs/", include(dashboard_urls(authorize=…)))`.

    The admin needs none of this: it has the dashboard by its own permissions.

    Args:
        authorize: called with each request: answers None for nothing at all, "read", or the actions that are allowed
            beside it, such as `ACTIONS`. It may be a coroutine function. What it raises is an error and opens nothing;
            `NotSignedIn` is a 401, or leads to where one signs in.
        name: whom the audit names for a request; by default its user.
        templates: Liquid in the place of the dashboard's own, by name.
        trusted_origins: the addresses at which browsers find the dashboard, such as "https://ops.example"; by default
            the scheme and host of each request, and CSRF_TRUSTED_ORIGINS without a *.
    """
    shown = _Shown(authorize, name or _user_of, Entrances(templates=templates, trusted_origins=trusted_origins))
    return [re_path("^(?P<path>.*)$", csrf_exempt(shown))]


def view_for_staff(admin: ModelAdmin[Any]) -> Callable[[HttpRequest, str], HttpResponse]:
    """Return the view of the admin: who may view jobs reads, who may change them has all actions."""

    def authorize(request: HttpRequest) -> Permission:
        if admin.has_change_permission(request):
            return ACTIONS
        return "read" if admin.has_view_permission(request) else None

    return _Shown(authorize, _user_of, Entrances(templates=getattr(admin, "templates", None), trusted_origins=None))


class _Shown:
    """Answers requests with screens of the project's engine."""

    def __init__(self, authorize: Authorize, name: Name, entrances: Entrances) -> None:
        self._authorize = authorize
        self._name = name
        self._entrances = entrances

    def __call__(self, request: HttpRequest, path: str = "", **places: Any) -> HttpResponse:
        arrival, entrance = _arrival(request, path), self._entrances.of(engine())
        answer = entrance.dressed(arrival, self._answer(request, arrival, entrance))
        return HttpResponse(answer.body, status=answer.status, headers=dict(answer.headers))

    def _answer(self, request: HttpRequest, arrival: Arrival, entrance: Entrance) -> ScreenAnswer:
        try:
            entrance.check(arrival)
            visitor = self._visitor(request, entrance)
            return entrance.answer(arrival, visitor, _body(request) if arrival.method == "POST" else b"")
        except Exception as error:  # noqa: BLE001  of the project's code, too: it must not open anything
            return entrance.turned_away(arrival, error)

    def _visitor(self, request: HttpRequest, entrance: Entrance) -> Visitor:
        try:
            permission = _asked(self._authorize, request)
            return entrance.admit(permission, _asked(self._name, request) if permission else None)
        except PermissionDenied as error:  # as projects refuse elsewhere
            if str(error):
                raise Refused(403, str(error)) from None
            return entrance.admit(None, None)
        except Http404 as error:
            raise Refused(404, str(error)) from None


def _asked(function: Callable[[HttpRequest], Any], request: HttpRequest) -> Any:
    return async_to_sync(function)(request) if inspect.iscoroutinefunction(function) else function(request)


def _arrival(request: HttpRequest, path: str) -> Arrival:
    headers = {name.lower(): value for name, value in request.headers.items()}
    scheme, host = request.scheme or "http", _host(request)
    origin = headers.get("origin", "")
    if host and origin in project.CSRF_TRUSTED_ORIGINS:  # Django's own check lets it pass as well
        scheme, _, host = origin.partition("://")
    return Arrival(
        method=request.method or "",
        path=path,
        root=quote(request.path.removesuffix(path).rstrip("/"), _IN_PATHS, errors="replace"),
        query=request.META.get("QUERY_STRING", ""),
        headers=headers,
        scheme=scheme,
        host=host,
    )


def _host(request: HttpRequest) -> str:
    try:
        return request.get_host()
    except DisallowedHost:  # of no ALLOWED_HOSTS: to the guard, it is no host
        return ""


def _body(request: HttpRequest) -> bytes:
    """Return the body of a form.

    Raises:
        Refused: when it is too large, or has not come in full.
    """
    try:
        return request.body
    except RawPostDataException:  # a middleware has taken it apart
        return request.POST.urlencode().encode()
    except RequestDataTooBig:
        raise too_large() from None
    except UnreadablePostError:
        raise Refused(400, "The request ended before its form.") from None


def _user_of(request: HttpRequest) -> object:
    user = getattr(request, "user", None)
    return user.get_username() if user is not None else None
