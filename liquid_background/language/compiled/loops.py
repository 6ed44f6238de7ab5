"""`for` as Python: a loop over what it goes through, with the state that the template may ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from liquid.builtin.expressions import LoopExpression
from liquid.builtin.expressions.primitive import RangeLiteral
from liquid.builtin.tags.for_tag import ForNode

from liquid_background.language.bounds import BoundedLoop
from liquid_background.language.compiled.paths import PATHS
from liquid_background.language.compiled.scopes import Loop

if TYPE_CHECKING:
    from liquid_background.language.compiled.nodes import Nodes


def write_loop(nodes: Nodes, node: ForNode) -> None:
    """Write a loop."""
    source, expressions = nodes.source, nodes.expressions
    outer_steps, expressions.steps = expressions.steps, 0
    items, length = source.fresh("i"), source.fresh("n")
    _write_items(nodes, node.expression, items, length)
    with source.block(f"if {length}:"):
        _write_turns(nodes, node, items, length)
    if node.default:
        with source.block("else:"):
            nodes.block(node.default)
    expressions.steps += outer_steps


def _write_items(nodes: Nodes, part: LoopExpression, items: str, length: str) -> None:
    """Write what a loop goes through: a list or range of its own in place, and else what the expression finds."""
    source, line, expressions = nodes.source, nodes.source.line, nodes.expressions
    is_bare = not (part.limit or part.offset or part.reversed)
    key = source.text(f"{part.identifier}-{part.iterable}")
    if is_bare and type(part) is LoopExpression and type(part.iterable) is RangeLiteral:
        start = expressions.write(part.iterable.start).python
        stop = expressions.write(part.iterable.stop).python
        whole = f"type({start}) is int and type({stop}) is int and -LOTS < {start} <= {stop} < LOTS"
        line(f"if {whole}: {items}, {length} = numbers_of(context, {start}, {stop}, {key})")
        line(f"else: {items}, {length} = gone_through(context, {source.value(part)}, {start}, {stop})")
    elif is_bare and type(part) is BoundedLoop and type(part.iterable) in PATHS:
        value = expressions.write(part.iterable).python
        line(f"if type({value}) is list: {items}, {length} = items_of(context, {value}, {key})")
        line(f"else: {items}, {length} = {source.value(part)}.gone_through({value}, context)")
    else:
        line(f"{items}, {length} = {expressions.evaluation(part)}")


def _write_turns(nodes: Nodes, node: ForNode, items: str, length: str) -> None:
    source, line = nodes.source, nodes.source.line
    name = str(node.expression.identifier)
    loop = Loop(name, source.fresh("i"), source.fresh("f"))
    names, title = source.fresh("m"), source.text(f"{name}-{node.expression.iterable}")
    line(f"{loop.forloop} = ForLoop({title}, {items}, {length}, context.parentloop())")
    line(f"{names} = {{'forloop': {loop.forloop}, {source.text(name)}: None}}")
    line(f"enter(context, {names}, {loop.forloop})")
    with source.block("try:"), nodes.turning():
        with source.block(f"for {loop.item} in {loop.forloop}.it:"):
            line(f"{loop.forloop}._index += 1")
            line(f"{names}[{source.text(name)}] = {loop.item}")
            steps = source.later()
            with source.block("try:"), nodes.expressions.scopes.inside(loop):
                nodes.block(node.block)
            with source.block("except ContinueLoop:"):
                line("continue")
            with source.block("except BreakLoop:"):
                line("break")
            source.fill(steps, f"watch.steps -= {1 + nodes.expressions.steps}")
            nodes.expressions.steps = 0
        with source.block("else:"):
            line(f"{loop.forloop}._index += 1")
    with source.block("finally:"):
        line(f"leave(context, {loop.forloop})")
