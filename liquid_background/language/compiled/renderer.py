"""A template as a Python function, and when that may stand for the template's nodes."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from html import escape as escape_html
from typing import Any, Final

from liquid import BoundTemplate, RenderContext
from liquid.builtin.expressions.logical import _eq, _le, _lt
from liquid.builtin.tags.for_tag import ForLoop
from liquid.exceptions import BreakLoop, ContinueLoop, LiquidError, LiquidInterrupt, StopRender
from liquid.output import NullIO
from markupsafe import Markup, escape

from liquid_background.jobs.sizes import FLAT
from liquid_background.language.compiled.expressions import Expressions
from liquid_background.language.compiled.nodes import Nodes
from liquid_background.language.compiled.partials import include, include_async, render_in, render_in_async
from liquid_background.language.compiled.running import (
    LONG,
    MISS,
    QUICK,
    ended,
    enter,
    filter_of,
    find,
    front_of,
    gone_through,
    handed,
    items_of,
    leave,
    measured,
    member,
    names_of,
    numbers_of,
    settled,
    stood_for,
    texts,
    truth,
    walk,
    walk_async,
)
from liquid_background.language.compiled.scopes import Scopes
from liquid_background.language.compiled.source import Source
from liquid_background.language.context import Context
from liquid_background.language.limits import LARGE
from liquid_background.language.syntax.location import LINES
from liquid_background.language.tags.output import LARGE as SHORT

_GLOBALS: Final[dict[str, Any]] = {
    "__builtins__": {
        "type": type,
        "abs": abs,
        "max": max,
        "min": min,
        "len": len,
        "str": str,
        "int": int,
        "list": list,
        "dict": dict,
        "float": float,
        "round": round,
    },
    "Decimal": Decimal,
    "Exception": Exception,
    "BIG": 1 << 63,
    "BreakLoop": BreakLoop,
    "ContinueLoop": ContinueLoop,
    "ForLoop": ForLoop,
    "LARGE": LARGE,
    "LIGHT": 100,
    "LONG": LONG,
    "LOTS": 1 << 61,
    "LiquidError": LiquidError,
    "LiquidInterrupt": LiquidInterrupt,
    "MISS": MISS,
    "Markup": Markup,
    "NUMBERS": frozenset((int, float)),
    "NullIO": NullIO,
    "QUICK": QUICK,
    "SHORT": SHORT,
    "SIZED": frozenset((str, list, dict, tuple)),
    "SMALL": frozenset((float, bool, type(None))),
    "StopRender": StopRender,
    "UNLIKE": frozenset((str, int, float, type(None))),
    "ended": ended,
    "FLAT": FLAT,
    "enter": enter,
    "gone_through": gone_through,
    "numbers_of": numbers_of,
    "eq": _eq,
    "escape": escape,
    "escape_html": escape_html,
    "filter_of": filter_of,
    "find": find,
    "front_of": front_of,
    "handed": handed,
    "include": include,
    "include_async": include_async,
    "items_of": items_of,
    "le": _le,
    "leave": leave,
    "lt": _lt,
    "measured": measured,
    "member": member,
    "names_of": names_of,
    "render_in": render_in,
    "render_in_async": render_in_async,
    "settled": settled,
    "stood_for": stood_for,
    "texts": texts,
    "truth": truth,
    "walk": walk,
    "walk_async": walk_async,
}


class Renderer:
    """A template that was compiled.

    Args:
        template: of which it is.
        awaits: whether it is for async renders.

    Attributes:
        called: the tags in it that are called as they are, each with the token of the first one.
        lines: of Python that it takes.

    Raises:
        TooMuch: when it would become too much Python.
        SyntaxError: when Python cannot compile it, such as for blocks that are nested too deep.
    """

    __slots__ = ("_autoescape", "_env", "_filters", "_inlined", "_suppresses", "called", "lines", "render")

    def __init__(self, template: BoundTemplate, *, awaits: bool) -> None:
        env = self._env = template.env
        self._autoescape, self._suppresses = env.autoescape, env.suppress_blank_control_flow_blocks
        source = Source(awaits=awaits, autoescape=env.autoescape)
        scopes = Scopes(source)
        expressions = Expressions(source, scopes, env.filters)
        nodes = Nodes(expressions, suppresses=self._suppresses)
        nodes.top(template.nodes)
        self._filters = tuple(expressions.used.items())
        self._inlined = frozenset(nodes.inlined)
        self.called, self.lines = nodes.called, len(source.lines)
        head = [f"{'async ' if awaits else ''}def render(context, buffer, env, leaves):"]
        head += [" watch = context.watch; w = buffer.write; L = context.locals; W = context._weights"]
        head += [" F, G, B = names_of(context, ASKED)"]
        head += [f" {local} = filter_of(context, env, {name!r})" for name, local in expressions.called.items()]
        head += [f" {' = '.join(expressions.called_late.values())} = None"] if expressions.called_late else []
        head += [" NULL = NullIO()"] if nodes.throws_away else []
        text = "\n".join([*head, *(f" {line}" for line in source.lines), ""])
        tokens = [*[None] * len(head), *source.tokens]
        names = {**_GLOBALS, **source.values, LINES: tokens, "ASKED": tuple(scopes.asked), "__name__": __name__}
        exec(compile(text, _file(template), "exec"), names)
        self.render: Callable[..., Any] = names.pop("render")  # the two would hold each other

    def fits(self, context: RenderContext, names: object) -> bool:
        """Return whether a render in a context, with names before all others, does what the nodes would do."""
        env: Any = self._env
        if (
            env.compile is False
            or not plain_context(type(context))
            or context.env is not env
            or context.autoescape is not self._autoescape
            or env.suppress_blank_control_flow_blocks is not self._suppresses
            or (context.disabled_tags and not self._inlined.isdisjoint(context.disabled_tags))
        ):
            return False
        filters = env.filters
        for name, raw in self._filters:  # a generator would take twice as long
            if filters.get(name) is not raw:
                return False
        return type(names) is dict and _are_plain(context)


def _file(template: Any) -> str:
    """Return what tracebacks call the template: a name that Python takes for a file's."""
    name = str(getattr(template, "display_name", "") or template.name or "inline")
    return name.encode("utf-8", "replace").decode("utf-8").replace("\0", "?")


def _are_plain(context: RenderContext) -> bool:
    """Return whether all that stands before the variables of a context is read as `dict` is."""
    for names in context.scope._maps:
        if type(names) is not dict:
            return False
        if names is context.locals:
            return True
    return False


_OURS: Final = (
    "extend",
    "loop",
    "get",
    "get_async",
    "get_item",
    "get_item_async",
    "assign",
    "filter",
    "stopindex",
    "_named",
    "_stood_for",
    "_weighed",
)
_contexts: dict[type, bool] = {}


def plain_context(kind: type) -> bool:
    """Return whether contexts of a class look names up, and set them, as ours do."""
    known = _contexts.get(kind)
    if known is None:
        known = issubclass(kind, Context) and all(getattr(kind, name) is getattr(Context, name) for name in _OURS)
        _contexts[kind] = known
    return known
