"""How each tag is written: what an error of one shows, that its author need not look it up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from liquid_background.language.syntax.location import in_liquid_tag

_FORMS: Final[Mapping[str, str]] = {
    "action": "action 'name', argument: value",
    "assign": "assign name = value",
    "background": "background source_name: 'name', delay: 5",
    "background=": "background job_id = 'partial', argument: value",
    "block": "block name",
    "call": "call macro_name, argument: value",
    "capture": "capture name",
    "case": "case value",
    "catch": "catch err",
    "content_for": "content_for 'name'",
    "cycle": "cycle 'one', 'two'",
    "decrement": "decrement name",
    "echo": "echo value",
    "elsif": "elsif condition",
    "export": "export name, namespace: 'name'",
    "extends": "extends 'layout'",
    "for": "for item in items",
    "function": "function result = 'partial', argument: value",
    "graphql": "graphql result = 'query', argument: value",
    "hash_assign": "hash_assign object['key'] = value",
    "if": "if condition",
    "include": "include 'partial', argument: value",
    "increment": "increment name",
    "log": "log value, type: 'info'",
    "macro": "macro name, argument: value",
    "parse_json": "parse_json name",
    "print": "print value",
    "render": "render 'partial', argument: value",
    "return": "return value",
    "tablerow": "tablerow item in items cols: 2",
    "theme_render_rc": "theme_render_rc 'partial', argument: value",
    "translate": "translate argument: value",
    "trigger_event": "trigger_event 'name', argument: value",
    "unless": "unless condition",
    "when": "when value, other",
    "with": "with name: value",
    "yield": "yield 'name'",
}
OUTPUT: Final = "{{ value | filter: argument }}"


def form_of(tag: str) -> str:
    """Return how a tag is written where it stands, "" for one that we do not know."""
    form = _FORMS.get(tag, "")
    return form if in_liquid_tag.get() or not form else f"{{% {form} %}}"
