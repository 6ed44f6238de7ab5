"""One request, one page: finding it, rendering it, and what the answer says when that fails."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from liquid.exceptions import LiquidError
from starlette.requests import cookie_parser

from liquid_background.engine import Engine
from liquid_background.errors import JobTimeout, TagSyntaxError
from liquid_background.joblog import printable
from liquid_background.pages import PAGES, SiteLoader
from liquid_background.syntax import explain
from liquid_background.web.errorpage import error_answer, trouble_of
from liquid_background.web.messages import Answer, PageRequest, plain
from liquid_background.web.parameters import Malformed, parse_body, parse_query

logger = logging.getLogger("liquid_background.web")

METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
MEDIA_TYPES: Final[Mapping[str, str]] = {
    "html": "text/html; charset=utf-8",
    "json": "application/json",
    "xml": "application/xml",
    "txt": "text/plain; charset=utf-8",
    "csv": "text/csv; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
}

_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_SERVERS_OWN: Final = frozenset(
    ("connection", "content-length", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade")
)
"""Headers that frame a response; a page that set one would break the connection."""


async def answer_page(
    engine: Engine, asked: PageRequest, *, show_errors: bool = False, rendering: Callable[[str], None] | None = None
) -> Answer:
    """Answer a request with its page.

    Args:
        engine: renders the page.
        asked: the request.
        show_errors: whether the answer tells what is wrong with a template.
        rendering: called with the page's name before its template runs.
    """
    try:
        return await _render(engine, asked, rendering)
    except Malformed as error:
        return plain(400, str(error))
    except BaseException as error:
        # A filter's SystemExit must not end the server, nor a time limit of a job's; what ends the task itself may.
        if not isinstance(error, Exception | SystemExit | JobTimeout):
            raise
        logger.error("%s", printable(explain(error)))
        return error_answer(trouble_of(error), asked.header("accept"), show_errors)


async def _render(engine: Engine, asked: PageRequest, rendering: Callable[[str], None] | None) -> Answer:
    if asked.method not in METHODS:
        return plain(405, "A page does not answer this method.", ("allow", ", ".join(METHODS)))
    page, front_matter = _find(engine, asked.path, asked.method)
    if page is None:
        return plain(404, "There is no such page.")
    params = {**parse_query(asked.query), **parse_body(asked.body, asked.header("content-type"))}
    headers = _headers(page, front_matter)
    if rendering is not None:
        rendering(f"{PAGES}/{page}")
    text = await engine.render_async(
        page,
        params=params,
        session=asked.session,
        cookies=cookie_parser(asked.header("cookie")),
        headers=dict(asked.headers),
    )
    # Its jobs are sent by now, so that half a surrogate pair must not make a failure of the page.
    return Answer(200, headers, text.encode("utf-8", "replace"))


def _headers(page: str, front_matter: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Return the headers of a page's answer, checked before it runs: a page that fails then sends no job."""
    given = front_matter.get("response_headers")
    own = {str(name): str(value) for name, value in given.items()} if isinstance(given, Mapping) else {}
    for name, value in own.items():
        reason = _reason_against(name, value)
        if reason:
            message = f"the front matter's response_headers: {name!r} {reason}"
            raise TagSyntaxError(message, token=None, template_name=f"{PAGES}/{page}")
    headers = [(name.lower(), value.strip()) for name, value in own.items()]
    if "content-type" not in dict(headers):
        kind = str(front_matter.get("format") or "html")
        headers.append(("content-type", MEDIA_TYPES.get(kind, "text/plain; charset=utf-8")))
    return tuple(headers)


def _reason_against(name: str, value: str) -> str | None:
    if not _NAME.fullmatch(name):
        return "is not a header's name: letters, digits and - make one"
    if name.lower() in _SERVERS_OWN:
        return "is the server's own: take it out"
    if _CONTROL.search(value):
        return "has a line break or control character in its value: write it on one line"
    try:
        value.encode("latin-1")
    except UnicodeEncodeError:
        return f"is {value!r}, which a header cannot hold: percent-encode what is not Latin-1"
    return None


def _find(engine: Engine, path: str, method: str) -> tuple[str | None, Mapping[str, Any]]:
    """Return the page for a path and its front matter; of pages with one slug the one that names the method."""
    loader = engine.environment.loader
    names = loader.names(PAGES) if isinstance(loader, SiteLoader) else []
    wanted = "GET" if method == "HEAD" else method
    found: tuple[str | None, Mapping[str, Any]] = (None, {})
    for name in names:
        front_matter = _front_matter(engine, name)
        slug = str(front_matter.get("slug", "" if name == "index" else name)).strip("/")
        taken = front_matter.get("method")
        if slug != path or (taken and str(taken).upper() != wanted):
            continue
        if taken or found[0] is None:
            found = (name, front_matter)
    return found


def _front_matter(engine: Engine, name: str) -> Mapping[str, Any]:
    try:
        return getattr(engine.environment.get_template(name), "front_matter", {})
    except LiquidError:
        return {}  # a broken page says so when it is asked for, and doesn't take the others down
