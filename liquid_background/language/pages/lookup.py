"""Looking pages and layouts up: by name, and by the path and method of a request."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from liquid.exceptions import TemplateNotFoundError

from liquid_background.errors import PageNotFound
from liquid_background.language.environment import Environment, Template
from liquid_background.language.pages.files import PAGES
from liquid_background.language.pages.loader import SiteLoader
from liquid_background.language.syntax import show


def page_at(env: Environment, path: str, method: str) -> tuple[str | None, Mapping[str, Any]]:
    """Return the name of the page that answers a request and its front matter, (None, {}) when there is none.

    Args:
        env: whose loader is a site's.
        path: the path of the URL, decoded.
        method: of the request; HEAD asks for what GET gets.
    """
    page = env.loader.routes.find(path.strip("/"), method) if isinstance(env.loader, SiteLoader) else None
    return (page.name, page.front_matter) if page is not None else (None, {})


def find_page(env: Environment, name: str) -> Template:
    """Return a page by its name.

    Raises:
        PageNotFound: with the nearest name, when the loader knows its pages.
        LiquidError: when the page cannot be parsed.
    """
    try:
        template = env.get_template(name)
    except TemplateNotFoundError as error:
        raise PageNotFound(f"no page {show(str(error.message))}{_where(env, name)}") from error
    assert isinstance(template, Template)
    return template


def _where(env: Environment, name: str) -> str:
    loader = env.loader
    if not isinstance(loader, SiteLoader):
        return ""
    from_pages = loader.names(PAGES)
    near = get_close_matches(name, from_pages, n=1) or [page for page in from_pages if name in page or page in name]
    where = f" in {loader.root.name}/{PAGES}"  # the folder's own path is the server's, and no author's
    return f"{where}; did you mean {near[0]!r}?" if near else f"{where} ({len(from_pages)} pages)"


def find_layout(env: Environment, page: Template) -> Template | None:
    """Return the layout that a page's front matter names, if any.

    Raises:
        PageNotFound: when there is no such layout.
        LiquidError: when the layout cannot be parsed.
    """
    name = page.front_matter.get("layout")
    if not name or not isinstance(name, str):
        return None
    try:
        template = env.get_template(name, tag="layout")
    except TemplateNotFoundError as error:
        wanted = show(str(error.message))
        raise PageNotFound(f"{page.display_name} asks for the layout {wanted}, which is not there") from error
    assert isinstance(template, Template)
    return template
