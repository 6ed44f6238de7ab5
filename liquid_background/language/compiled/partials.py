"""`include` and `render` as Python: their arguments in place, then the partial by its own gate."""

from __future__ import annotations

from typing import Any

from liquid.builtin.expressions.primitive import StringLiteral
from liquid.utils import ReadOnlyChainMap

from liquid_background.language.compiled.expressions import Expressions
from liquid_background.language.compiled.running import into_template
from liquid_background.language.tags.partials import IncludeNode, RenderNode


def is_plain(node: IncludeNode | RenderNode) -> bool:
    """Return whether a partial is named in the template, and rendered once."""
    return type(node.name) is StringLiteral and node.var is None


def write_partial(expressions: Expressions, node: IncludeNode | RenderNode, buffer: str) -> None:
    """Write a partial that is plain, printing to what Python knows by a name."""
    source, line = expressions.source, expressions.source.line
    tag, passing, template = source.value(node), source.fresh("p"), source.fresh("t")
    awaits, later = ("await ", "_async") if source.awaits else ("", "")
    call = "include" if type(node) is IncludeNode else "render_in"
    source.calls += 1
    line(f"{passing} = watch.passing")
    with source.block("try:"):
        line(f"{template} = {awaits}{tag}.found{later}(context)")
        named = [f"{source.text(each.name)}: {expressions.write(each.value).python}" for each in node.args]
        line(f"{awaits}{call}{later}(context, {buffer}, {template}, {{{', '.join(named)}}})")
    with source.block("except Exception as error:"):
        line(f"{tag}.note(error)")
        line("raise")
    with source.block("finally:"):
        line(f"watch.passing = {passing}")
    if type(node) is IncludeNode:
        expressions.scopes.look_again()


def include(context: Any, buffer: Any, template: Any, names: dict[str, Any]) -> None:
    """Render a partial that sees all that is around it."""
    outer = context.template
    into_template(context, names)
    context.template = template
    try:
        template.render_with_context(context, buffer, partial=True)
    finally:
        context.scope._maps.popleft()
        context.template = outer


async def include_async(context: Any, buffer: Any, template: Any, names: dict[str, Any]) -> None:
    """Do what `include` does, awaiting what can be awaited."""
    outer = context.template
    into_template(context, names)
    context.template = template
    try:
        await template.render_with_context_async(context, buffer, partial=True)
    finally:
        context.scope._maps.popleft()
        context.template = outer


def render_in(context: Any, buffer: Any, template: Any, names: dict[str, Any]) -> None:
    """Render a partial that sees only what it is given."""
    template.render_with_context(_own(context, template, names), buffer, partial=True, block_scope=True)


async def render_in_async(context: Any, buffer: Any, template: Any, names: dict[str, Any]) -> None:
    """Do what `render_in` does, awaiting what can be awaited."""
    await template.render_with_context_async(_own(context, template, names), buffer, partial=True, block_scope=True)


def _own(context: Any, template: Any, names: dict[str, Any]) -> Any:
    given = ReadOnlyChainMap(names)
    return context.copy(given, disabled_tags=["include"], carry_loop_iterations=True, template=template)
