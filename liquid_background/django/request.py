"""What a page sees of a request and of what Django's own context processors give: plain values, read when asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from django.contrib.auth.context_processors import PermWrapper
from django.contrib.messages.storage.base import BaseStorage
from django.http import HttpRequest

from liquid_background.language.rendering import Request
from liquid_background.lazy import kept

_TOKEN: Final = "csrfmiddlewaretoken"


class Members(Mapping[str, Any]):
    """Named values, each of which is read when a page asks for it: that may touch the session, or ask the database."""

    def __init__(self, read: Mapping[str, Callable[[], Any]]) -> None:
        self._read = read

    def __getitem__(self, name: str) -> Any:
        return self._read[name]()

    def __iter__(self) -> Iterator[str]:
        return iter(self._read)

    def __len__(self) -> int:
        return len(self._read)


class Session(Mapping[str, Any]):
    """The session's values; it is loaded, and the answer varies by its cookie, when a page asks for one.

    Names that begin with `_` are Django's and its applications' own, such as `_auth_user_hash` and `_csrftoken`.
    """

    def __init__(self, session: Any) -> None:
        self._session = session

    def __getitem__(self, name: str) -> Any:
        if _is_own(name):
            raise KeyError(name)
        return self._session[name]

    def __iter__(self) -> Iterator[str]:
        return (name for name in self._session.keys() if not _is_own(name))  # noqa: SIM118  a session is no mapping

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __bool__(self) -> bool:
        return True  # without a look


def _is_own(name: object) -> bool:
    return isinstance(name, str) and name.startswith("_")


class Permissions:
    """A user's permissions, as `perms` names them; like the user, they are asked for when a page reads one."""

    def __init__(self, found: PermWrapper) -> None:
        self._found = found

    def __getitem__(self, application: str) -> ApplicationPermissions:
        return ApplicationPermissions(self._found[application])


class ApplicationPermissions:
    """Those of one application: each by its name, and as a condition whether there is any."""

    def __init__(self, found: Any) -> None:
        self._found = found

    def __getitem__(self, name: str) -> bool:
        return bool(self._found[name])

    def __liquid__(self) -> bool:
        return bool(self._found)


class Messages(Sequence[Mapping[str, Any]]):
    """The messages for the visitor; they are taken, and not shown again, when a page loops over them."""

    def __init__(self, storage: BaseStorage) -> None:
        self._storage = storage

    @kept
    def _taken(self) -> list[Mapping[str, Any]]:
        names = ("message", "level", "tags", "level_tag", "extra_tags")
        return [{name: getattr(message, name) for name in names} for message in self._storage]

    def __getitem__(self, index: Any) -> Any:
        return self._taken[index]

    def __len__(self) -> int:
        return len(self._storage)


def seen_by_pages(value: Any, request: HttpRequest | None) -> Any:
    """Return what a page is given for a value of the context: never the request itself.

    Args:
        value: of the view's, or of a context processor's.
        request: of the page; a framework on top of Django may have a class of its own for it.
    """
    kind = type(value)  # asked for its class, a lazy object would be loaded: the user, and with it the session
    if (request is not None and value is request) or issubclass(kind, HttpRequest):
        return page_request(value)
    if issubclass(kind, PermWrapper):
        return Permissions(value)
    return Messages(value) if issubclass(kind, BaseStorage) else value


def page_request(request: HttpRequest) -> Members:
    """Return what pages read as `request`; nothing else of it can be reached."""
    match = request.resolver_match
    return Members(
        {
            "method": lambda: request.method,
            "path": lambda: request.path,
            "full_path": request.get_full_path,
            "scheme": lambda: request.scheme,
            "host": request.get_host,
            "is_secure": request.is_secure,
            "url_name": lambda: match.view_name if match else None,
            "GET": request.GET.dict,
            "POST": lambda: _fields(request),
            "user": lambda: getattr(request, "user", None),
        }
    )


def _fields(request: HttpRequest) -> dict[str, Any]:
    """Return what a form has sent, without the token that the middleware has checked."""
    return {name: value for name, value in request.POST.dict().items() if name != _TOKEN}


def request_values(request: HttpRequest) -> Request:
    """Return what an engine's page knows of a request."""
    return Request(
        params={**request.GET.dict(), **_fields(request)},
        session=Session(request.session) if hasattr(request, "session") else {},
        cookies=dict(request.COOKIES),
        headers={name.lower(): value for name, value in request.headers.items()},
        current_user=getattr(request, "user", None),
    )
