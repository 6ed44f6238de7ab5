"""Checks of one background tag: what its body reads, and what its opener says."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Final

from liquid import Node
from liquid.builtin.expressions import FilteredExpression, Path
from liquid.builtin.expressions.primitive import FloatLiteral, IntegerLiteral, StringLiteral
from liquid.builtin.tags.for_tag import ForNode
from liquid.builtin.tags.tablerow_tag import TablerowNode

from liquid_background.language.bounds import BodyNode
from liquid_background.language.plan import REQUEST_ROOTS, BodyWalk
from liquid_background.language.scope import ANYTHING, Scope
from liquid_background.language.syntax import Argument, KeyName, LonePath, line_of
from liquid_background.language.tags import BackgroundNode
from liquid_background.lint.assigning import Assigning, Blank
from liquid_background.lint.finding import Finding, finding
from liquid_background.lint.members import written
from liquid_background.lint.parameters import check_parameters
from liquid_background.lint.partials import Partials, paths, shared
from liquid_background.lint.run import Run

_ALWAYS_THERE: Final = frozenset(("now", "today"))
_LONGEST_NAME: Final = 80  # characters of a variable that is worth writing out
_MOST_INCLUDED: Final = 100  # partials of a body that are looked into; of more, any may assign any name
_SHORT_DELAY: Final = 10.0  # minutes; longer ones are meant as times


class _Reads(BodyWalk):
    """Walks a body as the planner does, and notes the page paths that are read where nothing is handed over."""

    def __init__(self, partials: Partials, parameters: Iterable[str]) -> None:
        super().__init__(partials.environment, partials.environment.hands_over, frozenset(parameters))
        self._partials = partials
        self._included: dict[str, frozenset[str]] = {}  # what stands for a partial's names → those names
        self.blank: list[Blank] = []
        self.request: list[Path] = []

    def block(self, node: BodyNode, children: Iterable[Node], scope: Scope) -> None:
        """Leave out a nested block: it is checked as a block of its own, with what it can see."""

    def assigned_elsewhere(self, node: Node) -> Iterable[str]:
        """Look into a partial that is named literally, where the planner has to expect anything."""
        name = shared(node)
        if not name:
            return super().assigned_elsewhere(node)
        stands_for = f"{ANYTHING}{name}"  # one name instead of all of the partial's, at each tag that includes it
        if stands_for not in self._included:
            names = self._partials.assigned(name)
            if ANYTHING in names or len(self._included) >= _MOST_INCLUDED:
                return (ANYTHING,)
            self._included[stands_for] = names
        return (stands_for,)

    def may_be_own(self, name: str, scope: Scope) -> bool:
        """Return whether a name is the body's own on some way to here, or one of a partial's."""
        return scope.may_be_own(name) or any(
            name in names and scope.may_be_own(stands_for) for stands_for, names in self._included.items()
        )

    def other(self, node: Node, scope: Scope) -> None:
        """Note what is read where nothing is handed over."""
        if scope.may_be_own(ANYTHING):
            return
        loop = getattr(node, "expression", None) if isinstance(node, ForNode | TablerowNode) else None
        for expression in node.expressions():
            for path in paths(expression):
                root = path.path[0]
                if isinstance(path, KeyName | LonePath):
                    continue  # a text where no variable has its name
                if not isinstance(root, str) or root in _ALWAYS_THERE or self.may_be_own(root, scope):
                    continue
                if root in REQUEST_ROOTS:
                    self.request.append(path)
                else:
                    self._judged.clear()
                    turn = str(loop.identifier) if loop is not None and loop.iterable is path else ""
                    self.blank.append(Blank(path, self._covered(path, scope), turn))

    def _path(self, path: Path, scope: Scope) -> None:
        if self._is_requests(path.path[0], scope) and not isinstance(path, KeyName | LonePath):
            self.request.append(path)
        super()._path(path, scope)


def check_block(run: Run, path: str, node: BackgroundNode) -> Iterator[Finding]:
    """Yield what is wrong with one background tag."""
    yield from _check_opener(path, node)
    yield from check_parameters(run, path, node)
    if node.body is None:
        return
    reads = _Reads(run.partials, node.parameter_names())
    reads.body(node.body.nodes)
    assigning = Assigning(run, node)
    for blank in reads.blank:
        name, handed = assigning.name(blank), written(blank.handed)
        message = f"{_named(blank.path)} is blank in the job: a job sees no page variable here"
        fix = f"put {{% assign {name} = {handed} %}} at the start of the block and use `{name}`"
        fix = fix if len(handed) <= _LONGEST_NAME else "assign it at the start of the block, and use that"
        yield finding(path, blank.path.token, "blank-variable", message, fix, edits=assigning.edits(blank))
    for read in reads.request:
        name = re.sub(r"\W+", "_", str(read.path[-1]))
        message = f"{_named(read)} is blank in the job: a job sees nothing of the request"
        fix = f"put {{% assign {name} = {written(read)} %}} before the block and hand over `{name}`"
        fix = (
            fix if len(written(read)) <= _LONGEST_NAME else "assign it before the block, and hand over what is assigned"
        )
        yield finding(path, read.token, "request-in-job", message, fix)


def _named(read: Path) -> str:
    text = written(read)
    return f"`{text}`" if len(text) <= _LONGEST_NAME else f"`{text[: _LONGEST_NAME - 1]}…`"


def _check_opener(path: str, node: BackgroundNode) -> Iterator[Finding]:
    is_named = node.label is not None or any(argument.name == "source_name" for argument in node.options)
    if not is_named and node.partial is None:  # which the partial is the name of
        fix = "add source_name: 'what_it_does'"
        yield finding(path, node.token, "no-source-name", "this job has no source name to find it by in the log", fix)


def literal(arguments: list[Argument], name: str) -> object:
    """Return the value of an option that is written out, else None."""
    for argument in arguments:
        value = argument.value
        if argument.name != name or not isinstance(value, FilteredExpression) or value.filters:
            continue
        if isinstance(value.left, StringLiteral | IntegerLiteral | FloatLiteral):
            return value.left.value
    return None


def check_order(path: str, blocks: list[BackgroundNode]) -> Iterator[Finding]:
    """Yield where a short delay seems to stand for "after the block before"."""
    for before, after in pairwise(blocks):
        first, second = literal(before.options, "delay") or 0, literal(after.options, "delay") or 0
        if not isinstance(first, int | float) or not isinstance(second, int | float):
            continue
        shared = {hand_over.key for hand_over in before.plan.hand_overs} & {
            hand_over.key for hand_over in after.plan.hand_overs
        }
        if first < second <= _SHORT_DELAY and shared:
            message = f"a delay of {second} min does not make this job wait for the one in line {line_of(before.token)}"
            fix = "put this block at the end of that one's body, if it must come after it"
            yield finding(path, after.token, "delay-for-order", message, fix)
