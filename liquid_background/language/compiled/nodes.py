"""Nodes as Python: each is written as statements; a tag that is not known here is called."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from liquid import BlockNode, Node, Token
from liquid.ast import IllegalNode
from liquid.builtin.content import ContentNode
from liquid.builtin.tags.assign_tag import AssignNode
from liquid.builtin.tags.case_tag import CaseNode
from liquid.builtin.tags.comment_tag import CommentNode
from liquid.builtin.tags.doc_tag import DocNode
from liquid.builtin.tags.for_tag import BreakNode, ContinueNode, ForNode
from liquid.builtin.tags.if_tag import IfNode
from liquid.builtin.tags.liquid_tag import LiquidNode
from liquid.builtin.tags.unless_tag import UnlessNode
from liquid.token import TOKEN_TAG

from liquid_background.language.compiled.branches import Branches
from liquid_background.language.compiled.expressions import Expressions
from liquid_background.language.compiled.partials import is_plain, write_partial
from liquid_background.language.compiled.source import Value
from liquid_background.language.pacing import LookNode
from liquid_background.language.tags.capture import CaptureNode
from liquid_background.language.tags.output import EchoNode, OutputNode
from liquid_background.language.tags.partials import IncludeNode, RenderNode

_DEEPEST: Final = 5
"""Loops and captures in each other; CPython nests 20 blocks, of which each of them takes three."""
_SPAN: Final = 16  # steps of the watch that are counted together


class Nodes(Branches):
    """Writes nodes; loops and branches as the classes before it do.

    Args:
        expressions: that writes what nodes evaluate.
        suppresses: whether a block of nothing but blanks prints nothing.

    Attributes:
        called: the tags that are called as they are, each with the token of the first one.
        inlined: the names of the tags that are written in place, which a context may forbid.
        throws_away: whether some of what is printed goes nowhere.
    """

    def __init__(self, expressions: Expressions, *, suppresses: bool) -> None:
        super().__init__(expressions)
        self.inlined: set[str] = set()
        self.throws_away = False
        self.called: dict[str, Token] = {}
        self._suppresses = suppresses
        self._buffer = "buffer"
        self._write = "w"
        self._blank = False  # whether what is printed is thrown away

    def top(self, nodes: Sequence[Node]) -> None:
        """Write the nodes of a template: each ends by itself when it raises.

        Where what is called has changed whether text is escaped, the rest is walked over.
        """
        source = self.source
        for at, node in enumerate(nodes, 1):
            if type(node) is ContentNode:
                self.write(node)
                continue
            token = source.value(node.token)
            with source.at(node.token):
                with source.block("try:"):
                    source.line("pass")
                    self.write(node)
                    self._count()
                with source.block("except (LiquidError, LiquidInterrupt, StopRender) as error:"):
                    source.line(f"if ended(error, env, {token}, leaves=leaves): return")
                if source.calls and at < len(nodes):
                    self._go_on(nodes, at)

    def _go_on(self, nodes: Sequence[Node], at: int) -> None:
        awaits, later = ("await ", "_async") if self.source.awaits else ("", "")
        walk = f"{awaits}walk{later}({self.source.value(nodes)}[{at}:], context, buffer, env, leaves=leaves)"
        self.source.line(f"if context.autoescape is not {self.source.autoescape}: return {walk}")
        self.source.calls = 0

    def write(self, node: Node) -> None:
        """Write a node."""
        writer = _WRITERS.get(type(node))
        with self.source.at(node.token):
            if writer is None or (self.depth >= _DEEPEST and type(node) in _NESTING):
                self._call(node)
                return
            if node.token.kind == TOKEN_TAG:
                self.inlined.add(node.token.value)
            writer(self, node)

    def _call(self, node: Node) -> None:
        self.called.setdefault(node.token.value, node.token)
        self.source.calls += 1
        name = self.source.value(node)
        render = f"await {name}.render_async" if self.source.awaits else f"{name}.render"
        self.source.line(f"{render}(context, {self._buffer})")
        self.expressions.scopes.look_again()

    def _count(self) -> None:
        """Write that steps were taken."""
        steps = self.expressions.steps
        if steps >= _SPAN:
            self.source.line(f"watch.steps -= {steps}")
            self.source.line("if watch.steps < 0: watch.look()")
            self.expressions.steps = 0

    def block(self, node: BlockNode) -> None:
        """Write a block."""
        if type(node) is not BlockNode:
            self.write(node)
            return
        if node.token.kind == TOKEN_TAG:
            self.inlined.add(node.token.value)
        outer = self._buffer, self._write, self._blank
        if node.blank and self._suppresses and not self._blank:
            self._buffer, self._write, self._blank = "NULL", "", True
            self.throws_away = True
        self.source.line("pass")
        for each in node.nodes:
            self.write(each)
            self._count()
        self._buffer, self._write, self._blank = outer

    # Output

    def content(self, node: ContentNode) -> None:
        """Write a text."""
        if not self._blank and node.text:
            self.source.line(f"{self._write}({self.source.text(node.text)})")

    def output(self, node: OutputNode) -> None:
        """Write the text of a value."""
        source, line = self.source, self.source.line
        value = self.expressions.write(node.expression)
        if self._blank:
            line(f"{source.value(node)}.put({value.python}, context, {self._buffer})")
            return
        name, put = value.python, f"{source.value(node)}.put({value.python}, context, {self._buffer})"
        write, word = self._write, "if"
        if value.kind in ("", "str") and source.autoescape:
            line(f"if (type({name}) is str or type({name}) is Markup) and len({name}) < SHORT: {write}(escape({name}))")
            word = "elif"
        elif value.kind in ("", "str"):
            line(f"if type({name}) is str and len({name}) < SHORT: {write}({name})")
            word = "elif"
        if value.kind in ("", "int"):  # a text of the template's must never stand in one of these
            line(f"{word} type({name}) is int and -BIG < {name} < BIG: {write}(f'{{{name}}}')")
            word = "elif"
        line(put if word == "if" else f"else: {put}")

    # Variables

    def assign(self, node: AssignNode) -> None:
        """Write an assignment."""
        value = self.expressions.write(node.expression)
        self._assign(str(node.name), value)

    def _assign(self, key: str, value: Value) -> None:
        text, name, line = self.source.text(key), value.python, self.source.line
        whole, short = f"type({name}) is int and -BIG < {name} < BIG", f"type({name}) is str and len({name}) <= LIGHT"
        light = "True" if value.kind and value.kind != "str" else f"(type({name}) in SMALL or {whole} or {short})"
        line(f"if {light} and {text} not in W: L[{text}] = {name}")
        line(f"else: context.assign({text}, {name})")

    def capture(self, node: CaptureNode) -> None:
        """Write a block whose text becomes a variable."""
        source, line = self.source, self.source.line
        outer = self._buffer, self._write, self._blank
        text, buffer, write = source.fresh("t"), source.fresh("b"), source.fresh("w")
        line(f"{text} = watch.text")
        self.depth += 1
        with source.block("try:"):
            line(f"{buffer} = context.get_buffer({self._buffer})")
            line(f"{write} = {buffer}.write")
            self._buffer, self._write, self._blank = buffer, write, False
            self.block(node.block)
            self._buffer, self._write, self._blank = outer
            made = f"{buffer}.getvalue()"
            line(f"context.assign({source.text(str(node.name))}, {f'Markup({made})' if source.autoescape else made})")
        with source.block("finally:"):
            line(f"watch.text = {text}")
        self.depth -= 1

    def lines(self, node: LiquidNode) -> None:
        """Write the lines of `{% liquid %}`."""
        self.block(node.block)

    def partial(self, node: IncludeNode | RenderNode) -> None:
        """Write a partial."""
        if is_plain(node):
            write_partial(self.expressions, node, self._buffer)
        else:
            self._call(node)

    def nothing(self, node: Node) -> None:
        """Write nothing."""

    def look(self, node: LookNode) -> None:
        """Write a look at the watch."""
        self.source.line("watch.look()")


_NESTING: Final = frozenset((ForNode, CaptureNode, CaseNode))
_WRITERS: Final[dict[type, Callable[[Nodes, Any], None]]] = {
    ContentNode: Nodes.content,
    OutputNode: Nodes.output,
    EchoNode: Nodes.output,
    AssignNode: Nodes.assign,
    CaptureNode: Nodes.capture,
    IfNode: Nodes.branch,
    UnlessNode: Nodes.branch,
    CaseNode: Nodes.case,
    ForNode: Nodes.loop,
    BreakNode: Nodes.leave,
    ContinueNode: Nodes.leave,
    LiquidNode: Nodes.lines,
    IncludeNode: Nodes.partial,
    RenderNode: Nodes.partial,
    BlockNode: Nodes.block,
    LookNode: Nodes.look,
    CommentNode: Nodes.nothing,
    DocNode: Nodes.nothing,
    IllegalNode: Nodes.nothing,
}
