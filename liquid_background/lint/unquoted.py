"""The check of names without quotes: an option's text, or a number with its unit, that is taken for a variable."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from liquid import Node
from liquid.expression import Expression

from liquid_background.job import MAX_DELAY
from liquid_background.language.pages import CONSUMERS, PAGES
from liquid_background.language.plan import BodyWalk, tag_of
from liquid_background.language.scope import ANYTHING
from liquid_background.language.syntax import Option, bare_name, minutes_of
from liquid_background.language.tags import BackgroundNode
from liquid_background.lazy import kept
from liquid_background.lint.edits import Edit, instead
from liquid_background.lint.finding import Finding, finding
from liquid_background.lint.partials import shared
from liquid_background.lint.run import Run

_ALWAYS_THERE: Final = frozenset(("now", "today", "page", "params", "session", "cookies", "headers", "context"))
_NAMING: Final[Mapping[str, tuple[str, str]]] = {
    "function": ("the partial", "name"),
    "trigger_event": ("the event", "event"),
}
"""What the first value of a tag names, and where its node has it."""
_DIGITS_WITH_LETTERS: Final = re.compile(r"\d+(?=\w*[A-Za-z])[\w-]*", re.ASCII)


class Unquoted:
    """The check of the names in one file's background tags.

    Args:
        run: the check.
        path: of the file.
        nodes: of the file.
    """

    def __init__(self, run: Run, path: str, nodes: Sequence[Node]) -> None:
        self._run = run
        self._path = path
        self._nodes = nodes

    def findings(self, node: BackgroundNode) -> Iterator[Finding]:
        """Yield the options of a tag whose value is a name that nothing gives a value, and such numbers with a unit."""
        options = [(each.name, each.value) for each in node.options]
        options += [("source_name", node.label)] if node.label is not None else []
        for name, value in options:
            written = bare_name(value)
            if not written or written in self._given:
                continue
            option = self._run.environment.dialect.options[name]
            said, _, remedy = option.complaint(None, value).partition("; ")
            edits = _value_of(option, written, value)
            if option.is_meant(written):
                yield finding(self._path, value.token, "option", said, remedy, edits=edits)
            elif self._is_unknown(written):
                message = f"{name}: nothing here gives `{written}` a value"
                yield finding(self._path, value.token, "unquoted", message, remedy, edits=edits)
        partial = bare_name(node.partial) if node.partial is not None else ""
        if node.partial is not None and partial and self._is_unknown(partial):
            message = f"the partial to run: nothing here gives `{partial}` a value"
            edits = _quoted(partial, node.partial) if self._run.exists(partial, "background") else ()
            yield finding(self._path, node.partial.token, "unquoted", message, f"quote it: '{partial}'", edits=edits)
        for parameter in node.parameters:
            written = bare_name(parameter.value)
            if _DIGITS_WITH_LETTERS.fullmatch(written) and written not in self._given:
                message = f"{parameter.name}: {written}: `{written}` is a variable without a value"
                fix = f"quote it: '{written}', or write the number alone"
                yield finding(self._path, parameter.value.token, "option", message, fix)

    def named(self, node: Node) -> Iterator[Finding]:
        """Yield an event, a log's type or a function's partial that is a name which nothing gives a value.

        Only of pages and consumers: who gives a partial its values may not be among the templates that are checked.
        """
        if self._run.folder_of(self._path) not in (PAGES, CONSUMERS):
            return
        for what, value in _names_of(node):
            written = bare_name(value)
            if written and self._is_unknown(written):
                message = f"{what}: nothing here gives `{written}` a value"
                edits = _quoted(written, value) if self._is_there(tag_of(node), written) else ()
                yield finding(self._path, value.token, "unquoted", message, f"quote it: '{written}'", edits=edits)

    def _is_there(self, tag: str, name: str) -> bool:
        """Return whether what a tag would name with quotes is there; the type of a log entry always is."""
        if tag == "trigger_event":
            return self._run.has_consumers(name)
        return tag == "log" or self._run.exists(name, tag)

    def _is_unknown(self, name: str) -> bool:
        """Return whether neither the file nor, where others may include it, another one gives a name a value."""
        if name in self._given or ANYTHING in self._given:
            return False
        folder = self._run.folder_of(self._path)
        return folder in ("", PAGES, CONSUMERS) or name not in self._run.names_given

    @kept
    def _given(self) -> frozenset[str]:
        """The names that the file and its partials assign; ANYTHING among them when that cannot be told."""
        environment = self._run.environment
        walk = BodyWalk(environment, (), frozenset())
        names = {*_ALWAYS_THERE, *map(str, environment.globals)}
        left = [*self._nodes]
        while left:
            node = left.pop()
            names.update(map(str, (*node.template_scope(), *node.block_scope())))
            names.update(_names_in(self._run, node))
            left.extend(walk.children(node))
        return frozenset(names)


def _quoted(name: str, value: Expression) -> tuple[Edit, ...]:
    return instead(value.token, name, f"'{name}'")


def _value_of(option: Option, name: str, value: Expression) -> tuple[Edit, ...]:
    """Return what to write instead of a name that an option was given without quotes, if that is certain."""
    minutes = minutes_of(name) if option.name == "delay" else None
    if minutes is not None and minutes <= MAX_DELAY and round(minutes, 4) == minutes:
        return instead(value.token, name, f"{minutes:.10g}")
    try:
        option.read(name)
    except ValueError:
        return ()
    return _quoted(name, value)


def _names_of(node: Node) -> Iterator[tuple[str, Expression]]:
    """Yield what a tag takes for a name that is most often written out, and what it is."""
    tag = tag_of(node)
    if tag == "log":
        yield from (("the type", each.value) for each in getattr(node, "arguments", ()) if each.name == "type")
    elif tag in _NAMING:
        what, attribute = _NAMING[tag]
        name = getattr(node, attribute, None)
        if isinstance(name, Expression):
            yield what, name


def _names_in(run: Run, node: Node) -> Iterable[str]:
    """Return the names that a job is given, and those that a partial assigns around itself."""
    if isinstance(node, BackgroundNode):
        return node.parameter_names()
    partial = shared(node)
    if partial is None:
        return ()
    return run.partials.assigned(partial) if partial else (ANYTHING,)
