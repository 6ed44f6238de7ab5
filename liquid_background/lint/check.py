"""The check of whole files: parse each, walk it, gather findings in the order of the lines."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final, TypeAlias

from liquid import Node
from liquid.builtin.expressions import FilteredExpression, Identifier
from liquid.builtin.expressions.filtered import Filter, TernaryFilteredExpression
from liquid.builtin.expressions.primitive import StringLiteral
from liquid.exceptions import LiquidError, TemplateNotFoundError
from liquid.expression import Expression
from liquid.token import TOKEN_TAG

from liquid_background.errors import ArgumentError, EnqueueError
from liquid_background.job import MAX_TIMEOUT
from liquid_background.language.environment import Environment
from liquid_background.language.pages import (
    CONSUMERS,
    LAYOUTS,
    PARTIALS,
    file_for,
    first_of_name,
    inside,
    is_event_name,
    key_token,
    oddity,
    read_options,
    read_text,
    sites_of,
    split_front_matter,
    unusable_folders,
    walk,
)
from liquid_background.language.plan import BodyWalk
from liquid_background.language.syntax import column_of, line_of, show, what_was_wrong
from liquid_background.language.tags import BackgroundNode
from liquid_background.lint.blocks import check_block, check_order, finding, literal
from liquid_background.lint.finding import RULES, Finding, silenced
from liquid_background.lint.values import SlugConflict, check_values, slug_conflicts
from liquid_background.python_jobs import RetryPolicy, read_schedule

FirstUses: TypeAlias = dict[str, tuple[str, BackgroundNode]]
"""For each source name the file and tag that use it first, over all files of one check."""

_A_FOLDER: Final = "a folder"
_LONGEST_NAME: Final = 80  # characters of a file that is worth naming
_TAKES_A_PARTIAL: Final = ("include", "render", "function", "background", "extends")


def files_under(folder: Path) -> list[Path]:
    """Return the files in a folder that are templates or might be taken for one."""
    unusable = unusable_folders(str(folder))
    return [Path(found.path) for found in walk(str(folder), str(folder)).files if found.path not in unusable]


def check_folder(folder: Path) -> list[Finding]:
    """Return why templates of a site, or of a folder in it, are found by nobody."""
    return [
        Finding(path, 1, 0, RULES["unusable-folder"], f"no template is found here: it {reason}", "mend it")
        for path, reason in unusable_folders(str(folder)).items()
    ]


def check_files(environment: Environment, files: Iterable[Path], job_timeout: float = MAX_TIMEOUT) -> list[Finding]:
    """Return what is wrong in template files, file by file and line by line.

    Args:
        environment: with the tags and filters of the application, and its loader.
        files: the files to check; those of the loader's site have their names in it.
        job_timeout: the setting of that name, which no schedule in front matter may go beyond.
    """
    found: list[Finding] = []
    names: FirstUses = {}
    conflicts = slug_conflicts(environment)
    for file in files:
        odd = oddity(str(file), _root_around(environment, file))
        if odd:
            message = f"skipped: {odd}" if odd != _A_FOLDER else f"a folder: templates in it are called {file.name}/…"
            found.append(Finding(str(file), 1, 0, RULES["not-a-template"], message))
        else:
            found += _check_file(environment, file, names, conflicts, job_timeout)
    return found


def _root_around(environment: Environment, file: Path) -> str:
    """Return the folder of the site that a file is in; "" when it belongs to none."""
    path = os.path.abspath(file)
    roots = (os.path.abspath(site.root) for site in sites_of(environment.loader))
    return next((root for root in roots if path.startswith(root.rstrip("/") + "/")), "")


def _source(environment: Environment, file: Path) -> str:
    """Return the text of a file.

    Raises:
        LiquidError: when it cannot be read, or leads out of its site by now.
    """
    place = inside(os.path.abspath(file), _root_around(environment, file) or "/")
    if place is None:
        raise TemplateNotFoundError(str(file))
    return read_text(place, str(file))


def _check_file(
    environment: Environment,
    file: Path,
    names: FirstUses,
    conflicts: Mapping[str, Sequence[SlugConflict]],
    job_timeout: float,
) -> list[Finding]:
    path = str(file)
    try:
        source = _source(environment, file)
    except LiquidError as error:
        return [_of_error(path, error)]
    errors: list[LiquidError] = []
    found: list[Finding] = []
    nodes: Sequence[Node] = ()
    before = conflicts.get(os.path.abspath(file), ())
    if not any(each.is_hidden for each in before):
        found += _check_name(environment, file)
    environment.report = errors.append
    try:
        matter, body, line = split_front_matter(source, path)
        found += _check_front_matter(environment, path, matter, source)
        found += _check_schedule(path, matter, source, job_timeout)
        found += check_values(path, source, before)
        nodes = environment.parse_at(body, line=line, path=path).nodes
        if CONSUMERS in file.parts:
            read_options(source, path)
    except LiquidError as error:
        errors.append(error)
    finally:
        environment.report = None
    wrong = [_of_error(path, error) for error in reversed(errors)]
    found += {(item.line, item.column): item for item in wrong}.values()  # of one place the first: more follow from it
    found += _Check(environment, path, names).nodes(nodes)
    found.sort(key=lambda item: (item.line, item.column))
    return silenced(found, source)


def _of_error(path: str, error: LiquidError) -> Finding:
    message = what_was_wrong(error)
    rule = "option" if isinstance(error, ArgumentError) else "syntax"
    if message.startswith("unexpected tag") and "nothing is open" not in message:
        rule = "unknown-tag"
    if error.token is None or error.token.start_index < 0:
        return Finding(path, 1, 0, RULES[rule], message)
    return Finding(path, line_of(error.token), column_of(error.token), RULES[rule], message)


def _check_front_matter(environment: Environment, path: str, matter: dict[str, Any], source: str) -> Iterator[Finding]:
    layout = matter.get("layout")
    token = key_token(source, path, "layout")
    if layout and token is not None and not _exists(environment, str(layout), "layout"):
        yield finding(path, token, "missing-partial", f"the layout {show(layout)} is not there")


def _check_name(environment: Environment, file: Path) -> Iterator[Finding]:
    """Yield that a file is never read: the one that is stands beside it. Of pages the conflict of their slugs tells."""
    other = first_of_name(str(file))
    if other and not oddity(other, _root_around(environment, Path(other))):
        message = f"this file is never read: {os.path.basename(other)} beside it has the same name"
        yield Finding(str(file), 1, 0, RULES["same-name"], message, "remove one of the two")


def _check_schedule(path: str, matter: dict[str, Any], source: str, job_timeout: float) -> Iterator[Finding]:
    if matter.get("schedule") is not None:
        try:
            read_schedule(path, matter["schedule"], RetryPolicy(), job_timeout)
        except EnqueueError as error:
            token = key_token(source, path, "schedule")
            if token is not None:
                yield finding(path, token, "option", f"the front matter's schedule is not kept: {error}")


def _exists(environment: Environment, name: str, tag: str) -> bool:
    loader = environment.loader
    find = getattr(loader, "find", None) if sites_of(loader) else None  # of a site, or of several
    return find is None or find(name, tag) is not None


def _has_consumers(environment: Environment, event: str) -> bool:
    """Return whether a template takes an event; the check of its own file says what is wrong in its front matter."""
    sites = sites_of(environment.loader)
    if sites:
        return any(site.consumer_names(event) for site in sites)
    try:
        return bool(environment.consumers(event))
    except LiquidError:
        return True


class _Check:
    """The check of one parsed file."""

    def __init__(self, environment: Environment, path: str, names: FirstUses) -> None:
        self.environment = environment
        self.path = path
        self.names = names
        self.walk = BodyWalk(environment, (), frozenset())

    def nodes(self, nodes: Iterable[Node]) -> list[Finding]:
        """Return the findings in nodes and all that they hold."""
        level = list(nodes)
        found = list(check_order(self.path, [node for node in level if isinstance(node, BackgroundNode)]))
        for node in level:
            found += self._node(node)
            found += self.nodes(self.walk.children(node))
        return found

    def _node(self, node: Node) -> Iterator[Finding]:
        if isinstance(node, BackgroundNode):
            yield from check_block(self.environment, self.path, node)
            yield from self._source_name(node)
        for expression in node.expressions():
            yield from self._filters(expression)
        if node.token.kind == TOKEN_TAG and node.token.value in _TAKES_A_PARTIAL:
            yield from self._partial(node)
        if node.token.kind == TOKEN_TAG and node.token.value == "trigger_event":
            yield from self._event(node)

    def _source_name(self, node: BackgroundNode) -> Iterator[Finding]:
        name = literal(node.options, "source_name")
        if not isinstance(name, str):
            return
        first = self.names.setdefault(name, (self.path, node))
        if first[1] is not node:
            where = f"{first[0]}:{first[1].line}"
            message = f"the source name {show(name)} is used in {where} too: their log lines cannot be told apart"
            yield finding(self.path, node.token, "same-source-name", message, "give each its own")

    def _filters(self, expression: Expression) -> Iterator[Finding]:
        known = self.environment.filters
        for item in _filters_in(expression):
            if item.name not in known:
                near = get_close_matches(item.name, known, n=1)
                fix = f"did you mean '{near[0]}'?" if near else "register it with environment.add_filter"
                yield finding(self.path, item.token, "unknown-filter", f"unknown filter {show(item.name)}", fix)

    def _partial(self, node: Node) -> Iterator[Finding]:
        tag = node.token.value
        name = getattr(node, "partial" if tag == "background" else "name", None)
        if isinstance(name, FilteredExpression) and not name.filters:
            name = name.left
        if isinstance(name, StringLiteral):
            value, token = name.value, name.token
        elif isinstance(name, Identifier):  # of `extends`
            value, token = str(name), name.token
        else:
            return
        if _exists(self.environment, value, tag):
            return
        kind, folder = ("layout", LAYOUTS) if tag == "extends" else ("partial", PARTIALS)
        known = [name for site in sites_of(self.environment.loader) for name in site.names(folder)]
        near = get_close_matches(value, known, n=1)
        fix = f"did you mean '{near[0]}'?" if near else _to_write(value, folder)
        yield finding(self.path, token, "missing-partial", f"the {kind} {show(value)} is not there", fix)

    def _event(self, node: Node) -> Iterator[Finding]:
        event = getattr(node, "event", None)
        if not isinstance(event, FilteredExpression) or event.filters or not isinstance(event.left, StringLiteral):
            return
        name = event.left.value
        if not _has_consumers(self.environment, name):
            fix = f"write a file in {CONSUMERS}/"
            if not is_event_name(name):
                fix = "name an event as a folder can be called: letters, digits, `.`, `-`, `_` and `/` between"
            elif len(name) <= _LONGEST_NAME:
                fix = f"write {CONSUMERS}/{name}/NAME.liquid"
            yield finding(self.path, event.token, "missing-consumer", f"no consumer takes {show(name)}", fix)


def _to_write(name: str, folder: str) -> str:
    """Return what to do about a template that is not there."""
    file = file_for(name)
    if file is None:
        return f"no file can have that name: write the name of one in {folder}/"
    return f"write {folder}/{file}" if len(file) <= _LONGEST_NAME else f"write its file in {folder}/"


def _filters_in(expression: Expression) -> Iterator[Filter]:
    if isinstance(expression, FilteredExpression):
        yield from expression.filters or ()
    elif isinstance(expression, TernaryFilteredExpression):
        yield from (*(expression.left.filters or ()), *(expression.filters or ()), *(expression.tail_filters or ()))
    for child in expression.children():
        yield from _filters_in(child)
