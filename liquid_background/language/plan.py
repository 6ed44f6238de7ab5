"""Which page paths a body is handed: a walk over its parsed nodes, once for each block.

A *hand-over position* is the right-hand side of an assign and every argument of a tag that hands over. A path
there belongs to the page unless its root is surely the body's own at that point: a parameter, an earlier assign
or capture on the way that is always taken, or a loop variable around it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from functools import lru_cache
from typing import Final, NamedTuple

from liquid import BlockNode, BoundTemplate, Environment, Node, RenderContext
from liquid.ast import ConditionalBlockNode, PartialScope
from liquid.builtin.expressions import Path
from liquid.builtin.tags.capture_tag import CaptureNode
from liquid.builtin.tags.case_tag import CaseNode, MultiExpressionBlockNode
from liquid.builtin.tags.for_tag import ForNode
from liquid.builtin.tags.if_tag import IfNode
from liquid.builtin.tags.ifchanged_tag import IfChangedNode
from liquid.builtin.tags.liquid_tag import LiquidNode
from liquid.builtin.tags.unless_tag import UnlessNode
from liquid.expression import Expression
from liquid.extra.tags.macro_tag import MacroNode
from liquid.token import TOKEN_TAG

from liquid_background.language.bounds import BodyNode
from liquid_background.language.scope import ANYTHING, Scope

REQUEST_ROOTS: Final = frozenset(("params", "session", "cookies", "headers", "context", "request"))
"""What belongs to the request: never shipped."""

_WRITTEN: Final = (str, int)  # segments of a path that are no brackets with a path in them
_COUNTERS: Final = frozenset(("increment", "decrement"))  # a variable of the page's wins over their counters


@dataclass(frozen=True, slots=True)
class HandOver:
    """One value to ship: the page evaluates `path`, the worker finds it under `key`."""

    key: str  # the path as text, such as "user.email"
    path: Path


@dataclass(frozen=True, slots=True)
class Plan:
    """What a body is handed, and where in its source it uses it."""

    hand_overs: tuple[HandOver, ...]  # distinct, in the order of their first use
    positions: Mapping[int, tuple[str, int]]  # start index of a path → (key, segments that the key covers)
    paths: tuple[Path, ...]  # the paths at those positions


class _Judged(NamedTuple):
    """What a path needs to be resolved."""

    asks_request: bool  # a bracket of it is of the request, as in `a[params.key]`
    is_pages: bool  # the page can resolve all of it


def plan_body(env: Environment, nodes: Iterable[Node], parameters: Iterable[str], hands_over: Collection[str]) -> Plan:
    """Return what a body needs from the page.

    Args:
        env: the environment that parsed the nodes.
        nodes: the body.
        parameters: names of the block's parameters.
        hands_over: names of the tags whose arguments are hand-over positions.
    """
    walk = BodyWalk(env, hands_over, frozenset(parameters))
    walk.body(nodes)
    return Plan(tuple(walk.found.values()), walk.positions, tuple(walk.paths))


class OnceNode(Node):
    """A node of ours whose children are taken once at most, so that none sees what a later one assigns."""

    __slots__ = ()


RUN_ONCE: Final = (
    OnceNode, BlockNode, LiquidNode, CaptureNode, IfNode, UnlessNode, CaseNode, IfChangedNode, ConditionalBlockNode,
    MultiExpressionBlockNode,
)  # fmt: skip
"""Nodes that are no loops; an application's own node may be one."""


class _Way(Enum):
    """How a node takes its children."""

    SEQUENCE = auto()  # all of them, one after the other
    ONCE = auto()  # each or not
    LOOP = auto()  # maybe again
    BLOCK = auto()  # as a job of their own
    MACRO = auto()  # where it is called


@lru_cache(1000)
def _way(kind: type[Node]) -> _Way:
    for ancestor, way in (
        ((BlockNode, LiquidNode, CaptureNode), _Way.SEQUENCE),
        (MacroNode, _Way.MACRO),
        (BodyNode, _Way.BLOCK),
        (RUN_ONCE, _Way.ONCE),
    ):
        if issubclass(kind, ancestor):
            return way
    return _Way.LOOP


def tag_of(node: Node) -> str:
    """Return the name of a node's tag; "" for an output, and for a branch, whose token is of the first tag in it."""
    is_tag = node.token.kind == TOKEN_TAG and not isinstance(node, ConditionalBlockNode)
    return node.token.value if is_tag else ""


class BodyWalk:
    """One walk over a body; collects what the page is to hand over.

    It goes through each node once, and once more through what a loop holds, however deep they stand in each other.
    """

    def __init__(self, env: Environment, hands_over: Collection[str], parameters: frozenset[str]) -> None:
        self.hands_over = hands_over
        self.parameters = parameters
        self.found: dict[str, HandOver] = {}
        self.positions: dict[int, tuple[str, int]] = {}
        self.paths: list[Path] = []
        self._static = RenderContext(BoundTemplate(env, []))
        self._judged: dict[int, _Judged] = {}  # paths of the expression that is being looked at, by their ids

    def body(self, nodes: Iterable[Node]) -> None:
        """Walk a whole body."""
        self.nodes(nodes, Scope(self.parameters))

    def nodes(self, nodes: Iterable[Node], scope: Scope) -> None:
        """Walk a sequence that is always taken."""
        for node in nodes:
            self.node(node, scope)

    def node(self, node: Node, scope: Scope) -> None:
        """Walk a node; the scope is then that behind it."""
        way = _way(type(node))
        if way is _Way.SEQUENCE:
            self.nodes(self.children(node), scope)
        elif way is _Way.MACRO:
            self.nodes(self.children(node), scope.of_macro(str(name) for name in node.block_scope()))
        else:
            self._arguments(node, scope)
            self._branches(node, way, scope)
        note = scope.may_assign if tag_of(node) in _COUNTERS else scope.assign
        for name in node.template_scope():
            note(str(name))

    def children(self, node: Node) -> Iterator[Node]:
        yield from node.children(self._static, include_partials=False)

    def _arguments(self, node: Node, scope: Scope) -> None:
        if tag_of(node) in self.hands_over:
            for expression in node.evaluated() if isinstance(node, BodyNode) else node.expressions():
                self.expression(expression, scope)
        else:
            self.other(node, scope)

    def other(self, node: Node, scope: Scope) -> None:
        """Meet a node that hands nothing over; a check of templates looks at what it reads."""

    def _branches(self, node: Node, way: _Way, scope: Scope) -> None:
        """Walk children that may be taken, or taken again; what they assign may be assigned behind them."""
        children = [*self.children(node)]
        if isinstance(node, BodyNode):
            self.block(node, children, scope)
        elif children:
            around = scope.in_loop
            if way is _Way.LOOP and not around:
                for name in self.assigned(children):  # by an earlier turn of the loop
                    scope.may_assign(name)
                scope.in_loop = True
            with scope.branches():
                for child in children:
                    is_else = isinstance(node, ForNode) and child is node.default
                    with scope.branch(() if is_else else (str(name) for name in node.block_scope())):
                        self.node(child, scope)
            scope.in_loop = around
        for name in self.assigned_elsewhere(node):
            scope.may_assign(name)

    def block(self, node: BodyNode, children: Iterable[Node], scope: Scope) -> None:
        """Walk a nested block."""
        with scope.block(node.parameter_names()):
            self.nodes(children, scope)

    def assigned_elsewhere(self, node: Node) -> Iterable[str]:
        """Return the names that a partial which shares the scope may assign."""
        if isinstance(node, BodyNode):
            return ()
        partial = node.partial_scope()
        shared = partial is not None and partial.scope is not PartialScope.ISOLATED
        return (ANYTHING,) if shared else ()

    def assigned(self, nodes: Iterable[Node]) -> Iterator[str]:
        """Yield the names that nodes and what they hold may assign, but for blocks and macros."""
        left = [*nodes]
        while left:
            node = left.pop()
            yield from (str(name) for name in node.template_scope())
            yield from self.assigned_elsewhere(node)
            if _way(type(node)) not in (_Way.BLOCK, _Way.MACRO):
                left.extend(self.children(node))

    def expression(self, expression: Expression, scope: Scope) -> None:
        """Note every page path in an expression."""
        if isinstance(expression, Path):
            self._judged.clear()
            self._path(expression, scope)
        else:
            for child in expression.children():
                self.expression(child, scope)

    def _path(self, path: Path, scope: Scope) -> None:
        root = path.path[0]
        if not isinstance(root, str) or scope.is_own(root):
            self._brackets(path.path, scope)
            return
        if root in REQUEST_ROOTS:
            return  # blank in the job, so nothing needs to travel for it
        covered, shipped = len(path.path), path
        if _brackets_of(path):
            if self._judge(path, scope).asks_request:
                return
            covered = self._covered(path, scope)
            shipped = path if covered == len(path.path) else Path(path.token, path.path[:covered])
            self._brackets(path.path[covered:], scope)
        key = str(shipped)
        if key not in self.found:
            self.found[key] = HandOver(key, shipped)
        self.positions[path.token.start_index] = (key, covered)
        self.paths.append(path)

    def _brackets(self, segments: Iterable[object], scope: Scope) -> None:
        for segment in segments:
            if isinstance(segment, Path):
                self._path(segment, scope)

    def _covered(self, path: Path, scope: Scope) -> int:
        """Return how many segments the page can resolve: up to the first bracket that may be the body's."""
        for index, segment in enumerate(path.path):
            if isinstance(segment, Path) and not self._judge(segment, scope).is_pages:
                return index
        return len(path.path)

    def _judge(self, path: Path, scope: Scope) -> _Judged:
        """Return what a path and its brackets need; of brackets in brackets, each is looked at once."""
        judged = self._judged.get(id(path))
        if judged is None:
            asks, is_pages = False, self._is_pages(path.path[0], scope)
            for part in _brackets_of(path):
                inner = self._judge(part, scope)
                asks = asks or inner.asks_request or self._is_requests(part.path[0], scope)
                is_pages = is_pages and inner.is_pages
            judged = self._judged[id(path)] = _Judged(asks, is_pages)
        return judged

    def _is_requests(self, root: object, scope: Scope) -> bool:
        return isinstance(root, str) and root in REQUEST_ROOTS and not self.may_be_own(root, scope)

    def _is_pages(self, root: object, scope: Scope) -> bool:
        if not isinstance(root, str) or root in REQUEST_ROOTS:
            return False
        return not self.may_be_own(root, scope) and not self.may_be_own(ANYTHING, scope)

    def may_be_own(self, name: str, scope: Scope) -> bool:
        """Return whether a name is the body's own on some way to here."""
        return scope.may_be_own(name)


def _brackets_of(path: Path) -> list[Path]:
    return [part for part in path.path if not isinstance(part, _WRITTEN)]
