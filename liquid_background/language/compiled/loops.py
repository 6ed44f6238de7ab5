"""`for` as Python: a loop over what it goes through, with the state that the template may ask for."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager

from liquid import BlockNode, Node
from liquid.builtin.expressions import LoopExpression
from liquid.builtin.expressions.primitive import RangeLiteral
from liquid.builtin.tags.for_tag import BreakNode, ForNode

from liquid_background.language.bounds import BoundedLoop
from liquid_background.language.compiled.expressions import Expressions
from liquid_background.language.compiled.paths import PATHS
from liquid_background.language.compiled.scopes import Loop


class Loops(ABC):
    """Writes loops, and what leaves them.

    Args:
        expressions: that writes what a loop goes through.

    Attributes:
        depth: of blocks in each other that CPython nests only so many of.
    """

    def __init__(self, expressions: Expressions) -> None:
        self.expressions = expressions
        self.source = expressions.source
        self.depth = 0
        self._leaves = False  # whether break and continue have to be raised: there is a Python loop of ours between

    @abstractmethod
    def block(self, node: BlockNode) -> None:
        """Write a block."""

    @contextmanager
    def turning(self, *, leaves: bool = False) -> Iterator[None]:
        """Write what a Python loop does in each turn.

        Args:
            leaves: whether a `break` is to leave more than that loop.
        """
        outer = self.depth, self._leaves
        self.depth, self._leaves = self.depth + 1, leaves
        try:
            yield
        finally:
            self.depth, self._leaves = outer

    def loop(self, node: ForNode) -> None:
        """Write a loop."""
        source, expressions = self.source, self.expressions
        outer_steps, expressions.steps = expressions.steps, 0
        items, length = source.fresh("i"), source.fresh("n")
        self._write_items(node.expression, items, length)
        with source.block(f"if {length}:"):
            self._write_turns(node, items, length)
        if node.default:
            with source.block("else:"):
                self.block(node.default)
        expressions.steps += outer_steps

    def leave(self, node: Node) -> None:
        """Write `break` or `continue`."""
        word = "break" if type(node) is BreakNode else "continue"
        if self.expressions.scopes.loops and not self._leaves:
            self.source.line(word)
        else:
            self.source.line(f"raise {'BreakLoop' if word == 'break' else 'ContinueLoop'}('{word}')")

    def _write_items(self, part: LoopExpression, items: str, length: str) -> None:
        """Write what a loop goes through: a list or range of its own in place, and else what the expression finds."""
        source, line, expressions = self.source, self.source.line, self.expressions
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

    def _write_turns(self, node: ForNode, items: str, length: str) -> None:
        source, line = self.source, self.source.line
        name = str(node.expression.identifier)
        loop = Loop(name, source.fresh("i"), source.fresh("f"))
        names, title = source.fresh("m"), source.text(f"{name}-{node.expression.iterable}")
        line(f"{loop.forloop} = ForLoop({title}, {items}, {length}, context.parentloop())")
        line(f"{names} = {{'forloop': {loop.forloop}, {source.text(name)}: None}}")
        line(f"enter(context, {names}, {loop.forloop})")
        with source.block("try:"), self.turning():
            with source.block(f"for {loop.item} in {loop.forloop}.it:"):
                line(f"{loop.forloop}._index += 1")
                line(f"{names}[{source.text(name)}] = {loop.item}")
                steps = source.later()
                with source.block("try:"), self.expressions.scopes.inside(loop):
                    self.block(node.block)
                with source.block("except ContinueLoop:"):
                    line("continue")
                with source.block("except BreakLoop:"):
                    line("break")
                source.fill(steps, f"watch.steps -= {1 + self.expressions.steps}")
                self.expressions.steps = 0
            with source.block("else:"):
                line(f"{loop.forloop}._index += 1")
        with source.block("finally:"):
            line(f"leave(context, {loop.forloop})")
