"""Rendering a page: its variables, its layout, and what it makes, which is sent when the whole of it succeeds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypedDict

from markupsafe import Markup

from liquid_background.language.context import Context
from liquid_background.language.dialect import dialect_in, new_exports
from liquid_background.language.environment import Environment
from liquid_background.language.limits import Text
from liquid_background.language.pages import find_layout
from liquid_background.language.tags import open_collector
from liquid_background.language.template import Template


class Request(TypedDict, total=False):
    """What a page knows of its request; a background block sees none of it."""

    params: Mapping[str, Any]
    session: Mapping[str, Any]
    cookies: Mapping[str, Any]
    headers: Mapping[str, Any]
    current_user: Any


def render_page(env: Environment, page: Template, data: Mapping[str, Any] | None, request: Request) -> str:
    """Return the text of a page, in its layout; what it makes is sent to the environment's sink."""
    names = _names(page, data, request)
    context, layout = _context(page, names), find_layout(env, page)
    with env.outermost(context) as collector:
        assert collector is not None
        text = context.get_buffer()
        page.render_with_context(context, text)
        if layout is not None:
            outer = _context(layout, {**names, "content_for_layout": _content(env, text)})
            open_collector(outer, lambda: collector)
            outer.watch = context.watch
            text = outer.get_buffer()
            layout.render_with_context(outer, text)
    return text.getvalue()


async def render_page_async(env: Environment, page: Template, data: Mapping[str, Any] | None, request: Request) -> str:
    """Do what `render_page` does, awaiting what can be awaited."""
    names = _names(page, data, request)
    context, layout = _context(page, names), find_layout(env, page)
    async with env.outermost_async(context) as collector:
        assert collector is not None
        text = context.get_buffer()
        await page.render_with_context_async(context, text)
        if layout is not None:
            outer = _context(layout, {**names, "content_for_layout": _content(env, text)})
            open_collector(outer, lambda: collector)
            outer.watch = context.watch
            text = outer.get_buffer()
            await layout.render_with_context_async(outer, text)
    return text.getvalue()


def _context(template: Template, names: Mapping[str, Any]) -> Context:
    return template.context_class(template, globals=template.make_globals(names))


def _content(env: Environment, text: Text) -> str:
    return Markup(text.getvalue()) if env.autoescape else text.getvalue()


def _names(page: Template, data: Mapping[str, Any] | None, request: Request) -> dict[str, Any]:
    """Return a page's variables: the request's under their own names and in `context`, then the data."""
    about = {key: page.front_matter.get(key) for key in ("slug", "layout", "method", "format", "metadata")}
    known = {name: request.get(name) or {} for name in ("params", "session", "cookies", "headers")}
    context = {**known, "current_user": request.get("current_user"), "page": about}
    if dialect_in(page.env).name:
        context["exports"] = new_exports()  # what its `export` writes into, for all templates of the render
    return {**known, "current_user": request.get("current_user"), "context": context, "page": about, **(data or {})}
