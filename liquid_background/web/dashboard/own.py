"""A dashboard for one person at this machine: a server on loopback that opens to a link which works once."""

from __future__ import annotations

import errno
import hmac
import os
import secrets
import socket
from collections.abc import Callable
from contextlib import ExitStack
from types import FrameType
from typing import Final

from starlette.requests import Request

from liquid_background.engine import Engine
from liquid_background.errors import NotSignedIn, SettingsError
from liquid_background.screens import Permission, Refused
from liquid_background.variables import parse_cookies
from liquid_background.web.cookies import PREFIX
from liquid_background.web.dashboard.application import dashboard
from liquid_background.web.dashboard.peers import users_at
from liquid_background.web.listening import Server, listen

_IPV4, _IPV6 = "127.0.0.1", "::1"
_TRIES: Final = 20  # ports that are free for one of the two addresses only
_WITHOUT: Final = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)  # a machine without IPv6
_ROOT: Final = 0  # who may do anything, and forwards connections between systems
_HOW: Final = (
    "Open the link that 'poscli gui' printed. It works once, and its browser may come back; for another browser run "
    "'poscli gui' again."
)


def serve_own(
    engine: Engine,
    *,
    by: str,
    permission: Permission,
    port: int = 0,
    ready: Callable[[str, str], None] | None = None,
) -> None:
    """Serve a dashboard to whoever has its link, on loopback only, until SIGTERM or SIGINT.

    Args:
        engine: whose jobs are shown.
        by: whom the audit names.
        permission: what may be done, as `authorize` answers it.
        port: to listen on, 0 for a free one.
        ready: called once the port is bound, with the link to print, and with the one to start a browser with.

    Raises:
        SettingsError: when the port cannot be bound.
    """
    with ExitStack() as stack:
        listening = [stack.enter_context(each) for each in _loopback(port)]
        key = Key(listening[0].getsockname()[1], permission)
        app = dashboard(engine, authorize=key.authorize, name=lambda _: by, trusted_origins=[key.origin])
        if ready is not None:
            ready(key.link, key.own_link)
        _Server(app, grace=1).run(sockets=listening)


class Key:
    """What opens one dashboard: a token in a link, once, and from then on a cookie.

    Its host is a name of its own, so that no cookie of it is sent to another server on this machine, no page that is
    served there is of its origin, and no name that somebody has point at this machine is answered.

    Args:
        port: of the server.
        permission: of who has it.
    """

    def __init__(self, port: int, permission: Permission) -> None:
        mark = secrets.token_hex(8)
        self._host = f"jobs-{mark}.localhost" + (f":{port}" if port != 80 else "")
        self._cookie = f"{PREFIX}{mark}"
        self._secret = secrets.token_urlsafe(32)
        self._token, self._own_token = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
        self._is_used = False
        self._permission = permission

    @property
    def origin(self) -> str:
        """Where it is."""
        return f"http://{self._host}"

    @property
    def link(self) -> str:
        """What opens it, once."""
        return f"{self.origin}/?token={self._token}"

    @property
    def own_link(self) -> str:
        """What opens it likewise, in a browser of this user only: others on this machine see command lines."""
        return f"{self.origin}/?token={self._own_token}"

    async def authorize(self, request: Request) -> Permission:
        """Return what may be done by who has the cookie.

        Raises:
            NotSignedIn: when nobody has it.
            Refused: with the cookie, for the token; and for another host.
        """
        if request.headers.getlist("host") != [self._host]:
            raise Refused(403, "This server answers to one name only: the one in the link that 'poscli gui' printed.")
        cookies = parse_cookies(request.headers.get("cookie", ""))
        has_cookie = _is(cookies.get(self._cookie, ""), self._secret)
        token = request.query_params.get("token", "")
        if token and request.method == "GET" and request.scope["path"] == "/":
            if not self._is_used and (_is(token, self._token) or self._is_own(token, request)):
                self._is_used = True
                if request.headers.get("sec-fetch-site", "none") == "none":
                    raise Refused(303, "Welcome.", [("location", "/"), ("set-cookie", self._set_cookie)])
                # It was opened from a page, such as a terminal in a browser: a redirect would be of that page's making,
                # too, and browsers send a strict cookie only with what this page asks for itself.
                raise Refused(200, "Welcome.", [("refresh", "0; url=/"), ("set-cookie", self._set_cookie)])
            if has_cookie:  # the link was opened again
                raise Refused(303, "Welcome back.", [("location", "/")])
        if not has_cookie:
            raise NotSignedIn(_HOW)
        return self._permission

    def _is_own(self, token: str, request: Request) -> bool:
        """Return whether it is the token that a browser was started with, from a process of the same user's."""
        if not _is(token, self._own_token):
            return False
        to = (request.scope.get("server") or (None, 0))[1]
        users = users_at(request.client.port, to) if request.client and to else frozenset()
        if users - {os.getuid(), _ROOT}:
            raise Refused(403, "This link is for the browser of another user: open the one that 'poscli gui' printed.")
        return True

    @property
    def _set_cookie(self) -> str:
        return f"{self._cookie}={self._secret}; HttpOnly; SameSite=Strict; Path=/"


def _is(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode())


def _loopback(port: int) -> list[socket.socket]:
    """Return sockets on both addresses of loopback: a browser may take either, and another user's server must not.

    Raises:
        SettingsError: when the port is taken on one of them.
    """
    for _ in range(_TRIES):
        first = listen(_IPV4, port)
        try:
            return [first, listen(_IPV6, first.getsockname()[1])]
        except SettingsError as error:
            cause = error.__cause__
            if not socket.has_ipv6 or (isinstance(cause, OSError) and cause.errno in _WITHOUT):
                return [first]
            first.close()
            if port:
                raise
    raise SettingsError(f"no port is free on both {_IPV4} and {_IPV6}; give --port one")


class _Server(Server):
    """A server that ends at once: its person has gone, and streams of events would not end by themselves."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        super().handle_exit(sig, frame)
        self.force_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for connection in self.connections():
            connection.transport.abort()
        await super().shutdown(sockets)
