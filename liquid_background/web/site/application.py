"""The pages as an ASGI application: reads a request within bounds, has it answered, and writes the access log."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Final, TypeAlias

from starlette.types import ASGIApp, Receive, Scope, Send

from liquid_background.engine import Engine
from liquid_background.jobs.log import printable
from liquid_background.probes import ALIVE, PATHS, ProbeAnswer
from liquid_background.web.cookies import without_dashboards
from liquid_background.web.lifespan import live
from liquid_background.web.probes import send_answer
from liquid_background.web.site.bodies import BODY_TIMEOUT, MAX_BODY, Bodies, Body, NoRoom, TooLarge
from liquid_background.web.site.errorpage import RETRY
from liquid_background.web.site.hosts import is_allowed
from liquid_background.web.site.messages import Answer, PageRequest, refused, word_of
from liquid_background.web.site.page import answer_page
from liquid_background.web.site.parameters import Malformed, check_escapes

logger = logging.getLogger("liquid_background.web")

MAX_HEAD: Final = 64 * 1024  # bytes of a request's line and headers
_SHOWN: Final = 100  # characters of a host in the access log
_CLOSE: Final = ("connection", "close")

Render: TypeAlias = Callable[[PageRequest], Awaitable[Answer]]


def application(engine: Engine, *, show_errors: bool = False) -> ASGIApp:
    """Return an ASGI application that serves the pages of an engine's site, for mounting in another.

    A page answers at its slug, else at its name, to the method of its front matter (any, when it names none). Pages
    are rendered in the process that calls it: one that does not end holds up all of it.

    Args:
        engine: renders the pages; its loader must be a site's.
        show_errors: whether a visitor is told what is wrong with a template, as a developer wants to be.
    """
    return Site(partial(answer_page, engine, show_errors=show_errors))


class Site:
    """Answers requests with pages.

    Args:
        render: renders a page.
        hosts: the names that it answers to; any, when None.
        probe: says whether it is ready, where it answers probes, whatever host they name: they know an address only.
    """

    def __init__(
        self,
        render: Render,
        hosts: frozenset[str] | None = None,
        probe: Callable[[], Awaitable[ProbeAnswer]] | None = None,
    ) -> None:
        self._render = render
        self._probe = probe
        self._hosts = hosts
        self._bodies = Bodies()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, as ASGI says."""
        if scope["type"] == "lifespan":
            await live(receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1000})
        elif self._probe is not None and scope["path"][1:] in PATHS and scope["method"] in ("GET", "HEAD"):
            alive = scope["path"][1:] == ALIVE
            await send_answer(ProbeAnswer(200, "ok\n") if alive else await self._probe(), scope, send)
        else:
            await self._serve(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.monotonic()
        path = _shown_path(scope)
        status, reason = 503, ""  # for a request that the end of the server cuts off
        try:
            with self._bodies.body() as body:
                answer = await self._answer(scope, receive, body)
            status, reason = answer.status, answer.reason
        except asyncio.CancelledError:
            logger.error("%s was cut off before it had an answer", path)
            raise
        finally:
            took = round((time.monotonic() - started) * 1000)
            why = f", {printable(reason)}" if reason else ""
            logger.info("%s %s %d (%dms%s)", word_of(scope["method"]), path, status, took, why)
        headers = dict(answer.headers)
        headers |= {"x-content-type-options": "nosniff", "content-length": str(len(answer.body))}
        rows = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": status, "headers": rows})
        await send({"type": "http.response.body", "body": answer.body})

    async def _answer(self, scope: Scope, receive: Receive, body: Body) -> Answer:
        sent_headers = ((name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in scope["headers"])
        headers = tuple(without_dashboards(sent_headers))
        known = dict(headers)
        if self._hosts is not None and not is_allowed(known.get("host", ""), self._hosts):
            host = known.get("host", "")
            message = f"This server does not answer to the host {printable(host)!r}: start it with --allow-host NAME."
            reason = f"it does not answer to the host {word_of(host[:_SHOWN])}" if host else "no host is named"
            return refused(400, message, _CLOSE, reason=reason)
        try:
            _check_head(scope, known)
            sent = await body.read(receive, known.get("content-length", ""))
        except Malformed as error:
            return refused(400, str(error), _CLOSE, reason=error.reason)  # where its body ends is not known
        except TooLarge:
            return refused(413, f"The request is over {MAX_BODY // 1024} KB.", _CLOSE)
        except NoRoom:
            return refused(503, "Too many requests are being sent at once.", _CLOSE, RETRY)
        except TimeoutError:
            return refused(408, f"The request did not arrive within {BODY_TIMEOUT:g} seconds.", _CLOSE)
        query = scope["query_string"].decode("latin-1")
        path = _path(scope).strip("/")
        asked = PageRequest(scope["method"], path, query, headers, sent, scope.get("session") or {})
        return await self._render(asked)


def _check_head(scope: Scope, headers: Mapping[str, str]) -> None:
    """Refuse a path that is none, and what a proxy in front may have read in another way than this server.

    Raises:
        Malformed: naming what is wrong.
    """
    size = sum(len(name) + len(value) for name, value in scope["headers"])
    if size + len(scope.get("raw_path") or b"") + len(scope["query_string"]) > MAX_HEAD:
        raise Malformed(f"The request's line and headers are over {MAX_HEAD // 1024} KB.")
    if "transfer-encoding" in headers and ("content-length" in headers or scope.get("http_version") == "1.0"):
        raise Malformed("The request does not say in one clear way where its body ends (Transfer-Encoding).")
    check_escapes(scope.get("raw_path") or b"", "path")
    path = scope["path"]
    if not path.startswith("/"):  # `OPTIONS *`, and what is asked of a proxy
        raise Malformed("The path does not start with a slash.")
    if "\0" in path:
        raise Malformed("The path holds a NUL character.")


def _path(scope: Scope) -> str:
    """Return the path below the place where the site is mounted."""
    path: str = scope["path"]
    root: str = scope.get("root_path", "")
    below = path.removeprefix(root)
    return below if root and path.startswith(root) and below[:1] in ("", "/") else path


def _shown_path(scope: Scope) -> str:
    """Return a request's path as a word of the access log: as it was sent, where it is no text."""
    path = _path(scope)
    sent: bytes = scope.get("raw_path") or b""
    if "\ufffd" in path and sent:
        return word_of(b"/" + sent.lstrip(b"/"))
    return word_of(f"/{path.lstrip('/')}")
