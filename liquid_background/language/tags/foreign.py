"""Tags that people know from elsewhere: what to write for each here."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain
from typing import Final

_DIALECT: Final = "set DIALECT=platformos to have it"
_ACTION: Final = "have the application do it, `@engine.action`, and write {% action 'name' %}"
_FORM: Final = "write <form> in HTML; the page that it is sent to reads its fields in `params`"
_HEAD: Final = "write them in the layout, in HTML"

_PLATFORMOS: Final[Mapping[str, str]] = {
    **dict.fromkeys(
        ("content_for", "export", "hash_assign", "parse_json", "print", "theme_render_rc", "yield"), _DIALECT
    ),
    "graphql": f"{_DIALECT}, with a function of the application's that answers; or {_ACTION}",
    **dict.fromkeys(("execute_query", "query_graph", "rollback", "sign_in", "transaction"), _ACTION),
    "cache": "leave it out, or have the application keep what is costly",
    "context": "`context` is a variable of event consumers here: read it",
    "form": _FORM,
    "include_form": _FORM,
    "redirect_to": "have the application redirect, or write a `location` in the front matter's `response_headers`",
    "response_headers": "write `response_headers` in the front matter",
    "response_status": "have the application answer with that status",
    "session": "read `session` in the page; the application is what writes it",
    "slot": "write {% include 'partial' %}",
    "spam_protection": "have the application do it",
}
_SHOPIFY: Final[Mapping[str, str]] = {
    "javascript": "write <script> in HTML",
    "layout": "write `layout: name` in the front matter",
    "paginate": "have the application pass the items of one page, or write {% for item in items limit: 20 %}",
    "schema": "leave it out: values come from the application",
    "section": "write {% render 'partial' %}",
    "sections": "write {% render 'partial' %} for each",
    "snippet": "write its lines as a partial",
    "style": "write <style> in HTML",
    "stylesheet": "write <style> in HTML",
}
_JEKYLL: Final[Mapping[str, str]] = {
    "feed_meta": _HEAD,
    "gist": "write the <script> in HTML",
    "highlight": "write <pre><code> in HTML, with {% raw %} around what is no Liquid",
    "include_cached": "write {% include 'partial' %}",
    "include_relative": "write {% include 'partial' %}",
    "link": "write the address",
    "post_url": "write the address",
    "seo": _HEAD,
}
_JINJA: Final[Mapping[str, str]] = {
    "autoescape": "leave it out: escape a value by `| escape`",
    "csrf_token": "have the application pass the token, and write a hidden <input>",
    "elif": "write {% elsif condition %}",
    "from": "write {% render 'partial' %}",
    "import": "write {% render 'partial' %}",
    "load": "leave it out: the application registers tags and filters",
    "set": "write {% assign name = value %}",
    "spaceless": "write {%- and -%} where white space is to go",
    "static": "write the address",
    "url": "write the address",
    "verbatim": "write {% raw %} … {% endraw %}",
}
_SLIPS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("async", "defer", "job"), "write {% background source_name: 'name' %} … {% endbackground %}"),
    **dict.fromkeys(("emit", "event", "publish"), "write {% trigger_event 'name' %}"),
    **dict.fromkeys(("except", "rescue"), "write {% catch err %}"),
    "debug": "write {% log value %}",
    "default": "write {% else %}",
    "each": "write {% for item in items %}",
    "elseif": "write {% elsif condition %}",
    "foreach": "write {% for item in items %}",
    "let": "write {% assign name = value %}",
    "partial": "write {% include 'partial' %}",
    "puts": "write {{ value }}",
    "require": "write {% include 'partial' %}",
    "switch": "write {% case value %}{% when 'one' %} … {% endcase %}",
    "var": "write {% assign name = value %}",
    "while": "write {% for item in items %}, which ends",
}

_ELSEWHERE: Final[Mapping[str, str]] = {
    name: f"{article} tag: {advice}"
    for name, article, advice in chain.from_iterable(
        [(name, article, advice) for name, advice in tags.items()]
        for article, tags in (
            ("a Jinja", _JINJA),
            ("a Jekyll", _JEKYLL),
            ("a Shopify", _SHOPIFY),
            ("a platformOS", _PLATFORMOS),
        )
    )
}


def instead_of(tag: str) -> str:
    """Return where a tag that nobody registered is known from, and what to write here; "" when that is not known."""
    return _ELSEWHERE.get(tag) or _SLIPS.get(tag, "")
