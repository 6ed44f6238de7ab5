"""One request, one page: finding it, rendering it, and what the answer says when that fails."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from liquid_background.engine import Engine
from liquid_background.errors import JobTimeout, PageNotFound
from liquid_background.jobs.log import printable
from liquid_background.language.environment import Environment
from liquid_background.language.pages import METHODS, PAGES, SiteLoader, find_page, page_at, page_headers
from liquid_background.language.syntax import explain
from liquid_background.variables import parse_cookies
from liquid_background.web.site.errorpage import error_answer, error_line, trouble_of, with_front_matter
from liquid_background.web.site.messages import Answer, PageRequest, plain, refused
from liquid_background.web.site.parameters import Malformed, NotTaken, parse_body, parse_query

logger = logging.getLogger("liquid_background.web")

_MOST_LISTED: Final = 50  # pages
_METHODS: Final = (*METHODS, "HEAD")


def route(environment: Environment, asked: PageRequest, *, show_errors: bool = False) -> PageRequest | Answer:
    """Return a request with the page that answers it; when none does, the answer, which may list the pages."""
    if asked.method not in _METHODS:
        return refused(405, "A page does not answer this method.", ("allow", ", ".join(_METHODS)))
    page, _ = page_at(environment, asked.path, asked.method)
    return replace(asked, page=page) if page is not None else _no_page(environment, show_errors)


def _no_page(environment: Environment, show_errors: bool) -> Answer:
    message = "There is no such page."
    if show_errors and isinstance(environment.loader, SiteLoader):
        names = environment.loader.names(PAGES)
        listed = "\n".join(f"  {printable(name)}" for name in names[:_MOST_LISTED]) or "  none yet"
        more = f"\n  and {len(names) - _MOST_LISTED:,} more" if len(names) > _MOST_LISTED else ""
        message += f" Each answers at its slug, else at its name; those in {PAGES}/ are:\n\n{listed}{more}\n"
    return plain(404, message)


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
        return await _render(engine, asked, rendering, show_errors)
    except Malformed as error:
        return refused(415 if isinstance(error, NotTaken) else 400, str(error), reason=error.reason)
    except BaseException as error:
        # A filter's SystemExit must not end the server, nor a time limit of a job's; what ends the task itself may.
        if not (alone or isinstance(error, Exception | SystemExit | JobTimeout)):
            raise
        return failed(engine, asked, error, show_errors=show_errors)


def failed(engine: Engine, asked: PageRequest, error: BaseException, *, show_errors: bool) -> Answer:
    """Log an error of a page, and return what its visitor gets."""
    trouble = trouble_of(error)
    logger.error("%s", error_line(explain(error), trouble, asked.page))
    if show_errors:
        trouble = with_front_matter(trouble, engine.environment.loader)
    return error_answer(trouble, asked.header("accept"), show_errors)


async def _render(
    engine: Engine, asked: PageRequest, rendering: Callable[[], None] | None, show_errors: bool
) -> Answer:
    routed = asked if asked.page else route(engine.environment, asked, show_errors=show_errors)
    if isinstance(routed, Answer):
        return routed
    page = routed.page
    params = {**parse_query(asked.query), **parse_body(asked.body, asked.header("content-type"))}
    try:
        found = find_page(engine.environment, page)
    except PageNotFound:  # it has gone since it was looked up
        return _no_page(engine.environment, show_errors)
    headers = page_headers(engine.environment.loader, page, found.front_matter)
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
