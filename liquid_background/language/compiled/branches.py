"""`if`, `unless` and `case` as Python."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from liquid import BlockNode
from liquid.builtin.tags.case_tag import CaseNode, MultiExpressionBlockNode
from liquid.builtin.tags.if_tag import IfNode

from liquid_background.language.compiled.loops import Loops


class Branches(Loops):
    """Writes branches."""

    def branch(self, node: Any) -> None:
        """Write `if` and `unless`."""
        source = self.source
        condition = self.expressions.truth(node.condition)
        head = f"if {condition}:" if type(node) is IfNode else f"if not ({condition}):"
        with source.at(node.condition.token), source.block(head):
            self.block(node.consequence)
        if node.alternatives or node.default:
            with source.block("else:"):
                again = (
                    source.awaits and type(node) is IfNode
                )  # python-liquid asks twice there whether an elsif is true
                self._alternatives(node.alternatives, node.default, again=again)

    def _alternatives(self, alternatives: Sequence[Any], default: BlockNode | None, *, again: bool) -> None:
        """Write what follows an `if`; flat, so that many of them are not nested."""
        source = self.source
        if not alternatives:
            if default:
                self.block(default)
            return
        taken = source.fresh("n")
        source.line(f"{taken} = True")
        for each in alternatives:
            with source.block(f"if {taken}:"):
                condition = self.expressions.truth(each.expression)
                with source.at(each.expression.token), source.block(f"if {condition}:"):
                    source.line(f"{taken} = False")
                    self._alternative(each, again=again)
        if default:
            with source.block(f"if {taken}:"):
                self.block(default)

    def _alternative(self, node: Any, *, again: bool) -> None:
        if not again:
            self.block(node.block)
            return
        condition = self.expressions.truth(node.expression)
        with self.source.at(node.expression.token), self.source.block(f"if {condition}:"):
            self.block(node.block)

    def case(self, node: CaseNode) -> None:
        """Write `case`: each `when` that fits is rendered, as often as its values do."""
        source, line = self.source, self.source.line
        none = source.fresh("n")
        line(f"{none} = True")
        for block in node.blocks:
            if type(block) is MultiExpressionBlockNode:
                self._when(block, none)
            else:
                with source.block(f"if {none}:"):
                    self.block(block)  # type: ignore[arg-type]

    def _when(self, node: MultiExpressionBlockNode, none: str) -> None:
        source = self.source
        with source.at(node.expression.token):
            left = self.expressions.write(node.expression.left)
            fits = [self.expressions.equal(left, self.expressions.write(each)) for each in node.expression.expressions]
        if len(fits) == 1:
            with source.block(f"if {fits[0]}:"):
                source.line(f"{none} = False")
                with source.block(f"if {fits[0]} is True or [{fits[0]}].count(True):"):  # `==` may return anything
                    self.block(node.block)
            return
        self._as_often(node, fits, none)

    def _as_often(self, node: MultiExpressionBlockNode, fits: Sequence[str], none: str) -> None:
        """Write a `when` of several values: it is rendered once for each that fits."""
        source = self.source
        times = source.fresh("n")
        source.line(f"{times} = [{', '.join(fits)}].count(True)")
        with source.block(f"if {' or '.join(fits)}:"):
            source.line(f"{none} = False")
        with source.block(f"while {times}:"), self.turning(leaves=True):
            source.line(f"{times} -= 1")
            self.block(node.block)
