"""The check of one parsed file: its blocks, and what its tags and filters name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from liquid import Node
from liquid.builtin.expressions import FilteredExpression, Identifier
from liquid.builtin.expressions.filtered import Filter, TernaryFilteredExpression
from liquid.builtin.expressions.primitive import StringLiteral
from liquid.builtin.tags.render_tag import RenderNode
from liquid.expression import Expression

from liquid_background.events import is_reserved
from liquid_background.language.pages import CONSUMERS, LAYOUTS, PARTIALS, file_for, is_event_name
from liquid_background.language.plan import BodyWalk, tag_of
from liquid_background.language.syntax import show, unfiltered
from liquid_background.language.tags import BackgroundNode
from liquid_background.lint.blocks import check_block, check_order, literal
from liquid_background.lint.edits import instead
from liquid_background.lint.finding import Finding, finding
from liquid_background.lint.run import Run
from liquid_background.lint.unquoted import Unquoted
from liquid_background.nearest import is_slip

_LONGEST_NAME: Final = 80  # characters of a file that is worth naming
_TAKES_A_PARTIAL: Final = ("include", "render", "function", "background", "extends")


class NodesCheck:
    """The check of one parsed file.

    Args:
        run: the check.
        path: of the file.
        nodes: of the file.
    """

    def __init__(self, run: Run, path: str, nodes: Sequence[Node]) -> None:
        self.run = run
        self.path = path
        self.top = nodes
        self.unquoted = Unquoted(run, path, nodes)
        self.walk = BodyWalk(run.environment, (), frozenset())

    def findings(self) -> list[Finding]:
        """Return the findings in all of the file."""
        return self._nodes(self.top)

    def _nodes(self, nodes: Iterable[Node]) -> list[Finding]:
        level = list(nodes)
        found = list(check_order(self.path, [node for node in level if isinstance(node, BackgroundNode)]))
        for node in level:
            found += self._node(node)
            found += self._nodes(self.walk.children(node))
        return found

    def _node(self, node: Node) -> Iterator[Finding]:
        if isinstance(node, BackgroundNode):
            yield from check_block(self.run, self.path, node)
            yield from self.unquoted.findings(node)
            yield from self._source_name(node)
        yield from self.unquoted.named(node)
        for expression in node.expressions():
            yield from self._filters(expression)
        if takes_a_template(node):
            yield from self._partial(node)
        if tag_of(node) == "trigger_event":
            yield from self._event(node)

    def _source_name(self, node: BackgroundNode) -> Iterator[Finding]:
        name = literal(node.options, "source_name")
        if not isinstance(name, str):
            return
        first = self.run.names.setdefault(name, (self.path, node))
        if first[1] is not node:
            where = f"{first[0]}:{first[1].line}"
            message = f"the source name {show(name)} is used in {where} too: their log lines cannot be told apart"
            yield finding(self.path, node.token, "same-source-name", message, "give each its own")

    def _filters(self, expression: Expression) -> Iterator[Finding]:
        known = self.run.environment.filters
        for item in filters_in(expression):
            if item.name not in known:
                near = self.run.suggestions.of("filter", item.name, known)
                fix = f"did you mean '{near}'?" if near else "register it with environment.add_filter"
                message = f"unknown filter {show(item.name)}"
                edits = instead(item.token, item.name, near) if near and is_slip(item.name, near) else ()
                yield finding(self.path, item.token, "unknown-filter", message, fix, edits=edits)

    def _partial(self, node: Node) -> Iterator[Finding]:
        tag, name = named_template(node)
        if name is None:
            return
        value, token = name.value, name.token
        if self.run.exists(value, tag):
            return
        kind, folder = ("layout", LAYOUTS) if tag == "extends" else ("partial", PARTIALS)
        known = self.run.layout_names if tag == "extends" else self.run.partial_names
        near = self.run.suggestions.of(kind, value, known)
        fix = f"did you mean '{near}'?" if near else _to_write(value, folder)
        yield finding(self.path, token, "missing-partial", f"the {kind} {show(value)} is not there", fix)

    def _event(self, node: Node) -> Iterator[Finding]:
        event = unfiltered(getattr(node, "event", None))
        if not isinstance(event, StringLiteral):
            return
        name = event.value
        if is_reserved(name):
            message = f"{show(name)} is an event of the system's own, which no template triggers"
            yield finding(self.path, event.token, "reserved-event", message, "choose another name")
        elif not self.run.has_consumers(name):
            fix = f"write a file in {CONSUMERS}/"
            if not is_event_name(name):
                fix = "name an event as a folder can be called: letters, digits, `.`, `-`, `_` and `/` between"
            elif len(name) <= _LONGEST_NAME:
                fix = f"write {CONSUMERS}/{name}/NAME.liquid"
            yield finding(self.path, event.token, "missing-consumer", f"no consumer takes {show(name)}", fix)


def takes_a_template(node: Node) -> bool:
    """Return whether a node's tag names a partial or a layout, written out or not."""
    return tag_of(node) in _TAKES_A_PARTIAL or isinstance(node, RenderNode)


def named_template(node: Node) -> tuple[str, StringLiteral | None]:
    """Return the tag that names a template, and the name where it is written out."""
    tag = node.tag if isinstance(node, RenderNode) else node.token.value  # a dialect has other words for it
    name = getattr(node, "partial" if tag == "background" else "name", None)
    if isinstance(name, Identifier):  # of `extends`
        return tag, StringLiteral(name.token, str(name))
    value = unfiltered(name)
    return tag, value if isinstance(value, StringLiteral) else None


def _to_write(name: str, folder: str) -> str:
    """Return what to do about a template that is not there."""
    file = file_for(name)
    if file is None:
        return f"no file can have that name: write the name of one in {folder}/"
    return f"write {folder}/{file}" if len(file) <= _LONGEST_NAME else f"write its file in {folder}/"


def filters_in(expression: Expression) -> Iterator[Filter]:
    """Yield the filters of an expression, those of what stands in it too."""
    if isinstance(expression, FilteredExpression):
        yield from expression.filters or ()
    elif isinstance(expression, TernaryFilteredExpression):
        yield from (*(expression.left.filters or ()), *(expression.filters or ()), *(expression.tail_filters or ()))
    for child in expression.children():
        yield from filters_in(child)
