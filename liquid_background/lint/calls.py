"""How templates call partials: the arguments that each call gives, and whether those are what the partial reads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from liquid import Node
from liquid.ast import PartialScope
from liquid.exceptions import LiquidError

from liquid_background.language.pages import CONSUMERS, split_front_matter, walk
from liquid_background.language.plan import REQUEST_ROOTS, BodyWalk
from liquid_background.language.scope import ANYTHING
from liquid_background.language.syntax import line_of
from liquid_background.language.tags import BackgroundNode
from liquid_background.lazy import kept
from liquid_background.lint.check import source_of
from liquid_background.lint.nodes import named_template, takes_a_template
from liquid_background.lint.partials import roots_read
from liquid_background.lint.run import Run

_ALWAYS_THERE: Final = frozenset(("now", "today", "forloop", "tablerowloop"))


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a partial that is named in writing."""

    name: str
    tag: str
    given: frozenset[str]  # names of arguments
    shares: bool  # whether the partial sees what is around the call, too
    line: int


def call_of(node: Node) -> Call | None:
    """Return the call that a node is; None when it calls nothing, or only a render tells what."""
    if not takes_a_template(node):
        return None
    tag, name = named_template(node)
    if name is None:
        return None
    if isinstance(node, BackgroundNode):
        return Call(name.value, tag, frozenset(node.parameter_names()), shares=False, line=line_of(node.token))
    scope = node.partial_scope()
    given = frozenset(map(str, scope.in_scope)) if scope is not None else frozenset[str]()
    shares = scope is None or scope.scope is not PartialScope.ISOLATED
    return Call(name.value, tag, given, shares=shares, line=line_of(name.token))


def nodes_in(walk: BodyWalk, nodes: Iterable[Node]) -> Iterator[Node]:
    """Yield nodes and all that they hold, blocks too, but no partials."""
    left = [*nodes]
    while left:
        node = left.pop()
        yield node
        left.extend(walk.children(node))


class Arguments:
    """What today's templates give the partials that they call.

    Args:
        run: a check.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self._walk = BodyWalk(run.environment, (), frozenset())
        self._wanted: dict[str, frozenset[str]] = {}

    def missing(self, call: Call, known: frozenset[str] = frozenset()) -> tuple[list[str], list[str]]:
        """Return the arguments that a call does not give and its partial needs, and those that it gives for nothing.

        A partial does not say what it needs. What it reads may be left out at times, so only that counts which each
        call of today's templates gives, or, where none calls it, what it reads in the place of an argument that it
        does not read any more.

        Args:
            call: as a job makes it.
            known: names that the partial sees beside the arguments.
        """
        if ANYTHING in known or call.name.partition("/")[0] == CONSUMERS:
            return [], []
        wanted = sorted(self._reads(call.name) - call.given - known)
        if not wanted:
            return [], []
        read = self._run.partials.read(call.name)
        unread = sorted(call.given - read) if read is not None else []
        today = self._given.get(call.name)
        if today is not None:
            return [name for name in wanted if all(name in given for given in today)], unread
        return wanted if unread else [], unread

    def _reads(self, name: str) -> frozenset[str]:
        """Return the roots that a partial reads itself and does not make: those are its arguments."""
        if name not in self._wanted:
            try:
                nodes = self._run.environment.get_template(name, tag="include").nodes
            except LiquidError:
                nodes = []
            read: set[str] = set()
            own: set[str] = set()
            for node in nodes_in(self._walk, nodes):
                read.update(roots_read(node))
                own.update(map(str, (*node.template_scope(), *node.block_scope())))
                if isinstance(node, BackgroundNode):
                    own.update(node.parameter_names())
            self._wanted[name] = frozenset(read - own - _ALWAYS_THERE - REQUEST_ROOTS)
        return self._wanted[name]

    @kept
    def _given(self) -> dict[str, set[frozenset[str]]]:
        """The arguments of each call in today's templates, by the partial's name."""
        found: dict[str, set[frozenset[str]]] = {}
        for site in self._run.sites:
            for file in walk(str(site.root), str(site.root)).templates:
                for call in self._calls(Path(file.path)):
                    found.setdefault(call.name, set()).add(call.given)
        return found

    def _calls(self, file: Path) -> Iterator[Call]:
        environment = self._run.environment
        try:
            _, body, line = split_front_matter(source_of(environment, file), str(file))
            nodes = environment.parse_at(body, line=line, path=str(file)).nodes
        except LiquidError:  # which the check of the templates tells of
            return
        for node in nodes_in(self._walk, nodes):
            call = call_of(node)
            if call is not None:
                yield call
