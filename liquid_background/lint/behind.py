"""What stays behind on the page: the names that a job reads, and its partials, which nothing hands over to it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from liquid import Node
from liquid.ast import PartialScope
from liquid.builtin.expressions import Path
from liquid.exceptions import LiquidError

from liquid_background.language.bounds import BodyNode
from liquid_background.language.plan import REQUEST_ROOTS
from liquid_background.language.scope import Scope
from liquid_background.language.syntax import line_of
from liquid_background.lint.blocks import Reads
from liquid_background.lint.partials import Partials, given_to

_DEEPEST: Final = 20  # partials in each other that are looked into
_MOST: Final = 1_000  # names that are told of one partial


@dataclass(frozen=True, slots=True)
class Behind:
    """A name that is blank in the job.

    Attributes:
        name: as it is written, such as `user.phone`.
        template: the partial in which it is read; "" for the file itself.
        line: where, 1-based.
        why: one sentence without its full stop.
    """

    name: str
    template: str
    line: int
    why: str


class Behinds:
    """Looks for what stays behind; each partial is looked into once.

    Args:
        partials: of the check.
    """

    def __init__(self, partials: Partials) -> None:
        self.partials = partials
        self._reads: dict[str, Sequence[tuple[str, Behind]]] = {}
        self.depth = 0

    def of_body(self, nodes: Iterable[Node], parameters: Iterable[str]) -> list[Behind]:
        """Return what stays behind of the body of a block."""
        walk = _Walk(self, parameters)
        walk.body(nodes)
        return [each for _, each in walk.reads("")]

    def of_template(self, nodes: Iterable[Node], known: Iterable[str], why: str) -> list[Behind]:
        """Return what stays behind of a template that is a whole job, and why: nothing is handed over in it."""
        walk = _Walk(self, known, why)
        walk.body(nodes)
        return [each for _, each in walk.reads("")]

    def of_partial(self, name: str) -> Sequence[tuple[str, Behind]]:
        """Return what a partial and those in it read of their scope, each with its root."""
        if name not in self._reads:
            self._reads[name] = ()  # for one that includes itself
            if self.depth < _DEEPEST:
                self.depth += 1
                self._reads[name] = self._look_into(name)[:_MOST]
                self.depth -= 1
        return self._reads[name]

    def _look_into(self, name: str) -> Sequence[tuple[str, Behind]]:
        try:
            nodes = self.partials.environment.get_template(name, tag="include").nodes
        except LiquidError:
            return ()
        walk = _Walk(self, (), "a partial is handed its arguments, and nothing else of the page")
        walk.body(nodes)
        return [*walk.reads(name)]


class _Walk(Reads):
    """Notes what is read in a body, and in the partials that share its scope or are given a part of it."""

    def __init__(self, behinds: Behinds, parameters: Iterable[str], why: str = "") -> None:
        super().__init__(behinds.partials, parameters)
        self._behinds = behinds
        self._inside: list[tuple[str, Behind]] = []
        self._reason = why or "it is read where nothing is handed over"
        if why:  # nothing at all is handed over there
            self.hands_over = ()

    def reads(self, template: str) -> Iterator[tuple[str, Behind]]:
        """Yield what was noted, each with its root, and each name once.

        Args:
            template: the partial that was walked over; "" for a file.
        """
        noted: dict[tuple[str, str], tuple[str, Behind]] = {}
        for path in (*(blank.path for blank in self.blank), *self.request):
            root = str(path.path[0])
            told = Behind(str(path), template, line_of(path.token), self._why(path, root))
            noted.setdefault((told.name, template), (root, told))
        for root, told in self._inside:
            noted.setdefault((told.name, told.template), (root, told))
        yield from sorted(noted.values(), key=lambda item: (item[1].template != template, item[1].line))

    def _why(self, path: Path, root: str) -> str:
        if root in REQUEST_ROOTS:
            return "it is of the request, which no block is handed"
        if root in self._behinds.partials.environment.globals:
            return "it is a global of the environment, which jobs do not have"
        return self._reason

    def _arguments(self, node: Node, scope: Scope) -> None:
        super()._arguments(node, scope)
        name, partial = given_to(node), None if isinstance(node, BodyNode) else node.partial_scope()
        if not name or partial is None:
            return
        given = {"forloop", *map(str, partial.in_scope)}
        alone = partial.scope is PartialScope.ISOLATED
        for root, told in self._behinds.of_partial(name):
            is_own = root in self.parameters if alone else self.may_be_own(root, scope)
            if root not in given and not is_own:
                self._inside.append((root, told))
