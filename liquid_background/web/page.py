"""One request, one page: finding it, rendering it, and what the answer says when that fails."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from liquid import Token
from liquid.exceptions import LiquidError

from liquid_background.engine import Engine
from liquid_background.errors import JobTimeout, PageNotFound, TagSyntaxError
from liquid_background.jobs.log import printable
from liquid_background.language.environment import Environment
from liquid_background.language.pages import (
    MEDIA_TYPES,
    METHODS,
    PAGES,
    SiteLoader,
    find_page,
    key_token,
    page_at,
    reason_against,
)
from liquid_background.language.syntax import explain, show
from liquid_background.web.errorpage import error_answer, trouble_of, with_front_matter
from liquid_background.web.messages import Answer, PageRequest, plain
from liquid_background.web.parameters import Malformed, parse_body, parse_cookies, parse_query

logger = logging.getLogger("liquid_background.web")

_METHODS: Final = (*METHODS, "HEAD")


def route(environment: Environment, asked: PageRequest) -> PageRequest | Answer:
    """Return a request with the page that answers it; when none does, the answer."""
    if asked.method not in _METHODS:
        return plain(405, "A page does not answer this method.", ("allow", ", ".join(_METHODS)))
    page, _ = page_at(environment, asked.path, asked.method)
    return replace(asked, page=page) if page is not None else _no_page()


def _no_page() -> Answer:
    return plain(404, "There is no such page.")


async def answer_page(
    engine: Engine,
    asked: PageRequest,
    *,
    show_errors: bool = False,
    rendering: Callable[[], None] | None = None,
    alone: bool = False,
) -> Answer:
    """Answer a request with its page.

    Args:
        engine: renders the page.
        asked: the request; its page is looked up unless it is known.
        show_errors: whether the answer tells what is wrong with a template.
        rendering: called before the page's template runs.
        alone: whether nothing but pages runs in this process, so that whatever is raised is a page's error.
    """
    try:
        return await _render(engine, asked, rendering)
    except Malformed as error:
        return plain(400, str(error))
    except BaseException as error:
        # A filter's SystemExit must not end the server, nor a time limit of a job's; what ends the task itself may.
        if not (alone or isinstance(error, Exception | SystemExit | JobTimeout)):
            raise
        return failed(engine, asked, error, show_errors=show_errors)


def failed(engine: Engine, asked: PageRequest, error: BaseException, *, show_errors: bool) -> Answer:
    """Log an error of a page, and return what its visitor gets."""
    logger.error("%s", printable(explain(error)))
    trouble = trouble_of(error)
    if show_errors:
        trouble = with_front_matter(trouble, engine.environment.loader)
    return error_answer(trouble, asked.header("accept"), show_errors)


async def _render(engine: Engine, asked: PageRequest, rendering: Callable[[], None] | None) -> Answer:
    routed = asked if asked.page else route(engine.environment, asked)
    if isinstance(routed, Answer):
        return routed
    page = routed.page
    params = {**parse_query(asked.query), **parse_body(asked.body, asked.header("content-type"))}
    try:
        found = find_page(engine.environment, page)
    except PageNotFound:  # it has gone since it was looked up
        return _no_page()
    headers = _headers(engine.environment.loader, page, found.front_matter)
    if rendering is not None:
        rendering()
    text = await engine.render_async(
        found,  # and not looked up again: it may have gone by now
        params=params,
        session=asked.session,
        cookies=parse_cookies(asked.header("cookie")),
        headers=dict(asked.headers),
    )
    # Its jobs are sent by now, so that half a surrogate pair must not make a failure of the page.
    return Answer(200, headers, text.encode("utf-8", "replace"))


def _headers(loader: object, page: str, front_matter: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Return the headers of a page's answer, checked before it runs: a page that fails then sends no job.

    Raises:
        TagSyntaxError: when a header cannot be sent, at its line.
    """
    given = front_matter.get("response_headers")
    own = {str(name): str(value) for name, value in given.items()} if isinstance(given, Mapping) else {}
    for name, value in own.items():
        reason = reason_against(name, value)
        if reason:
            message = f"the front matter's response_headers: {show(name)} {reason}"
            token = _header_token(loader, f"{PAGES}/{page}", name)
            raise TagSyntaxError(message, token=token, template_name=f"{PAGES}/{page}")
    headers = [(name.lower(), value.strip()) for name, value in own.items()]
    if "content-type" not in dict(headers):
        kind = MEDIA_TYPES.get(str(front_matter.get("format") or "html"), "text/plain")
        headers.append(("content-type", f"{kind}; charset=utf-8" if kind.startswith("text/") else kind))
    return tuple(headers)


def _header_token(loader: object, template: str, name: str) -> Token | None:
    """Return where a page's file gives a header; None when that cannot be told any more."""
    if not isinstance(loader, SiteLoader):
        return None
    try:
        return key_token(loader.text(template), template, "response_headers", name)
    except LiquidError:  # it has gone or changed meanwhile
        return None
