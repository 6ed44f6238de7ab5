"""Checks of one background tag: what its body reads, and what its opener says."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from difflib import get_close_matches
from itertools import pairwise
from typing import Final

from liquid import Node, Token
from liquid.ast import PartialScope
from liquid.builtin.expressions import FilteredExpression, Path
from liquid.builtin.expressions.primitive import FloatLiteral, IntegerLiteral, StringLiteral
from liquid.exceptions import LiquidError
from liquid.expression import Expression

from liquid_background.language.environment import Environment
from liquid_background.language.plan import ANYTHING, REQUEST_ROOTS, BodyNode, BodyWalk, Scope
from liquid_background.language.syntax import OPTIONS, Argument, column_of, line_of, show
from liquid_background.language.tags import BackgroundNode
from liquid_background.lint.finding import RULES, Finding

_ALWAYS_THERE: Final = frozenset(("now", "today"))
_LONGEST_NAME: Final = 80  # characters of a variable that is worth writing out
_SHORT_DELAY: Final = 10.0  # minutes; longer ones are meant as times


def finding(path: str, token: Token, rule: str, message: str, fix: str = "") -> Finding:
    """Return a finding at a token."""
    return Finding(path, line_of(token), max(column_of(token), 0), RULES[rule], message, fix)


class _Reads(BodyWalk):
    """Walks a body as the planner does, and notes the page paths that are read where nothing is handed over."""

    def __init__(self, env: Environment, parameters: Collection[str]) -> None:
        super().__init__(env, env.hands_over, frozenset(parameters))
        self._env = env
        self._names: dict[str, frozenset[str]] = {}  # that partials assign, by partial; none while one is looked into
        self.blank: list[Path] = []
        self.request: list[Path] = []

    def _branches(self, node: Node, scope: Scope) -> frozenset[str]:
        # A nested block is checked as a block of its own, with what it can see.
        return frozenset() if isinstance(node, BodyNode) else super()._branches(node, scope)

    def assigned_elsewhere(self, node: Node) -> frozenset[str]:
        """Look into a partial that is named literally, where the planner has to expect anything."""
        partial = node.partial_scope()
        if partial is None or partial.scope is PartialScope.ISOLATED:
            return frozenset()
        if not isinstance(partial.name, StringLiteral):
            return super().assigned_elsewhere(node)
        name = partial.name.value
        if name not in self._names:
            self._names[name] = frozenset()  # of one that takes itself, too; each is looked into once
            try:
                nodes = self._env.get_template(name, tag="include").nodes
                self._names[name] = frozenset(found for inner in nodes for found in self._assigned(inner))
            except LiquidError:
                self._names[name] = super().assigned_elsewhere(node)
        return self._names[name]

    def other(self, node: Node, scope: Scope) -> None:
        if ANYTHING in scope.maybe:
            return
        for expression in node.expressions():
            for path in paths(expression):
                root = path.path[0]
                if root in REQUEST_ROOTS and root not in scope.maybe:
                    self.request.append(path)
                elif isinstance(root, str) and root not in scope.maybe and root not in _ALWAYS_THERE:
                    self.blank.append(path)

    def _path(self, path: Path, scope: Scope) -> None:
        if path.path[0] in REQUEST_ROOTS and path.path[0] not in scope.maybe:
            self.request.append(path)
        super()._path(path, scope)


def paths(expression: Expression) -> Iterator[Path]:
    """Yield every path in an expression, those in brackets too."""
    if isinstance(expression, Path):
        yield expression
    for child in expression.children():
        yield from paths(child)


def check_block(env: Environment, path: str, node: BackgroundNode) -> Iterator[Finding]:
    """Yield what is wrong with one background tag."""
    yield from _check_opener(path, node)
    if node.body is None:
        return
    reads = _Reads(env, list(node.parameter_names()))
    reads.body(node.body.nodes)
    for read in reads.blank:
        name = re.sub(r"\W+", "_", "_".join(str(part) for part in read.path if isinstance(part, str | int)))
        message = f"{_named(read)} is blank in the job: a job sees no page variable here"
        fix = f"put {{% assign {name} = {read} %}} at the start of the block and use `{name}`"
        fix = fix if len(str(read)) <= _LONGEST_NAME else "assign it at the start of the block, and use that"
        yield finding(path, read.token, "blank-variable", message, fix)
    for read in reads.request:
        name = re.sub(r"\W+", "_", str(read.path[-1]))
        message = f"{_named(read)} is blank in the job: a job sees nothing of the request"
        fix = f"put {{% assign {name} = {read} %}} before the block and hand over `{name}`"
        fix = fix if len(str(read)) <= _LONGEST_NAME else "assign it before the block, and hand over what is assigned"
        yield finding(path, read.token, "request-in-job", message, fix)
    yield from _check_unused(env, path, node)


def _named(read: Path) -> str:
    text = str(read)
    return f"`{text}`" if len(text) <= _LONGEST_NAME else f"`{text[: _LONGEST_NAME - 1]}…`"


def _check_opener(path: str, node: BackgroundNode) -> Iterator[Finding]:
    if node.label is None and not any(argument.name == "source_name" for argument in node.options):
        fix = "add source_name: 'what_it_does'"
        yield finding(path, node.token, "no-source-name", "this job has no source name to find it by in the log", fix)
    for parameter in node.parameters:
        near = get_close_matches(parameter.name, OPTIONS, n=1, cutoff=0.75)
        if near:
            message = f"{show(parameter.name)} is taken for a parameter"
            yield finding(path, parameter.token, "misspelt-option", message, f"did you mean the option '{near[0]}'?")


def _check_unused(env: Environment, path: str, node: BackgroundNode) -> Iterator[Finding]:
    used = _roots_read(env, node)
    if used is None:
        return
    for parameter in node.parameters:
        if parameter.name not in used:
            message = f"parameter {show(parameter.name)} is not read in the body"
            yield finding(path, parameter.token, "unused-parameter", message, "remove it, or read it")


def _roots_read(env: Environment, node: BackgroundNode) -> set[str] | None:
    """Return the roots that a body and the partials it includes read; None when that cannot be told."""
    roots: set[str] = set()
    pending: list[Node] = list(node.body.nodes) if node.body is not None else []
    seen: set[str] = set()
    walk = BodyWalk(env, (), frozenset())
    while pending:
        current = pending.pop()
        roots.update(str(path.path[0]) for expression in current.expressions() for path in paths(expression))
        pending.extend(walk.children(current))
        if current.token.kind == "tag" and current.token.value == "include":
            name = getattr(current, "name", None)
            if not isinstance(name, StringLiteral):
                return None
            if name.value not in seen:
                seen.add(name.value)
                try:
                    pending.extend(env.get_template(name.value, tag="include").nodes)
                except LiquidError:
                    return None
    return roots


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
