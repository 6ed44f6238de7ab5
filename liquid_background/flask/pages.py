"""Rendering in a view: a page with its request, its session and what the application gives to templates."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any, Final

from flask import Response, current_app, url_for

from liquid_background.flask.asked import asked, current_user, request_variable
from liquid_background.flask.installation import Installation, current
from liquid_background.language.pages import find_page, page_headers
from liquid_background.language.template import Template

_FLASKS_OWN: Final = ("g", "request", "session")
"""What Flask gives to Jinja as objects; pages have `request` and `session` as plain values."""


def render_liquid(page: str, /, **values: Any) -> Response:
    """Render a page of the site, send its jobs, and return the answer that its front matter describes.

    The page knows its request as pages of `poscli serve` do: `params`, `session`, `cookies`, `headers`, `current_user`,
    `context`; also `request`, and what context processors give. Outside of a request these are blank.

    Args:
        page: name of a template in pages/, such as "checkout".
        values: the page's variables.

    Raises:
        NoApplication: outside of an application context.
        PageNotFound: when there is no such page or layout.
        LiquidError: when the page cannot be rendered; then none of its jobs is sent.
        StoreUnavailable: when its jobs cannot be sent.
    """
    installed = current()
    found, headers = _find(installed, page)
    return _answer(headers, installed.engine.render(found, **_told(installed, values)))


async def render_liquid_async(page: str, /, **values: Any) -> Response:
    """Do what `render_liquid` does in an async view: awaits what can be awaited, and sends the jobs in a thread.

    The page itself is rendered on the view's event loop, and holds that up. Flask makes a loop for each async view, so
    that no other request waits, but what the view has begun beside it does.
    """
    installed = current()
    found, headers = _find(installed, page)
    return _answer(headers, await installed.engine.render_async(found, **_told(installed, values)))


def render_liquid_string(source: str, /, **values: Any) -> str:
    """Render Liquid given as text, as a page is; return the text."""
    installed = current()
    return installed.engine.render_string(source, **_told(installed, values))


def url_filter(endpoint: object, **values: Any) -> str:
    """The filter `url_for`: `{{ 'order' | url_for: number: 7 }}`."""
    return url_for(str(endpoint), **values)


def _find(installed: Installation, name: str) -> tuple[Template, tuple[tuple[str, str], ...]]:
    """Return a page and the headers of its answer, checked before it runs and sends jobs."""
    environment = installed.engine.environment
    page = find_page(environment, name)
    return page, page_headers(environment.loader, name, page.front_matter)


def _told(installed: Installation, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of the engine: the page's variables, and its request."""
    given = dict(values)
    current_app.update_template_context(given)
    user = current_user(installed, given.pop("current_user", None))
    hidden = {name for name, value in given.items() if name in _FLASKS_OWN or inspect.isroutine(value)} - values.keys()
    data = {name: value for name, value in given.items() if name not in hidden}
    return {"data": {"request": request_variable(), **data, **values}, "current_user": user, **asked()}


def _answer(headers: tuple[tuple[str, str], ...], text: str) -> Response:
    # Its jobs are sent by now, so that half a surrogate pair must not make a failure of the page.
    return current_app.response_class(text.encode("utf-8", "replace"), headers=list(headers))
