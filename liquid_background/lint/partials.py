"""What partials read and assign in the scope of a job that includes them: each is looked into once for a check."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from liquid import Node
from liquid.ast import IllegalNode, PartialScope
from liquid.builtin.expressions import Path
from liquid.builtin.expressions.primitive import StringLiteral
from liquid.exceptions import LiquidError
from liquid.expression import Expression
from liquid.token import TOKEN_TAG

from liquid_background.language.bounds import BodyNode
from liquid_background.language.environment import Environment
from liquid_background.language.plan import BodyWalk
from liquid_background.language.scope import ANYTHING
from liquid_background.language.syntax import unfiltered, written_text
from liquid_background.language.tags import BackgroundNode

_MOST_PARTIALS: Final = 100  # that one includes, they and theirs; of more it is not told what they do together
_MOST_NAMES: Final = 1_000  # that they read, or assign


def paths(expression: Expression) -> Iterator[Path]:
    """Yield every path in an expression, those in brackets too."""
    left = [expression]
    while left:
        current = left.pop()
        if isinstance(current, Path):
            yield current
        left.extend(reversed([*current.children()]))


def roots_read(node: Node) -> Iterator[str]:
    """Yield the roots of the paths that a node reads itself."""
    for expression in node.expressions():
        for path in paths(expression):
            yield str(path.path[0])


def included(node: Node) -> str | None:
    """Return the partial that a node includes; "" when only a render tells which, None when it includes none."""
    if node.token.kind != TOKEN_TAG or node.token.value != "include":
        return None
    name = getattr(node, "name", None)
    return name.value if isinstance(name, StringLiteral) else ""


def given_to(node: Node) -> str:
    """Return the partial that a node gives values to; "" when it gives them to none, or only a render tells which."""
    if isinstance(node, BodyNode) or node.partial_scope() is None:
        return ""
    return written_text(getattr(node, "name", None))


@dataclass(frozen=True, slots=True)
class _Own:
    """What one partial does itself."""

    assigns: frozenset[str]
    shares: frozenset[str]  # the partials that may assign names of its scope
    reads: frozenset[str]
    includes: frozenset[str]  # "" among them when only a render tells which


class Partials:
    """The partials of an environment, for one check of its files.

    Args:
        environment: with the loader that finds them.
    """

    def __init__(self, environment: Environment) -> None:
        self.environment = environment
        self._own: dict[str, _Own | None] = {}
        self._assigned: dict[str, frozenset[str]] = {}
        self._read: dict[str, frozenset[str] | None] = {}

    def assigned(self, name: str) -> frozenset[str]:
        """Return the names that a partial and those in it assign; ANYTHING among them when that cannot be told."""
        if name not in self._assigned:
            found = self._together(name, lambda own: own.assigns, lambda own: own.shares)
            self._assigned[name] = frozenset((ANYTHING,)) if found is None else found
        return self._assigned[name]

    def read(self, name: str) -> frozenset[str] | None:
        """Return the roots that a partial and those in it read; None when that cannot be told."""
        if name not in self._read:
            self._read[name] = self._together(name, lambda own: own.reads, lambda own: own.includes)
        return self._read[name]

    def _together(
        self, name: str, names: Callable[[_Own], frozenset[str]], further: Callable[[_Own], frozenset[str]]
    ) -> frozenset[str] | None:
        found: set[str] = set()
        seen, left = {name}, [name]
        while left:
            own = self._look_into(left.pop())
            if own is None:
                return None
            new = further(own) - seen
            found |= names(own)
            seen |= new
            left.extend(new)
            if "" in new or len(seen) > _MOST_PARTIALS or len(found) > _MOST_NAMES:
                return None
        return frozenset(found)

    def _look_into(self, name: str) -> _Own | None:
        if name not in self._own:
            try:
                nodes = self.environment.get_template(name, tag="include").nodes
                self._own[name] = _own(self.environment, nodes)
            except LiquidError:
                self._own[name] = None
        return self._own[name]


class _Shares(BodyWalk):
    """Notes the partials that share the scope, which a plan takes for anything."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment, (), frozenset())
        self.names: set[str] = set()

    def assigned_elsewhere(self, node: Node) -> Iterable[str]:
        name = shared(node)
        if name is not None:
            self.names.add(name)
        return ()


def shared(node: Node) -> str | None:
    """Return the partial that may assign names of the scope; "" when only a render tells which, None without one."""
    partial = node.partial_scope()
    if partial is None or partial.scope is PartialScope.ISOLATED:
        return None
    return partial.name.value if isinstance(partial.name, StringLiteral) else ""


def _own(environment: Environment, nodes: Sequence[Node]) -> _Own:
    walk = _Shares(environment)
    assigns = frozenset(walk.assigned(nodes))
    reads: set[str] = set()
    includes: set[str] = set()
    left = [*nodes]
    while left:
        node = left.pop()
        reads.update(roots_read(node))
        name = included(node)
        if name is not None:
            includes.add(name)
        left.extend(walk.children(node))
    return _Own(assigns, frozenset(walk.names), frozenset(reads), frozenset(includes))


def read_by(partials: Partials, node: BackgroundNode) -> frozenset[str] | None:
    """Return the roots that a job reads; None when that cannot be told, as where a part of it could not be parsed."""
    if node.body is None:
        name = unfiltered(node.partial)
        return partials.read(name.value) if isinstance(name, StringLiteral) else None
    roots: set[str] = set()
    includes: set[str] = set()
    left: list[Node] = [*node.body.nodes]
    walk = BodyWalk(partials.environment, (), frozenset())
    while left:
        current = left.pop()
        if isinstance(current, IllegalNode):
            return None
        roots.update(roots_read(current))
        partial = included(current)
        if partial is not None:
            includes.add(partial)
        left.extend(walk.children(current))
    inside = [partials.read(name) if name else None for name in includes]
    if None in inside:
        return None
    return frozenset(roots).union(*(names for names in inside if names))
