"""What each job of a template is handed, from where, and what stays behind: what `poscli check --values` tells."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path as File
from typing import Final

from liquid import Node
from liquid.builtin.expressions import Path
from liquid.exceptions import LiquidError
from liquid.expression import Expression

from liquid_background.language.environment import Environment
from liquid_background.language.pages import CONSUMERS, split_front_matter, unsaved
from liquid_background.language.plan import REQUEST_ROOTS
from liquid_background.language.syntax import column_of, line_of, unfiltered, written_text
from liquid_background.language.tags import BackgroundNode
from liquid_background.language.tags.log import LogNode
from liquid_background.language.tags.trigger_event import TriggerEventNode
from liquid_background.language.tags.withholding import paths_in
from liquid_background.lint.behind import Behind, Behinds
from liquid_background.lint.blocks import literal
from liquid_background.lint.check import source_of, texts_of
from liquid_background.lint.nevership import may_ship, shipped
from liquid_background.lint.origins import Origin, Origins, Passed, Passing, names_of
from liquid_background.lint.run import Run
from liquid_background.withheld import written

_OF_EVENTS: Final = ("event", "context")  # what a consumer is given
_REQUEST: Final = "params, session, headers, current_user"


@dataclass(frozen=True, slots=True)
class Value:
    """One value that goes with a job.

    Attributes:
        name: as the job knows it; of an option its own name.
        kind: "parameter", "handed over", "option", "name", "event" or "request".
        written: what it is in the template.
        comes_from: "literal", "page variable", "request", "expression", or "job" in a block that another block makes.
        paths: the variables in it, such as `user.email`.
        made_of: what these were assigned from, with filters or without, such as `params.email`.
        line: where it is written, 1-based.
        never_ship: the pattern of NEVER_SHIP that refuses it; "" for none.
        may_hold: the pattern of what it may hold and is refused for; "" for none.
    """

    name: str
    kind: str
    written: str
    comes_from: str
    paths: tuple[str, ...]
    made_of: tuple[str, ...]
    line: int
    never_ship: str = ""
    may_hold: str = ""


@dataclass(frozen=True, slots=True)
class Handing:
    """One job that a template makes, or is.

    Attributes:
        path: of the file.
        line: of its tag, 1-based; 1 of a file that is a job as a whole.
        column: of its tag, 1-based.
        kind: "block", "partial", "event", "consumer" or "schedule".
        name: its source name, if that is written out; of an event its name, of a whole file that of its event or "".
        runs: the partial that runs, or the consumers of the event, as far as they are written out.
        values: what is handed to it.
        behind: what it reads that stays behind.
    """

    path: str
    line: int
    column: int
    kind: str
    name: str
    runs: tuple[str, ...]
    values: tuple[Value, ...]
    behind: tuple[Behind, ...]


def handings_of(
    environment: Environment, files: Iterable[File], buffers: Mapping[File, str] | None = None
) -> list[Handing]:
    """Return the jobs that template files make, file by file; one that cannot be parsed is left out: the check tells.

    Args:
        environment: with the tags and filters of the application, its loader, and the setting NEVER_SHIP.
        files: the files to look at.
        buffers: texts that are not saved, by their files.
    """
    texts = texts_of(buffers or {})
    with unsaved(environment, texts):
        told = _Handings(Run(environment, unsaved=texts))
        return [handing for file in files for handing in told.of_file(file)]


class _Handings:
    """The look at many files; what they include is looked into once."""

    def __init__(self, run: Run) -> None:
        self._environment = run.environment
        self._run = run
        self._behinds = Behinds(self._run.partials)

    def of_file(self, file: File) -> Iterator[Handing]:
        path = str(file)
        try:
            matter, body, line = split_front_matter(source_of(self._environment, file, self._run.unsaved), path)
            nodes = self._environment.parse_at(body, line=line, path=path).nodes
        except LiquidError:
            return
        whole = [*self._of_whole(file, nodes, is_scheduled=matter.get("schedule") is not None)]
        yield from whole
        made = {id(each.node): each for each in self._tags(nodes, through_filters=True)}
        for passing in self._tags(nodes):
            in_job = replace(passing, is_nested=passing.is_nested or bool(whole))
            yield self._of_tag(path, in_job, made[id(passing.node)])

    def _of_whole(self, file: File, nodes: Sequence[Node], *, is_scheduled: bool) -> Iterator[Handing]:
        """Yield the job that a file is as a whole, if it is one."""
        if CONSUMERS in file.parts:
            event = "/".join(file.parts[file.parts.index(CONSUMERS) + 1 : -1])
            behind = self._behinds.of_template(nodes, _OF_EVENTS, "a consumer is given `event` and `context` alone")
            yield Handing(str(file), 1, 1, "consumer", event, (), tuple(self._of_consumers()), tuple(behind))
        elif is_scheduled:
            behind = self._behinds.of_template(nodes, (), "no page hands a schedule's job anything")
            yield Handing(str(file), 1, 1, "schedule", "", (), (), tuple(behind))

    def _tags(self, nodes: Iterable[Node], *, through_filters: bool = False) -> list[Passing]:
        """Return the tags of a file itself that make jobs; those of a partial are told with that."""
        found = Origins(self._run.partials, through_filters=through_filters).passings(nodes)
        return [each for each in found if each.way_in is None and not isinstance(each.node, LogNode)]

    def _of_tag(self, path: str, passing: Passing, made: Passing) -> Handing:
        node = passing.node
        values = [
            self._value(each, beyond.origins, is_nested=passing.is_nested)
            for each, beyond in zip(passing.passed, made.passed, strict=True)
            if _is_told(each)
        ]
        place = path, line_of(node.token), column_of(node.token) + 1
        if isinstance(node, TriggerEventNode):
            name = written_text(node.event)
            consumers = [each for site in self._run.sites for each in site.consumer_names(name)] if name else []
            given = (*values, *self._of_request(line_of(node.token)))
            return Handing(*place, "event", name, tuple(consumers), given, ())
        assert isinstance(node, BackgroundNode)
        named = literal(node.options, "source_name")
        name = written_text(node.label) if named is None else str(named)
        runs = () if node.partial is None else (written_text(node.partial) or str(node.partial),)
        kind = "partial" if node.body is None else "block"
        return Handing(*place, kind, name, runs, tuple(values), tuple(self._behind(node)))

    def _behind(self, node: BackgroundNode) -> list[Behind]:
        if node.body is not None:
            return self._behinds.of_body(node.body.nodes, node.parameter_names())
        given = {*node.parameter_names()}
        return [told for root, told in self._behinds.of_partial(written_text(node.partial)) if root not in given]

    def _value(self, passed: Passed, origins: Sequence[Origin], *, is_nested: bool) -> Value:
        expression, never_ship = passed.expression, self._environment.never_ship
        paths = [*paths_in(expression)]
        as_written = {names_of(path) for path in paths}
        found = shipped(never_ship, passed) if never_ship else None
        return Value(
            name=passed.name or passed.kind,
            kind=passed.kind,
            written=str(expression),
            comes_from=_comes_from(expression, paths, is_nested=is_nested),
            paths=tuple(dict.fromkeys(map(str, paths))),
            made_of=tuple(dict.fromkeys(written(origin) for origin in origins if origin not in as_written)),
            line=line_of(expression.token),
            never_ship=found.pattern if found else "",
            may_hold="" if found or not never_ship else may_ship(never_ship, passed),
        )

    def _of_consumers(self) -> Iterator[Value]:
        yield Value("event", "event", "what trigger_event gives, with its type, date and id", "event", (), (), 1)
        yield from self._of_request(1)

    def _of_request(self, line: int) -> list[Value]:
        seen = ", ".join([_REQUEST, *sorted(self._environment.event_context)])
        return [Value("context", "request", seen, "request", (), (), line)]


def _is_told(passed: Passed) -> bool:
    """Return whether a value is worth telling: an option or a name that is written out is no value of anybody."""
    return passed.kind not in ("option", "name") or bool([*paths_in(passed.expression)])


def _comes_from(expression: Expression, paths: Sequence[Path], *, is_nested: bool) -> str:
    if not paths:
        return "literal"
    if is_nested:
        return "job"
    lone = unfiltered(expression)
    if not isinstance(lone, Path):
        return "expression"
    return "request" if lone.path[0] in REQUEST_ROOTS else "page variable"
