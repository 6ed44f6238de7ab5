"""What the values stand for that a template's tags pass on: followed through assigns, captures, loops and partials."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias

from liquid import BlockNode, Node
from liquid.ast import PartialScope
from liquid.builtin.expressions import LoopExpression, Path
from liquid.builtin.output import OutputNode
from liquid.builtin.tags.assign_tag import AssignNode
from liquid.builtin.tags.capture_tag import CaptureNode
from liquid.builtin.tags.liquid_tag import LiquidNode
from liquid.exceptions import LiquidError
from liquid.expression import Expression

from liquid_background.language.plan import BodyWalk
from liquid_background.language.syntax import unfiltered
from liquid_background.language.tags import BackgroundNode
from liquid_background.language.tags.log import LogNode
from liquid_background.language.tags.trigger_event import TriggerEventNode
from liquid_background.language.tags.withholding import paths_in
from liquid_background.lint.partials import Partials, given_to
from liquid_background.withheld import Name

Origin: TypeAlias = tuple[Name, ...]
_Known: TypeAlias = dict[str, frozenset[Origin]]  # variables, each with the paths that it may stand for

_DEEPEST: Final = 10  # partials in each other that are followed
_MOST: Final = 200  # partials of a file that are followed, and paths that a variable is followed to
_LONGEST: Final = 20  # names of a path that is followed

PassingNode: TypeAlias = BackgroundNode | TriggerEventNode | LogNode


@dataclass(frozen=True, slots=True)
class Passed:
    """One value that a tag passes on."""

    kind: str  # "parameter", "option", "name", "handed over", "event" or "line"
    name: str  # as it is called where it goes; of an option its own name
    expression: Expression
    origins: tuple[Origin, ...]  # paths that it may stand for, those that are written first

    @property
    def names(self) -> Origin:
        """The path that it has where it goes; empty when it has none there."""
        match self.kind:
            case "parameter":
                return (self.name,)
            case "event":
                return ("event", self.name)
            case _:
                return ()


@dataclass(frozen=True, slots=True)
class Passing:
    """A tag with what it passes on."""

    node: PassingNode
    template: str  # name of the partial that it stands in, if a tag of the file leads there; else ""
    way_in: Node | None  # that tag
    is_nested: bool  # whether it stands in a block, and so runs in that one's job
    passed: tuple[Passed, ...]


class Origins:
    """The walk over one file.

    Args:
        partials: of the check.
        through_filters: whether a variable stands for what its value was made of, whatever filters did to it.
    """

    def __init__(self, partials: Partials, *, through_filters: bool = False) -> None:
        self._through_filters = through_filters
        self._environment = partials.environment
        self._children = BodyWalk(partials.environment, (), frozenset()).children
        self._partials: dict[tuple[str, frozenset[tuple[str, frozenset[Origin]]]], Sequence[Passing]] = {}
        self._template = ""
        self._blocks = 0  # around the point
        self._branches = 0
        self._depth = 0  # of partials

    def passings(self, nodes: Iterable[Node]) -> Iterator[Passing]:
        """Yield the tags that pass values on, in the file and in the partials that it gives values."""
        yield from self._nodes(nodes, {})

    def _nodes(self, nodes: Iterable[Node], known: _Known) -> Iterator[Passing]:
        for node in nodes:
            yield from self._node(node, known)

    def _node(self, node: Node, known: _Known) -> Iterator[Passing]:
        if isinstance(node, BackgroundNode | TriggerEventNode | LogNode):
            nested = self._blocks > 0
            yield Passing(node, self._template, None, nested, tuple(_passed(node, known)))
        if isinstance(node, BackgroundNode):
            inner = {**known, **{each.name: self._followed(each.value, known) for each in node.parameters}}
            self._blocks += 1
            yield from self._nodes(self._children(node), inner)
            self._blocks -= 1
            return
        if isinstance(node, AssignNode):
            self._assign(str(node.name), self._followed(node.expression, known), known)
            return
        yield from self._inside(node, known)
        yield from self._partial(node, known)
        captured = self._captured(node, known) if isinstance(node, CaptureNode) else frozenset()
        for name in node.template_scope():
            self._assign(str(name), captured, known)

    def _inside(self, node: Node, known: _Known) -> Iterator[Passing]:
        turns = self._bound_by_loop(node, known)
        branches = not isinstance(node, BlockNode | LiquidNode | CaptureNode)  # what stands in those is always taken
        self._branches += branches
        before = {name: known[name] for name in turns if name in known}
        known.update(turns)
        yield from self._nodes(self._children(node), known)
        for name in turns:
            known.pop(name, None)
        known.update(before)
        self._branches -= branches

    def _assign(self, name: str, origins: frozenset[Origin], known: _Known) -> None:
        earlier = known.get(name, frozenset()) if self._branches else frozenset()
        known[name] = frozenset(sorted(earlier | origins, key=str)[:_MOST])

    def _captured(self, node: CaptureNode, known: _Known) -> frozenset[Origin]:
        """Return what a captured text has in it."""
        found: set[Origin] = set()
        left: list[Node] = [node]
        while left:
            current = left.pop()
            if isinstance(current, OutputNode):
                found |= self._followed(current.expression, known)
            left.extend(self._children(current))
        return frozenset(found)

    def _partial(self, node: Node, known: _Known) -> Iterator[Passing]:
        """Follow what a tag gives to a partial that it names."""
        name, partial = given_to(node), node.partial_scope()
        if not name or partial is None:
            return
        given = {name: origins for name, origins in self._given(node, known).items() if origins}
        if partial.scope is not PartialScope.ISOLATED:
            given = {**known, **given}
        for passing in self._of_partial(name, given) if any(given.values()) else ():
            yield replace(passing, way_in=node, is_nested=passing.is_nested or self._blocks > 0)

    def _of_partial(self, name: str, given: _Known) -> Sequence[Passing]:
        """Return the tags of a partial that is given these values: it is walked once for them, by whatever tags."""
        key = (name, frozenset(given.items()))
        if key not in self._partials:
            self._partials[key] = ()  # for a partial that includes itself
            if len(self._partials) <= _MOST and self._depth < _DEEPEST:
                self._partials[key] = self._walked(name, given)
        return self._partials[key]

    def _walked(self, name: str, given: _Known) -> Sequence[Passing]:
        try:
            nodes = self._environment.get_template(name, tag="include").nodes
        except LiquidError:
            return ()
        around = self._template, self._blocks, self._branches
        self._template, self._blocks, self._branches = name, 0, 0
        self._depth += 1
        found = [*self._nodes(nodes, dict(given))]
        self._depth -= 1
        self._template, self._blocks, self._branches = around
        return found

    def _followed(self, expression: Expression, known: _Known) -> frozenset[Origin]:
        """Return what a variable stands for that is given the value of an expression; a filter makes a new value."""
        lone = unfiltered(expression)
        paths = [lone] if isinstance(lone, Path) else []
        if self._through_filters:
            paths = [*paths_in(expression)]
        return frozenset(origin for path in paths for origin in (names_of(path), *_beyond(path, known)))

    def _bound_by_loop(self, node: Node, known: _Known) -> _Known:
        loop = getattr(node, "expression", None)
        if not isinstance(loop, LoopExpression):
            return {}
        return {str(loop.identifier): frozenset((*origin, 0) for origin in self._followed(loop.iterable, known))}

    def _given(self, node: Any, known: _Known) -> _Known:
        """Return what a tag gives to its partial, by name there."""
        given = {str(each.name): self._followed(each.value, known) for each in getattr(node, "args", ())}
        bound = getattr(node, "var", None)
        origins = self._followed(bound, known) if isinstance(bound, Expression) else frozenset()
        for name in node.partial_scope().in_scope if origins else ():
            given.setdefault(str(name), origins | frozenset((*origin, 0) for origin in origins))  # it, or each in it
        return given


def _passed(node: PassingNode, known: Mapping[str, frozenset[Origin]]) -> Iterator[Passed]:
    if isinstance(node, BackgroundNode):
        values = [("option", each.name, each.value) for each in node.options]
        values += [("parameter", each.name, each.value) for each in node.parameters]
        values += [("name", "", each) for each in (node.label, node.partial) if each is not None]
        values += [("handed over", each.key, each.path) for each in node.plan.hand_overs]
    elif isinstance(node, TriggerEventNode):
        values = [("name", "", node.event), *(("event", each.name, each.value) for each in node.arguments)]
    else:
        values = [("line", "", node.value), *(("line", each.name, each.value) for each in node.arguments)]
    for kind, name, expression in values:
        yield Passed(kind, name, expression, tuple(_origins(expression, known)))


def _origins(expression: Expression, known: Mapping[str, frozenset[Origin]]) -> list[Origin]:
    """Return the paths in an expression as they are written, then those that their roots stand for."""
    paths = [*paths_in(expression)]
    found = dict.fromkeys(names_of(path) for path in paths)
    for path in paths:
        found.update(dict.fromkeys(_beyond(path, known)))
    return [*found]


def names_of(path: Path) -> Origin:
    """Return the names of a path as far as they are written: a bracket with a variable may be any."""
    parts: Iterable[Any] = path.path
    return tuple(part if isinstance(part, str | int) else None for part in parts)


def _beyond(path: Path, known: Mapping[str, frozenset[Origin]]) -> Iterator[Origin]:
    root, *rest = names_of(path)
    for origin in sorted(known.get(root, ()), key=str) if isinstance(root, str) else ():
        yield (*origin, *rest)[:_LONGEST]
