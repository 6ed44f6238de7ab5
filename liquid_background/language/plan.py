"""Which page paths a body is handed: a walk over its parsed nodes, once for each block.

A *hand-over position* is the right-hand side of an assign and every argument of a tag that hands over. A path
there belongs to the page unless its root is surely the body's own at that point: a parameter, an earlier assign
or capture on the way that is always taken, or a loop variable around it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

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

REQUEST_ROOTS: Final = frozenset(("params", "session", "cookies", "headers", "context", "request"))
"""What belongs to the request: never shipped."""

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


ANYTHING: Final = "*"
"""Stands among names that may be assigned for all of them: behind an include, whose partial may assign any."""


@dataclass(frozen=True, slots=True)
class Scope:
    """The body's own names at one point."""

    parameters: frozenset[str]  # of the innermost block
    sure: frozenset[str]
    maybe: frozenset[str]  # assigned on some way to here; holds `sure` too

    @classmethod
    def of(cls, parameters: frozenset[str]) -> Scope:
        return cls(parameters, parameters, parameters)

    def with_sure(self, names: Iterable[str]) -> Scope:
        added = frozenset(names)
        return Scope(self.parameters, self.sure | added, self.maybe | added)

    def with_maybe(self, names: Iterable[str]) -> Scope:
        return Scope(self.parameters, self.sure, self.maybe | frozenset(names))

    def within(self, parameters: Iterable[str]) -> Scope:
        """Return the scope of a nested block, which is given what is named here."""
        given = frozenset(parameters)
        return Scope(given, self.sure | given, self.maybe | given)


class BodyNode(Node):
    """A node whose body runs as a job of its own: a nested background block."""

    __slots__ = ()

    def parameter_names(self) -> Iterable[str]:
        """Return the names that its body is given."""
        raise NotImplementedError


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


class BodyWalk:
    """One walk over a body; collects what the page is to hand over."""

    def __init__(self, env: Environment, hands_over: Collection[str], parameters: frozenset[str]) -> None:
        self.hands_over = hands_over
        self.parameters = parameters
        self.found: dict[str, HandOver] = {}
        self.positions: dict[int, tuple[str, int]] = {}
        self.paths: list[Path] = []
        self._static = RenderContext(BoundTemplate(env, []))

    def body(self, nodes: Iterable[Node]) -> None:
        """Walk a whole body."""
        self.nodes(nodes, Scope.of(self.parameters))

    def nodes(self, nodes: Iterable[Node], scope: Scope) -> Scope:
        """Walk a sequence that is always taken; return the scope behind it."""
        for node in nodes:
            scope = self.node(node, scope)
        return scope

    def node(self, node: Node, scope: Scope) -> Scope:
        if isinstance(node, BlockNode | LiquidNode | CaptureNode):
            scope = self.nodes(self.children(node), scope)
        elif isinstance(node, MacroNode):
            # A macro's body sees its own arguments and the parameters, not what the body assigns around it.
            own = Scope.of(scope.parameters).with_sure(node.block_scope())
            self.nodes(self.children(node), own)
        else:
            self._arguments(node, scope)
            scope = scope.with_maybe(self._branches(node, scope))
        if node.token.kind == TOKEN_TAG and node.token.value in _COUNTERS:
            return scope.with_maybe(str(name) for name in node.template_scope())
        return scope.with_sure(str(name) for name in node.template_scope())

    def children(self, node: Node) -> Iterator[Node]:
        yield from node.children(self._static, include_partials=False)

    def _arguments(self, node: Node, scope: Scope) -> None:
        if node.token.kind == TOKEN_TAG and node.token.value in self.hands_over:
            for expression in node.expressions():
                self.expression(expression, scope)
        else:
            self.other(node, scope)

    def other(self, node: Node, scope: Scope) -> None:
        """Meet a node that hands nothing over; a check of templates looks at what it reads."""

    def _branches(self, node: Node, scope: Scope) -> frozenset[str]:
        """Walk children that may be taken, or taken again; return the names that they may assign."""
        if isinstance(node, BodyNode):
            self.nodes(self.children(node), scope.within(node.parameter_names()))
            return frozenset()
        children = list(self.children(node))
        assigned = frozenset(name for child in children for name in self._assigned(child))
        if not isinstance(node, RUN_ONCE):
            scope = scope.with_maybe(assigned)  # by an earlier turn of the loop
        inside = scope.with_sure(str(name) for name in node.block_scope())
        for child in children:
            is_else = isinstance(node, ForNode) and child is node.default
            self.node(child, scope if is_else else inside)
        return assigned | self.assigned_elsewhere(node)

    def assigned_elsewhere(self, node: Node) -> frozenset[str]:
        """Return the names that a partial which shares the scope may assign."""
        partial = node.partial_scope()
        shared = partial is not None and partial.scope is not PartialScope.ISOLATED
        return frozenset((ANYTHING,)) if shared else frozenset()

    def _assigned(self, node: Node) -> Iterator[str]:
        yield from (str(name) for name in node.template_scope())
        yield from self.assigned_elsewhere(node)
        if not isinstance(node, BodyNode | MacroNode):
            for child in self.children(node):
                yield from self._assigned(child)

    def expression(self, expression: Expression, scope: Scope) -> None:
        """Note every page path in an expression."""
        if isinstance(expression, Path):
            self._path(expression, scope)
        else:
            for child in expression.children():
                self.expression(child, scope)

    def _path(self, path: Path, scope: Scope) -> None:
        root = path.path[0]
        if isinstance(root, Path) or not isinstance(root, str) or root in scope.sure:
            self._brackets(path.path, scope)
            return
        if root in REQUEST_ROOTS or self._asks_request(path, scope):
            return  # blank in the job, so nothing needs to travel for it
        covered = self._covered(path, scope)
        shipped = path if covered == len(path.path) else Path(path.token, path.path[:covered])
        self._brackets(path.path[covered:], scope)
        key = str(shipped)
        self.found.setdefault(key, HandOver(key, shipped))
        self.positions[path.token.start_index] = (key, covered)
        self.paths.append(path)

    def _brackets(self, segments: Iterable[object], scope: Scope) -> None:
        for segment in segments:
            if isinstance(segment, Path):
                self._path(segment, scope)

    def _asks_request(self, path: Path, scope: Scope) -> bool:
        """Return whether a bracket of a path needs the request, as in `a[params.key]`."""
        brackets = [part for part in path.path if isinstance(part, Path)]
        roots = (part.path[0] for part in brackets)
        return any(root in REQUEST_ROOTS and root not in scope.maybe for root in roots) or any(
            self._asks_request(part, scope) for part in brackets
        )

    def _covered(self, path: Path, scope: Scope) -> int:
        """Return how many segments the page can resolve: up to the first bracket that may be the body's."""
        for index, segment in enumerate(path.path):
            if isinstance(segment, Path) and not self._is_pages(segment, scope):
                return index
        return len(path.path)

    def _is_pages(self, path: Path, scope: Scope) -> bool:
        root = path.path[0]
        if not isinstance(root, str) or root in scope.maybe or root in REQUEST_ROOTS or ANYTHING in scope.maybe:
            return False
        return all(self._is_pages(part, scope) for part in path.path[1:] if isinstance(part, Path))
