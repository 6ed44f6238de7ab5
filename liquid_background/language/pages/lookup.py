"""Looking pages and layouts up: by name, and by the path and method of a request."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from liquid import Token
from liquid.exceptions import LiquidError, TemplateNotFoundError

from liquid_background.errors import LayoutNotFound, PageNotFound
from liquid_background.language.environment import Environment
from liquid_background.language.pages.files import PAGES
from liquid_background.language.pages.front_matter import key_token
from liquid_background.language.pages.loader import SiteLoader
from liquid_background.language.syntax import error_of_template, show
from liquid_background.language.template import Template
from liquid_background.nearest import nearest


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
        LiquidError: when the page cannot be parsed, or its loader fails.
    """
    try:
        return _template(env, name, "")
    except TemplateNotFoundError as error:
        raise PageNotFound(f"no page {show(str(error.message))}{_where(env, name)}") from error


def _where(env: Environment, name: str) -> str:
    loader = env.loader
    if not isinstance(loader, SiteLoader):
        return ""
    for path, reason in loader.unusable_folders().items():
        if path in (str(loader.root.absolute()), str(loader.root.absolute() / PAGES)):
            return f" in {loader.root.name}/{PAGES}: {os.path.basename(path)} {reason}"
    from_pages = loader.names(PAGES)
    holds = (page for page in from_pages if name in page or page in name)
    near = nearest(name, from_pages) or next(holds, "")
    where = f" in {loader.root.name}/{PAGES}"  # the folder's own path is the server's, and no author's
    return f"{where}; did you mean {show(near)}?" if near else f"{where} ({len(from_pages)} pages)"


def find_layout(env: Environment, page: Template) -> Template | None:
    """Return the layout that a page's front matter names, if any.

    Raises:
        LayoutNotFound: at the line that names it, when there is no such layout.
        LiquidError: when the layout cannot be parsed, or its loader fails.
    """
    name = page.front_matter.get("layout")
    if not name or not isinstance(name, str):
        return None
    try:
        return _template(env, name, "layout")
    except TemplateNotFoundError as error:
        near = getattr(error, "near", "")
        message = f"the layout {show(str(error.message))} is not there" + (
            f"; did you mean {show(near)}?" if near else ""
        )
        token = _layout_token(env, page)
        raise LayoutNotFound(message, token=token, template_name=page.display_name) from error


def _template(env: Environment, name: str, tag: str) -> Template:
    try:
        template = env.get_template(name, tag=tag)
    except Exception as error:
        told = error_of_template(error)
        if told is error:
            raise
        if isinstance(told, LiquidError):
            told.template_name = told.template_name or f"{tag or 'page'} {name}"
        raise told from error
    assert isinstance(template, Template)
    return template


def _layout_token(env: Environment, page: Template) -> Token | None:
    """Return where a page names its layout, when its text can be had once more."""
    if not isinstance(env.loader, SiteLoader):
        return None
    try:
        source = env.loader.get_source(env, str(page.path))
        return key_token(source.text, source.name, "layout")
    except LiquidError:
        return None
